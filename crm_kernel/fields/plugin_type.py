"""Field types of plugins: what one says of a value, upon the kernel's own handling of its kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Self

from crm_kernel.fields.base import Faulty, FieldType, Kind, Shape, ValueContext
from crm_kernel.fields.number import Integer, Number
from crm_kernel.fields.text import Text, clean

Note = Callable[[BaseException], None]
"""Told of each unexpected fault."""

BASES: Mapping[Kind, type[FieldType]] = MappingProxyType({Kind.TEXT: Text, Kind.INTEGER: Integer, Kind.NUMBER: Number})
"""The kinds that a plugin's type may be of, and what stores, filters, sorts and reads them."""
_JSON: Mapping[Kind, tuple[str, type]] = MappingProxyType(
    {Kind.TEXT: ("string", str), Kind.INTEGER: ("integer", int), Kind.NUMBER: ("number", float)}
)


class PluginType(FieldType):
    """What the kernel makes of a plugin's type. `implied` is the JSON Schema of its values."""

    implied: ClassVar[Mapping[str, Any]] = {}


def plugin_type(declared: type[FieldType], note: Note) -> type[FieldType]:
    """The type for fields with `"x-crm": {"type": NAME}`.

    Its values are those of the kind, and then what `canonical` of the plugin gives. Where that fails, or gives another
    JSON type, the value is refused with `plugin_fault`, and `note` is told.
    """
    base, (json_type, python_type) = BASES[declared.kind], _JSON[declared.kind]
    inner = declared()

    class Made(base, PluginType):  # type: ignore[misc, valid-type]
        name = declared.name
        kind = declared.kind
        implied: ClassVar[Mapping[str, Any]] = {"type": json_type, **declared.schema}

        @classmethod
        def match(cls, shape: Shape) -> Self | None:
            return cls() if shape.options.type == declared.name else None

        def canonical(self, value: Any, context: ValueContext) -> Any:
            value = super().canonical(value, context)
            if not isinstance(value, python_type) or isinstance(value, bool):
                return value  # JSON Schema names what is wrong with it
            try:
                found = inner.canonical(value, context)
                if found is not None and (not isinstance(found, python_type) or isinstance(found, bool)):
                    raise TypeError(f"canonical() of {declared.name} gave {type(found).__name__}, not {json_type}")
                return clean(found) if isinstance(found, str) else found
            except Faulty:
                raise
            except Exception as error:
                note(error)
                detail = f"The field type {declared.name!r} failed to read {str(value)[:40]!r}."
                raise Faulty("plugin_fault", detail) from error

    return Made


def implied_by(name: object, types: Sequence[type[FieldType]]) -> Mapping[str, Any]:
    """The JSON Schema that a type named in `x-crm` implies; of a text where it is not known (yet)."""
    for candidate in types:
        if issubclass(candidate, PluginType) and candidate.name == name:
            return candidate.implied
    return {"type": "string"}
