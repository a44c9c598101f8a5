"""From a type hint to its JSON Schema: what a plugin's class says, as a document would say it."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping, Sequence, Set
from copy import deepcopy
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
from msgspec.structs import FieldInfo

from crm_kernel.fields.declare import FieldMarker, Target
from crm_kernel.fields.money import Money

Schema = dict[str, Any]
Name = typing.Callable[[Any], str]
"""Gives the name of an entity that a `Ref` names by class or by name."""

DEFAULT_DECIMALS = 4

_SCALARS: Mapping[Any, Schema] = types.MappingProxyType(
    {
        str: {"type": "string"},
        bool: {"type": "boolean"},
        int: {"type": "integer"},
        float: {"type": "number"},
        Decimal: {"type": "number", "x-crm": {"decimal": DEFAULT_DECIMALS}},
        Money: {"x-crm": {"money": True}},
        datetime: {"type": "string", "format": "date-time"},
        date: {"type": "string", "format": "date"},
        time: {"type": "string", "format": "time"},
        UUID: {"type": "string", "format": "uuid"},
        Any: {},
        object: {},
    }
)


def schema_of(hint: Any, entity_name: Name) -> Schema:
    """The JSON Schema of a top-level field: `X | None` is X's schema, since empty fields never reach it.

    Raises `TypeError` for a hint that has none.
    """
    if get_origin(hint) is Annotated:
        inner, *marks = get_args(hint)
        return _marked(schema_of(inner, entity_name), marks, entity_name)
    if _is_union(hint):
        members = [member for member in get_args(hint) if member is not type(None)]
        return _union(members, entity_name) if len(members) > 1 else schema_of(members[0], entity_name)
    if get_origin(hint) is Literal:
        return _literal([value for value in get_args(hint) if value is not None])
    return _nested(hint, entity_name)


def _is_union(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType)


def _nested(hint: Any, name: Name) -> Schema:
    """The schema of a nested value, where null is a value like others."""
    origin = get_origin(hint)
    if origin is Annotated:
        inner, *marks = get_args(hint)
        return _nullable(inner, marks, name)
    if _is_union(hint):
        return _nullable(hint, [], name)
    if origin is Literal:
        return _literal(list(get_args(hint)))
    if hint in _SCALARS:
        return deepcopy(_SCALARS[hint])
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return _struct(hint, name)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _literal([member.value for member in hint])
    return _container(origin or hint, get_args(hint), hint, name)


def _nullable(hint: Any, marks: list[Any], name: Name) -> Schema:
    """A nested `Annotated[X | None, ...]`: the marks are about X, null stays allowed beside it."""
    members = list(get_args(hint)) if _is_union(hint) else [hint]
    rest = [member for member in members if member is not type(None)]
    schema = _marked(_union(rest, name) if len(rest) > 1 else _nested(rest[0], name), marks, name)
    if len(rest) == len(members):
        return schema
    if isinstance(schema.get("type"), str) and not schema.keys() & {"enum", "const"}:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def _union(members: Sequence[Any], name: Name) -> Schema:
    schemas = [_nested(member, name) for member in members]
    if all(schema.keys() == {"type"} and isinstance(schema["type"], str) for schema in schemas):
        return {"type": [schema["type"] for schema in schemas]}
    return {"anyOf": schemas}


def _literal(values: list[Any]) -> Schema:
    """Choices in the order in which they were declared."""
    return {"type": "string", "enum": values} if all(isinstance(v, str) for v in values) else {"enum": values}


def _container(origin: Any, args: tuple[Any, ...], hint: Any, name: Name) -> Schema:
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _nested(args[1], name)} if args else {"type": "object"}
    if isinstance(origin, type) and issubclass(origin, list | tuple | Set | Sequence) and origin is not bytes:
        fixed = origin is tuple and args and args[-1] is not Ellipsis
        if fixed:
            size = {"minItems": len(args), "maxItems": len(args)}
            return {"type": "array", "prefixItems": [_nested(arg, name) for arg in args], **size}
        unique: Schema = {"uniqueItems": True} if issubclass(origin, Set) else {}
        return {"type": "array", **({"items": _nested(args[0], name)} if args else {}), **unique}
    if isinstance(hint, typing.NewType):
        return _nested(hint.__supertype__, name)
    raise TypeError(f"no JSON Schema for the type {hint!r}")


def _marked(schema: Schema, marks: list[Any], name: Name) -> Schema:
    for mark in marks:
        if isinstance(mark, Target):
            _put(schema, {"type": "string", "format": "uuid"}, {"reference": name(mark.entity)})
        elif isinstance(mark, FieldMarker):
            _put(schema, mark.schema, mark.crm)
        elif isinstance(mark, msgspec.Meta):
            _put(schema, _meta(mark), {})
    return schema


def _put(schema: Schema, keywords: Schema, crm: Schema) -> None:
    schema.update(keywords)
    if crm:
        schema["x-crm"] = {**schema.get("x-crm", {}), **crm}


def _meta(mark: msgspec.Meta) -> Schema:
    """The keywords of msgspec's own marker: it means the same in nested structs."""
    return {
        keyword: value
        for keyword, value in (
            ("minimum", mark.ge),
            ("exclusiveMinimum", mark.gt),
            ("maximum", mark.le),
            ("exclusiveMaximum", mark.lt),
            ("multipleOf", mark.multiple_of),
            ("pattern", mark.pattern),
            ("title", mark.title),
            ("description", mark.description),
        )
        if value is not None
    } | _lengths(mark)


def _lengths(mark: msgspec.Meta) -> Schema:
    """Lengths of texts and of lists: the keyword that does not fit the value's type says nothing about it."""
    low = {"minLength": mark.min_length, "minItems": mark.min_length} if mark.min_length is not None else {}
    high = {"maxLength": mark.max_length, "maxItems": mark.max_length} if mark.max_length is not None else {}
    return {**low, **high}


def _struct(struct: type[msgspec.Struct], name: Name) -> Schema:
    """A nested struct as an object."""
    hints = get_type_hints(struct, include_extras=True)
    infos = msgspec.structs.fields(struct)
    schema: Schema = {"type": "object"}
    if description := describe(struct):
        schema["description"] = description
    schema["properties"] = {info.encode_name: _nested(hints[info.name], name) for info in infos}
    if required := [info.encode_name for info in infos if info.required]:
        schema["required"] = required
    if struct.__struct_config__.forbid_unknown_fields:
        schema["additionalProperties"] = False
    return schema


def describe(cls: type) -> str | None:
    """A class's own docstring in one line."""
    doc = cls.__dict__.get("__doc__")
    return " ".join(doc.split()) if isinstance(doc, str) else None


def default_of(info: FieldInfo) -> Any:
    """The default of a struct's field as JSON has it; None where there is none."""
    value: Any = info.default
    if value is msgspec.NODEFAULT:
        value = None if info.default_factory is msgspec.NODEFAULT else info.default_factory()
    return msgspec.to_builtins(value, builtin_types=(Decimal,))
