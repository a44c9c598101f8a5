"""Which columns an entity has: one table per entity, one or more scalar columns per field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from crm_kernel.fields.base import Storage
from crm_kernel.model import EntityModel, Field

FOLD = "__fold"
"""The suffix of a folded copy, for sorting and searching."""


class StoredColumn(NamedTuple):
    """One column of an entity's table."""

    field: Field
    name: str
    storage: Storage

    @property
    def folded(self) -> bool:
        """Whether it is a copy that no answer shows."""
        return self.name.endswith(FOLD)


def table_name(entity: str) -> str:
    """The table of an entity."""
    return f"e_{entity}"


def quoted(name: str) -> str:
    """A name of the registry as an SQL identifier (such names hold no quotes)."""
    return f'"{name}"'


def is_stored(field: Field) -> bool:
    """Whether the field has columns of its own (a computed one has none)."""
    return bool(field.type.columns())


def field_columns(field: Field) -> Iterator[StoredColumn]:
    """The columns of one field, main column first, the folded one last."""
    for column in field.type.columns():
        yield StoredColumn(field, field.name + column.suffix, column.storage)


def entity_columns(model: EntityModel) -> Iterator[StoredColumn]:
    """All columns of an entity's table, in the order of its fields."""
    for field in model.fields.values():
        yield from field_columns(field)
