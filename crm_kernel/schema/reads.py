"""Which fields the rules of an entity have to look at, so that checking 100,000 records reads no more than these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, cast

from crm_kernel.fields.base import Kind
from crm_kernel.model import Field
from crm_kernel.schema.walk import subschemas

_DEEP = 64
_TELLS = frozenset(
    {"title", "description", "examples", "default", "x-crm", "$comment", "deprecated", "readOnly", "writeOnly"}
)
"""What limits no value."""
_OF_MEMBERS = frozenset({"properties", "required", "dependentRequired", "dependentSchemas"})
_OF_PARTS = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "$ref", "$defs", "definitions", "$id"})
_KNOWN = _TELLS | _OF_MEMBERS | _OF_PARTS | {"type"}
_ALWAYS: Mapping[Kind, frozenset[tuple[str, str]]] = MappingProxyType(
    {
        Kind.TEXT: frozenset({("type", "string")}),
        Kind.INTEGER: frozenset({("type", "integer"), ("type", "number")}),
        Kind.NUMBER: frozenset({("type", "number")}),
        Kind.DECIMAL: frozenset({("type", "number")}),
        Kind.BOOLEAN: frozenset({("type", "boolean")}),
        Kind.REFERENCE: frozenset({("type", "string"), ("format", "uuid")}),
        Kind.DATE: frozenset({("type", "string"), ("format", "date")}),
        Kind.MOMENT: frozenset({("type", "string"), ("format", "date-time")}),
    }
)
"""What every stored value of a kind fulfils."""


def fields_read(parts: Iterable[dict[str, Any]], fields: Mapping[str, Field]) -> frozenset[str]:
    """The fields on whose values the outcome of some record-level schemas depends; all of them where that is not sure.

    A property that asks for no more than its column holds anyway is left out.
    """
    found: set[str] = set()
    for part in parts:
        for sub in subschemas(part, _DEEP):
            if not sub.record:
                continue
            if not sub.schema.keys() <= _KNOWN or not str(sub.schema.get("$ref", "#")).startswith("#"):
                return frozenset(fields)
            found |= _named(sub.schema, fields)
    return frozenset(found & fields.keys())


def _named(schema: Mapping[str, Any], fields: Mapping[str, Field]) -> set[str]:
    found = set(cast("list[str]", schema.get("required", ())))
    for trigger, names in cast("dict[str, list[str]]", schema.get("dependentRequired", {})).items():
        found |= {trigger, *names}
    found.update(cast("dict[str, Any]", schema.get("dependentSchemas", {})))
    for name, rule in cast("dict[str, Any]", schema.get("properties", {})).items():
        if name not in fields or not _always_holds(rule, fields[name]):
            found.add(name)
    return found


def _always_holds(rule: Any, field: Field) -> bool:
    if not isinstance(rule, dict):
        return rule is True
    limits = {keyword: value for keyword, value in cast("dict[str, Any]", rule).items() if keyword not in _TELLS}
    always = _ALWAYS.get(field.type.kind, frozenset())
    return all(isinstance(value, str) and (keyword, value) in always for keyword, value in limits.items())
