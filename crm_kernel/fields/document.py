"""Values with parts: lists, objects, and JSON of no single type. Kept as JSON, as they were sent."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Self, cast

import msgspec

from crm_kernel.errors import Fault, token
from crm_kernel.fields.base import Column, Faulty, FieldType, Kind, Shape, ValueContext
from crm_kernel.fields.folding import fold
from crm_kernel.fields.number import exact
from crm_kernel.fields.shape import choose, options_of
from crm_kernel.fields.text import check_characters, clean

MAX_DEPTH = 64
"""How deep a value may be nested: as deep as a body may."""

_encode = msgspec.json.Encoder(decimal_format="number").encode
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


def kept(value: Any) -> Any:
    """A nested value as it was sent; floats become the decimals they were written as.

    Raises `Faulty` with all faults: `format` for texts that cannot be stored, `type` for what is not JSON.
    """
    faults: list[Fault] = []
    found = _kept(value, "", 0, faults)
    if faults:
        raise Faulty.of(faults)
    return found


def _kept(value: Any, pointer: str, depth: int, faults: list[Fault]) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    try:
        if isinstance(value, str):
            check_characters(value, pointer)
            return value
        if depth > MAX_DEPTH:
            raise Faulty("format", f"Nested more than {MAX_DEPTH} levels deep.", pointer)
        if isinstance(value, list | tuple):
            items = cast("list[Any]", value)
            return [_kept(item, f"{pointer}/{n}", depth + 1, faults) for n, item in enumerate(items)]
        if isinstance(value, dict):
            members = cast("dict[Any, Any]", value).items()
            return {_key(k, pointer): _kept(v, pointer + token(k), depth + 1, faults) for k, v in members}
        number = exact(value)
        if number is None:
            raise Faulty("type", f"{type(value).__name__} is no JSON value.", pointer)
    except Faulty as faulty:
        faults += faulty.faults
        return None
    return number


def _key(key: Any, pointer: str) -> str:
    if not isinstance(key, str):
        raise Faulty("type", f"Members of an object are named by text, got {key!r}.", pointer)
    check_characters(key, pointer)
    return key


def folded(value: Any) -> Any:
    """The same structure with all its texts folded (names of members as they are)."""
    if isinstance(value, str):
        return fold(value)
    if isinstance(value, list):
        return [folded(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {key: folded(item) for key, item in cast("dict[str, Any]", value).items()}
    return value


def _from_column(text: str | None) -> Any:
    return None if text is None else _decode(text)


class JsonType(FieldType):
    """JSON of no single scalar type: stored and answered, filtered by `is null` only."""

    name = "json"
    kind = Kind.JSON

    @classmethod
    def match(cls, shape: Shape) -> Self | None:
        return cls()

    def columns(self) -> tuple[Column, ...]:
        return (Column("", "json"), Column("__fold", "json")) if self.folds else (Column("", "json"),)

    def canonical(self, value: Any, context: ValueContext) -> Any:
        return clean(value) if isinstance(value, str) else kept(value)

    def parse(self, text: str, context: ValueContext) -> Any:
        try:
            return _decode(text)
        except msgspec.DecodeError:
            return text

    def to_columns(self, value: Any) -> tuple[Any, ...]:
        if value is None:
            return (None,) * len(self.columns())
        text = _encode(value).decode()
        return (text, _encode(folded(value)).decode()) if self.folds else (text,)

    def from_columns(self) -> Callable[..., Any]:
        return _from_column

    def text(self, value: Any) -> str:
        return _encode(value).decode()


class ObjectType(JsonType):
    """An object; filters step into its members."""

    name = "object"
    kind = Kind.OBJECT

    @classmethod
    def match(cls, shape: Shape) -> Self | None:
        return cls() if shape.type == "object" else None

    @property
    def folds(self) -> bool:
        return True


class ListType(JsonType):
    """A list. `item` is the type of its elements; `choices` those of a list of choices.

    Elements are kept as sent but where `x-crm` of the items asks for the kernel's own form (references, phones …).
    """

    name = "list"
    kind = Kind.LIST

    def __init__(self, item: FieldType, *, normal: bool = False) -> None:
        self.item = item
        self.normal = normal
        self.choices: tuple[str, ...] = tuple(getattr(item, "choices", ()))

    @classmethod
    def match(cls, shape: Shape) -> Self | None:
        if shape.type != "array":
            return None
        items = shape.schema.get("items", {})
        schema = cast("dict[str, Any]", items) if isinstance(items, dict) else {}
        options = options_of(schema)
        normal = options.phone or options.money or options.decimal is not None or options.reference is not None
        return cls(choose(schema, options, shape.types), normal=normal)

    @property
    def folds(self) -> bool:
        return self.item.folds or self.item.kind is Kind.JSON

    def canonical(self, value: Any, context: ValueContext) -> Any:
        found = super().canonical(value, context)
        if not self.normal or not isinstance(found, list):
            return found
        return self._normal_items(cast("list[Any]", found), context)

    def _normal_items(self, items: list[Any], context: ValueContext) -> list[Any]:
        result: list[Any] = []
        faults: list[Fault] = []
        for index, item in enumerate(items):
            try:
                result.append(None if item is None else self.item.canonical(item, context))
            except Faulty as faulty:
                faults += [fault.at(prefix=f"/{index}") for fault in faulty.faults]
        if faults:
            raise Faulty.of(faults)
        return result
