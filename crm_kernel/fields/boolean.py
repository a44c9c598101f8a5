"""Yes or no."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from crm_kernel.fields.base import Column, FieldType, Kind, Shape, ValueContext

_WORDS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def _from_column(value: Any) -> bool | None:
    return None if value is None else bool(value)


class Boolean(FieldType):
    """true or false."""

    name = "boolean"
    kind = Kind.BOOLEAN

    @classmethod
    def match(cls, shape: Shape) -> Self | None:
        return cls() if shape.type == "boolean" else None

    def columns(self) -> tuple[Column, ...]:
        return (Column("", "boolean"),)

    def parse(self, text: str, context: ValueContext) -> Any:
        return _WORDS.get(text.strip().casefold(), text)

    def from_columns(self) -> Callable[..., Any]:
        return _from_column

    def text(self, value: Any) -> str:
        return "true" if value else "false"
