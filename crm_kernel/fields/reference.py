"""References to records, and the id of a record itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Self
from uuid import UUID

from crm_kernel.fields.base import Column, Faulty, FieldType, Kind, Shape, ValueContext
from crm_kernel.fields.text import clean

ANY = "*"
"""The target of a reference to a record of any entity."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def _first(id: str | None, _entity: str | None = None) -> str | None:
    return id


class Reference(FieldType):
    """The id of a record of the entity `target`. That the record exists is for the write door to see."""

    name = "reference"
    kind = Kind.REFERENCE

    def __init__(self, target: str) -> None:
        self.target = target

    @classmethod
    def match(cls, shape: Shape) -> Self | None:
        target = shape.options.reference
        return None if target is None or target == ANY else cls(target)

    def columns(self) -> tuple[Column, ...]:
        return (Column("", "uuid"),)

    def canonical(self, value: Any, context: ValueContext) -> Any:
        if isinstance(value, UUID):
            return str(value)
        if not isinstance(value, str):
            return value
        text = clean(value)
        if text is None or _UUID.fullmatch(text):
            return text
        text = text.lower()
        if not _UUID.fullmatch(text):
            raise self.refusal(repr(text[:40]))
        return text

    def sent_image(self, value: Any) -> Any:
        return None  # that it is no id is told by `reference`; its `format` would say the same again

    def refusal(self, got: str) -> Faulty:
        """What to raise for a text that is no id."""
        return Faulty("reference", f"There is no {self.target} with the id {got}.", told="no_record", got=got)


class AnyReference(Reference):
    """The id of a record of any entity. The write door finds which, and stores the entity's name beside the id."""

    name = "reference-any"

    def __init__(self) -> None:
        super().__init__(ANY)

    @classmethod
    def match(cls, shape: Shape) -> Self | None:
        return cls() if shape.options.reference == ANY else None

    def columns(self) -> tuple[Column, ...]:
        return (Column("", "uuid"), Column("__entity", "text"))

    def to_columns(self, value: Any) -> tuple[Any, ...]:
        return (value, None)

    def from_columns(self) -> Callable[..., Any]:
        return _first

    def refusal(self, got: str) -> Faulty:
        return Faulty("reference", f"There is no record with the id {got}.", told="no_record", got=got)


class Id(Reference):
    """The id of the record itself: as a reference it is compared exactly, but no path steps through it."""

    name = "id"

    def __init__(self) -> None:
        super().__init__("")

    @classmethod
    def match(cls, shape: Shape) -> Self | None:
        return None

    def refusal(self, got: str) -> Faulty:
        return Faulty("format", f"Not a UUID: {got}.", told="uuid", got=got)
