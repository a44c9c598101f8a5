"""What is wrong with the structure of a document, in sentences (floor 4).

Structure only: that entities, fields and expressions exist is checked against the registry, later.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

import jsonschema_rs

from crm_kernel.document_schemas import DRAFT, SCHEMAS
from crm_kernel.documents import KINDS, RESERVED_KINDS
from crm_kernel.errors import Fault, near, token
from crm_kernel.schema.check import draft_faults, fragment_faults
from crm_kernel.schema.words import document_words
from crm_kernel.source_json import MAX_BYTES, MAX_DEPTH, depth, unsendable

MOST_PARTS = 2000
"""Parts that a wrong document may have and be judged part by part."""


def _bare(schema: Any) -> Any:
    """A schema that leaves the JSON Schemas within documents to `draft_faults`: it tells of them quicker and better."""
    if isinstance(schema, dict):
        members = cast("dict[str, Any]", schema).items()
        return {name: _bare(part) for name, part in members if (name, part) != ("$ref", DRAFT)}
    return [_bare(part) for part in cast("list[Any]", schema)] if isinstance(schema, list) else schema


_SCHEMAS = MappingProxyType({name: _bare(schema) for name, schema in SCHEMAS.items()})
_VALIDATORS = MappingProxyType({name: jsonschema_rs.validator_for(schema) for name, schema in _SCHEMAS.items()})


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


def schema_faults(name: str, body: Any) -> list[Fault]:
    """The faults of a value against `SCHEMAS[name]`, and of the JSON Schemas within it."""
    validator = _VALIDATORS[name]
    if not validator.is_valid(body):
        members = body.items() if isinstance(body, Mapping) else ()
        many = [(member, value) for member, value in members if isinstance(value, list | dict)]
        found = [_too_many(member, value) for member, value in many if member != "schema" and len(value) > MOST_PARTS]
        return found or document_words(validator, _SCHEMAS[name], body)
    match name:
        case "fields" | "entity":
            return draft_faults(body["schema"], at="/schema")
        case "pipeline":
            parts = [(f"/stages/{n}/requires", stage.get("requires")) for n, stage in enumerate(body["stages"])]
        case "report":
            parts = [(f"/params/{param}", schema) for param, schema in body.get("params", {}).items()]
        case _:
            parts = []
    return [fault for at, schema in parts if schema is not None for fault in fragment_faults(schema, at=at)]


def _too_many(member: str, value: Any) -> Fault:
    detail = f"It has {len(value)}, at most {MOST_PARTS} are allowed."
    return Fault(pointer=token(member), code="maxItems", detail=detail)


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
