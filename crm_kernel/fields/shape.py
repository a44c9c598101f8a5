"""From a field's JSON Schema to the field type that is meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from crm_kernel.fields.base import FieldType, Options, Shape
from crm_kernel.fields.number import MAX_INTEGER


def options_of(schema: Mapping[str, Any]) -> Options:
    """The `x-crm` of a schema. Raises `msgspec.ValidationError` for unknown members and wrong values."""
    return msgspec.convert(schema.get("x-crm", {}), Options)


def single_type(schema: Mapping[str, Any]) -> str | None:
    """The one JSON type that `type`, `enum` and `const` leave, null apart; None where they leave none or several."""
    left: set[str] | None = None
    for keyword in ("type", "enum", "const"):
        if keyword in schema:
            allowed = _allowed(keyword, schema[keyword])
            left = allowed if left is None else _both(left, allowed)
    left = (left or set()) - {"null"}
    if left == {"integer", "number"}:
        return "number"
    return left.pop() if len(left) == 1 else None


def _allowed(keyword: str, value: Any) -> set[str]:
    if keyword == "type":
        return {value} if isinstance(value, str) else set(value)
    return {_type_of(item) for item in (value if keyword == "enum" else [value])}


def _both(a: set[str], b: set[str]) -> set[str]:
    """What both allow: an integer is a number too."""
    both = a & b
    if ("number" in a and "integer" in b) or ("number" in b and "integer" in a):
        both.add("integer")
    return both


def _type_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float | Decimal):
        # beyond what an integer field holds it is a double: a field of nothing but this value would hold none
        return "integer" if abs(value) <= MAX_INTEGER and value == value // 1 else "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list | tuple) else "object"


def choose(schema: Mapping[str, Any], options: Options, types: Sequence[type[FieldType]]) -> FieldType:
    """The field type for a schema: the first of `types` that matches. Raises `LookupError` where none does."""
    shape = Shape(schema, options, single_type(schema), types)
    for candidate in types:
        found = candidate.match(shape)
        if found is not None:
            return found
    raise LookupError(f"no field type for {schema!r}")
