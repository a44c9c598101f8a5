"""A text from a closed list."""

from __future__ import annotations

from typing import Any, Self, cast

from crm_kernel.fields.base import Column, FieldType, Kind, Shape, ValueContext
from crm_kernel.fields.text import clean


class Choice(FieldType):
    """One of `choices`, which sort in declared order."""

    name = "choice"
    kind = Kind.CHOICE

    def __init__(self, choices: tuple[str, ...]) -> None:
        self.choices = choices

    @classmethod
    def match(cls, shape: Shape) -> Self | None:
        if shape.type != "string" or "enum" not in shape.schema:
            return None
        enum = cast("list[Any]", shape.schema["enum"])
        return cls(tuple(dict.fromkeys(value for value in enum if isinstance(value, str) and value)))

    def columns(self) -> tuple[Column, ...]:
        return (Column("", "text"),)

    def canonical(self, value: Any, context: ValueContext) -> Any:
        return clean(value) if isinstance(value, str) else value
