"""One form for each property, however its author wrote it: what `x-crm` implies is spelled out as JSON Schema."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any, cast

from crm_kernel.fields import BUILTIN_TYPES, from_schema
from crm_kernel.fields.base import FieldType, Options
from crm_kernel.fields.plugin_type import implied_by
from crm_kernel.fields.shape import options_of
from crm_kernel.schema.walk import Links

_NUMERIC = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_SHAPING = ("type", "enum", "const", "format", "items")
_SAME_LISTS = ("allOf", "anyOf", "oneOf")
_SAME = ("not", "if", "then", "else")


def normal_property(
    schema: Mapping[str, Any] | bool, types: Sequence[type[FieldType]] = BUILTIN_TYPES
) -> dict[str, Any]:
    """A property's schema with what its `x-crm` implies."""
    if isinstance(schema, bool):
        return {} if schema else {"not": {}}
    crm = schema.get("x-crm")
    options = cast("dict[str, Any]", crm) if isinstance(crm, dict) else {}
    if options.get("type") is not None:
        return {**implied_by(options["type"], types), **schema}
    if options.get("money"):
        return _money(dict(schema))
    if options.get("decimal") is not None:
        return {"type": "number", **schema}
    if options.get("reference") is not None:
        return {"type": "string", "format": "uuid", **schema}
    if options.get("phone") or options.get("autonumber") is not None:
        return {"type": "string", **schema}
    return dict(schema)


def shape_of(schema: Mapping[str, Any], links: Links) -> dict[str, Any]:
    """A normal property with what stands behind its `$ref` in the document: what decides its type."""
    shape = dict(schema)
    seen: set[str] = set()
    while isinstance(ref := schema.get("$ref"), str) and ref not in seen and "$id" not in schema:
        seen.add(ref)
        found = links.lookup((), ref)
        if found is None or not isinstance(found[1], dict):
            break
        schema = cast("dict[str, Any]", found[1])
        shape = {**{keyword: schema[keyword] for keyword in _SHAPING if keyword in schema}, **shape}
    return shape


def property_type(
    schema: Mapping[str, Any] | bool, links: Links, types: Sequence[type[FieldType]]
) -> tuple[Options, FieldType]:
    """The `x-crm` and the field type of a property of the document of `links`.

    Raises `msgspec.ValidationError` for a wrong `x-crm`, `ValueError` for a wrong autonumber.
    """
    normal = normal_property(schema, types)
    options = options_of(normal)
    return options, from_schema(shape_of(normal, links), options, types)


def _money(schema: dict[str, Any]) -> dict[str, Any]:
    """Money is an object; limits of numbers that its author wrote on it are those of the amount."""
    limits = {keyword: schema[keyword] for keyword in _NUMERIC if keyword in schema}
    rest = {keyword: value for keyword, value in schema.items() if keyword not in limits and keyword != "type"}
    parts = cast("dict[str, Any]", rest.get("properties", {}))
    amount = {"type": "number", **cast("dict[str, Any]", parts.get("amount", {})), **limits}
    currency = {"type": "string", **cast("dict[str, Any]", parts.get("currency", {}))}
    return {
        **rest,
        "type": "object",
        "properties": {**parts, "amount": amount, "currency": currency},
        "required": ["amount", "currency"],
        "additionalProperties": False,
    }


def money_limits(schema: dict[str, Any], money: Container[str]) -> dict[str, Any]:
    """A record-level rule in which limits written on a money field are those of its amount."""
    result = dict(schema)
    for keyword in _SAME:
        if isinstance(schema.get(keyword), dict):
            result[keyword] = money_limits(schema[keyword], money)
    for keyword in _SAME_LISTS:
        if keyword in schema:
            result[keyword] = [money_limits(p, money) if isinstance(p, dict) else p for p in schema[keyword]]
    if "dependentSchemas" in schema:
        items = cast("dict[str, Any]", schema["dependentSchemas"]).items()
        result["dependentSchemas"] = {k: money_limits(v, money) if isinstance(v, dict) else v for k, v in items}
    if "properties" in schema:
        items = cast("dict[str, Any]", schema["properties"]).items()
        result["properties"] = {k: _lifted(v) if k in money else v for k, v in items}
    return result


def _lifted(schema: Any) -> Any:
    """Limits of numbers on a money value as limits of its amount."""
    if not isinstance(schema, dict):
        return schema
    rule = cast("dict[str, Any]", schema)
    limits = {keyword: rule[keyword] for keyword in _NUMERIC if keyword in rule}
    if not limits:
        return rule
    parts = cast("dict[str, Any]", rule.get("properties", {}))
    amount = {**cast("dict[str, Any]", parts.get("amount", {})), **limits}
    rest = {keyword: value for keyword, value in rule.items() if keyword not in limits}
    return {**rest, "properties": {**parts, "amount": amount}}
