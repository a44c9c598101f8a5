"""What is wrong with the structure of a document, in sentences (floor 4).

Structure only: that entities, fields and expressions exist is checked against the registry, later.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import jsonschema_rs
from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError

from crm_kernel.document_schemas import SCHEMAS
from crm_kernel.document_words import code_of, detail_of, pointer_of, token
from crm_kernel.documents import KINDS, RESERVED_KINDS
from crm_kernel.errors import Fault, near
from crm_kernel.source_json import MAX_BYTES, MAX_DEPTH, depth, unsendable


def _pattern(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[ValidationError]:
    """The keyword `pattern` with the `$` of ECMA 262: Python's own also stands before a last line feed."""
    strict = re.sub(r"(?<!\\)\$$", r"\\Z", pattern)
    if isinstance(instance, str) and not re.search(strict, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


_Validator = validators.extend(Draft202012Validator, {"pattern": _pattern})

_FAST = MappingProxyType({name: jsonschema_rs.validator_for(schema) for name, schema in SCHEMAS.items()})
_EXACT = MappingProxyType({name: _Validator(schema) for name, schema in SCHEMAS.items()})


def document_faults(body: object) -> list[Fault]:
    """All structural faults of a document, [] when it has none; ordered by pointer and code.

    Any JSON value may be given: what is no object, has no known `kind`, is larger than 256 KiB or deeper than 64
    levels is one fault.
    """
    if not isinstance(body, Mapping):
        return [Fault(pointer="", code="type", detail="A document is a JSON object with kind and name.")]
    kind = body.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        return [_kind_fault(kind, "kind" in body)]
    if depth(body) > MAX_DEPTH:
        return [Fault(pointer="", code="too_large", detail=f"The document is more than {MAX_DEPTH} levels deep.")]
    try:
        size = len(canonical(body))
    except ValueError:
        return sorted(unsendable(body), key=lambda f: f.pointer)
    if size > MAX_BYTES:
        return [Fault(pointer="", code="too_large", detail=f"The document is larger than {MAX_BYTES} bytes.")]
    return schema_faults(str(kind), body)


def schema_faults(name: str, body: object) -> list[Fault]:
    """The faults of a value against `SCHEMAS[name]`.

    jsonschema-rs answers for the many that are right (500 fields: 1 ms against 120), jsonschema names the faults.
    """
    if _FAST[name].is_valid(body):
        return []
    errors = (part for error in _EXACT[name].iter_errors(body) for part in _single(error))
    # A schema within a document meets both its own rules and those of all JSON Schemas: one fault, said once.
    faults = {(f.pointer, f.code): f for error in errors for f in _faults(error)}
    return sorted(faults.values(), key=lambda f: (f.pointer, f.code))


def canonical(body: object) -> bytes:
    """The canonical form that hashes are made of: members sorted, no blanks, UTF-8.

    Raises `ValueError` for what no JSON text can hold (see `unsendable`).
    """
    text = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode()


def document_hash(body: object) -> str:
    """SHA-256 of the canonical form, in hex: equal for documents that differ in layout only."""
    return hashlib.sha256(canonical(body)).hexdigest()


def _kind_fault(kind: object, given: bool) -> Fault:
    if not given:
        return Fault(pointer="/kind", code="required", detail="'kind' is missing.", hint=f"One of {', '.join(KINDS)}.")
    if kind in RESERVED_KINDS:
        detail = f"Documents of kind {kind!r} are not built yet; the name is reserved."
    else:
        detail = f"There is no kind {kind!r};{near(str(kind), KINDS) or ' expected one of ' + ', '.join(KINDS) + '.'}"
    return Fault(pointer="/kind", code="enum", detail=detail)


def _single(error: ValidationError) -> Iterator[ValidationError]:
    """The error, or for an `anyOf` the errors of the one branch that the value was meant for.

    Meant for a branch is a value of its JSON type: `{"field": 1}` in "a text or an object" is a wrong object.
    """
    branches: dict[Any, list[ValidationError]] = {}
    for inner in error.context or () if error.validator == "anyOf" else ():
        branches.setdefault(inner.schema_path[0], []).append(inner)
    meant = [b for b in branches.values() if not any(_other_type(e) for e in b)]
    if len(meant) != 1:
        yield error
        return
    for inner in meant[0]:
        yield from _single(inner)


def _other_type(error: ValidationError) -> bool:
    """Whether a branch fails because the value is of another JSON type than the branch is about."""
    if error.path:
        return False
    if error.validator == "enum":
        values: Any = error.validator_value
        return len(values) == 1 or type(error.instance) not in {type(v) for v in values}
    return error.validator == "type"


def _faults(error: ValidationError) -> Iterator[Fault]:
    """One fault, or one for each member that is missing or too many."""
    at = pointer_of(error)
    if error.validator == "additionalProperties":
        schema: Any = error.schema
        members: Any = error.instance
        known = list(schema.get("properties", ()))
        for name in members:
            if name not in known:
                hint = near(name, known) or f" known are {', '.join(known)}."
                yield Fault(pointer=at + token(name), code=code_of(error), detail=f"Unknown member {name!r};{hint}")
    else:
        yield Fault(pointer=at, code=code_of(error), detail=detail_of(error))
