"""What a JSON Schema says of a nested value or a parameter, as far as filters must know it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, cast

from crm_kernel.fields.base import Kind

Schema = Mapping[str, Any]

_SCALARS = {
    "string": Kind.TEXT,
    "integer": Kind.INTEGER,
    "number": Kind.NUMBER,
    "boolean": Kind.BOOLEAN,
    "array": Kind.LIST,
    "object": Kind.OBJECT,
}
_NOTHING: Schema = MappingProxyType({})
_FORMATS = {"date": Kind.DATE, "date-time": Kind.MOMENT}


class Part(NamedTuple):
    """One value: its kind, the texts it is chosen from, the members of an object, the elements of a list."""

    kind: Kind
    choices: tuple[str, ...] = ()
    members: Mapping[str, Schema] = _NOTHING
    items: Schema = _NOTHING
    definitions: Mapping[str, Schema] = _NOTHING

    def member(self, name: str) -> Part:
        """A member of the object. Raises `KeyError`."""
        return part_of(self.members[name], self.definitions)

    def element(self) -> Part:
        """What each element of the list is."""
        return part_of(self.items, self.definitions)


def part_of(schema: Schema, definitions: Mapping[str, Schema]) -> Part:
    """The part that a schema describes; `definitions` are the `$defs` that its `$ref`s may name.

    A schema that leaves no single type (null apart) is `Kind.JSON`.
    """
    schema = _plain(schema, definitions, 8)
    choices = cast("list[Any]", schema.get("enum") or ([schema["const"]] if "const" in schema else []))
    texts = tuple(choice for choice in choices if isinstance(choice, str))
    if texts:
        single = all(choice is None or isinstance(choice, str) for choice in choices)
        return Part(Kind.CHOICE, texts) if single else Part(Kind.JSON)
    named = schema.get("type")
    types = cast("list[Any]", named) if isinstance(named, list) else [named]
    kinds = [_SCALARS[t] for t in types if t in _SCALARS]
    if len(kinds) != 1:
        return Part(Kind.JSON)
    kind = _FORMATS.get(schema.get("format", ""), kinds[0]) if kinds[0] is Kind.TEXT else kinds[0]
    return Part(kind, (), _mapping(schema.get("properties")), _mapping(schema.get("items")), definitions)


def definitions_of(*schemas: Schema) -> dict[str, Schema]:
    """All `$defs` at the top of the schemas and of their `allOf` parts, by name."""
    found: dict[str, Schema] = {}
    for schema in schemas:
        found |= _mapping(schema.get("$defs"))
        parts = schema.get("allOf")
        for part in cast("list[Any]", parts) if isinstance(parts, list) else []:
            found |= _mapping(_mapping(part).get("$defs"))
    return found


def _plain(schema: Schema, definitions: Mapping[str, Schema], hops: int) -> Schema:
    """Follows `$ref`, and `anyOf` of one schema and null, at most `hops` times."""
    reference = schema.get("$ref")
    if isinstance(reference, str) and hops:
        return _plain(definitions.get(reference.rpartition("/")[2], {}), definitions, hops - 1)
    branches = schema.get("anyOf") or schema.get("oneOf")
    if isinstance(branches, list) and hops:
        others = [b for b in cast("list[Any]", branches) if _mapping(b).get("type") != "null"]
        if len(others) == 1:
            return _plain(_mapping(others[0]), definitions, hops - 1)
    return schema


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}
