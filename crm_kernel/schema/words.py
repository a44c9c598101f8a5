"""A fault that the engine found in a document, said in one sentence: what was got and what is expected."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, cast

import jsonschema_rs

from crm_kernel.errors import Fault, near, token
from crm_kernel.schema.walk import pointer

MOST = 100
"""Faults of one document that are told: who sent thousands learns enough from these, in no time."""

_TYPES = {
    "object": "an object",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}
_Kind = jsonschema_rs.ValidationErrorKind


def document_words(validator: jsonschema_rs.Validator, schema: Mapping[str, Any], body: Any) -> list[Fault]:
    """The faults of a value against a schema and its validator, each once, ordered by pointer and code."""
    found = (f for e in islice(validator.iter_errors(body), MOST) for one in _single(e) for f in _faults(one, schema))
    # A schema within a document meets several rules that say the same: one fault, said once.
    faults = {(f.pointer, f.code): f for f in islice(found, MOST)}
    return sorted(faults.values(), key=lambda f: (f.pointer, f.code))


def shown(value: Any) -> str:
    """A value as JSON, cut at 60 characters."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _single(error: jsonschema_rs.ValidationError) -> Iterator[jsonschema_rs.ValidationError]:
    """The error, or for an `anyOf` the errors of the one branch that the value was meant for.

    Meant for a branch is a value of its JSON type: `{"field": 1}` in "a text or an object" is a wrong object.
    """
    branches: list[list[jsonschema_rs.ValidationError]] = getattr(error.kind, "context", [])
    meant = [b for b in branches if not any(_other_type(e, error) for e in b)] if _code(error) == "anyOf" else []
    if len(meant) != 1:
        yield error
        return
    for inner in meant[0]:
        yield from _single(inner)


def _other_type(error: jsonschema_rs.ValidationError, outer: jsonschema_rs.ValidationError) -> bool:
    """Whether a branch fails because the value is of another JSON type than the branch is about."""
    if len(error.instance_path) > len(outer.instance_path):
        return False
    if isinstance(error.kind, _Kind.Constant):
        return True
    if isinstance(error.kind, _Kind.Enum):
        values = error.kind.options
        return len(values) == 1 or type(error.instance) not in {type(v) for v in values}
    return isinstance(error.kind, _Kind.Type)


def _code(error: jsonschema_rs.ValidationError) -> str:
    return str(error.schema_path[-1])


def _faults(error: jsonschema_rs.ValidationError, root: Mapping[str, Any]) -> Iterator[Fault]:
    """One fault, or one for each member that is missing or too many."""
    at, kind = pointer(tuple(error.instance_path)), error.kind
    schema = _schema_of(error, root)
    if isinstance(kind, _Kind.AdditionalProperties):
        known = list(schema.get("properties", ()))
        for name in islice(kind.unexpected, MOST):
            hint = near(name, known) or f" known are {', '.join(known)}."
            yield Fault(pointer=at + token(name), code=_code(error), detail=f"Unknown member {name!r};{hint}")
    elif isinstance(kind, _Kind.Required):
        yield Fault(pointer=at + token(kind.property), code="required", detail=f"{kind.property!r} is missing.")
    elif isinstance(kind, _Kind.PropertyNames):
        name = cast("str", kind.error.instance)
        yield Fault(pointer=at + token(name), code="propertyNames", detail=_name_detail(kind.error, name, schema))
    else:
        yield Fault(pointer=at, code=_code(error), detail=_detail(error, schema))


def _schema_of(error: jsonschema_rs.ValidationError, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema that has the keyword, {} where that is a part of the draft's own."""
    found: Any = root
    for step in () if error.absolute_keyword_location else error.schema_path[:-1]:
        found = found[step]
    return cast("Mapping[str, Any]", found) if isinstance(found, Mapping) and found is not root else root


def _detail(error: jsonschema_rs.ValidationError, schema: Mapping[str, Any]) -> str:
    got, code = shown(error.instance), _code(error)
    expected = error.kind.value
    size = len(cast("Any", error.instance)) if isinstance(error.instance, str | list | dict) else 0
    match code:
        case "type":
            return f"Got {got}, expected {_type_words(cast('Any', error.kind).types)}."
        case "enum":
            options: list[Any] = cast("Any", error.kind).options
            return f"Got {got}, expected {'one of ' if len(options) > 1 else ''}{', '.join(map(shown, options))}."
        case "pattern":
            return f"Got {got}, expected {schema.get('description') or f'a text that matches {expected}'}."
        case "minLength" | "minItems" | "minProperties":
            return "It is empty." if expected == 1 else f"Got {got}, expected at least {expected}."
        case "maxLength" | "maxItems" | "maxProperties":
            return f"It has {size}, at most {expected} are allowed."
        case "minimum" | "maximum":
            return f"Got {got}, expected at {'least' if code == 'minimum' else 'most'} {expected}."
        case "oneOf":
            names = ", ".join(str(branch["required"][0]) for branch in schema["oneOf"])
            return f"Exactly one of {names} is expected."
        case "anyOf":
            return f"Got {got}, expected {_branches(schema)}."
        case _:
            return f"Got {got}: {error.message[:200]}."


def _branches(schema: Mapping[str, Any]) -> str:
    branches: list[Any] = schema.get("anyOf") or []
    return " or ".join(_branch_words(branch) for branch in branches) or "another value"


def _branch_words(branch: Mapping[str, Any]) -> str:
    if "enum" in branch:
        return ", ".join(map(shown, branch["enum"]))
    return _type_words([branch.get("type", "object")])


def _type_words(names: list[str]) -> str:
    return " or ".join(_TYPES[name] for name in names)


def _name_detail(error: jsonschema_rs.ValidationError, name: str, schema: Mapping[str, Any]) -> str:
    got = shown(name)
    if isinstance(error.kind, _Kind.Not):
        return f"{got} is not allowed at the top level of a schema."
    if isinstance(error.kind, _Kind.MaxLength):
        return f"The name {got} is longer than {error.kind.limit} characters."
    form = schema.get("description") or f"a text that matches {schema.get('pattern')}"
    return f"The name {got} is not allowed, expected {form}."
