"""Tables as Piccolo declares them and as evolution compares them; those of entities are built on demand."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from piccolo.columns import BigInt, Boolean, Column, Serial, Text
from piccolo.table import Table, create_table_class

from crm_kernel.fields.base import Storage
from crm_kernel.filters.dialect import Dialect
from crm_kernel.model import EntityModel
from crm_kernel.storage.binding import TABLES
from crm_kernel.storage.columns import entity_columns, table_name
from crm_kernel.storage.ports import EngineDialect


class Sequence(Serial):
    """A number that is never given twice, not even after the last rows were removed (positions depend on it)."""


class EntityColumn(Column):
    """A column of an entity's table: its type comes from the dialect, it may always be null."""

    value_type = str
    default = None

    def __init__(self, type_name: str, *, name: str, needed: bool = False, primary_key: bool = False) -> None:
        self.type_name = type_name
        super().__init__(null=not needed, primary_key=primary_key, db_column_name=name)

    @property
    def column_type(self) -> str:
        """The type in DDL."""
        return self.type_name

    @property
    def ddl(self) -> str:
        """The column in CREATE TABLE and ADD COLUMN."""
        key = " PRIMARY KEY" if self._meta.primary_key else ""
        null = "" if self._meta.null else " NOT NULL"
        return f'"{self._meta.db_column_name}" {self.type_name}{key}{null}'


class ColumnShape(NamedTuple):
    """A declared column: its type in upper case, and how DDL writes it."""

    name: str
    type: str
    ddl: str


class TableShape(NamedTuple):
    """A declared table as evolution compares it with the database."""

    name: str
    columns: tuple[ColumnShape, ...]


_STORAGES: Mapping[type[Column], tuple[Storage, str]] = {
    Text: ("text", "''"),
    BigInt: ("integer", "0"),
    Boolean: ("boolean", "false"),
}
"""What the kernel's columns hold, and what they hold in rows that are there when one is added."""


def shape(table: type[Table], dialect: EngineDialect) -> TableShape:
    """What a Piccolo class declares."""
    meta = table._meta  # pyright: ignore[reportPrivateUsage] - Piccolo documents it and has no other way
    return TableShape(meta.tablename, tuple(_column_shape(column, dialect) for column in meta.columns))


def _column_shape(column: Column, dialect: EngineDialect) -> ColumnShape:
    name, meta = str(column._meta.db_column_name), column._meta  # pyright: ignore[reportPrivateUsage]
    if isinstance(column, EntityColumn):
        return ColumnShape(name, column.column_type.upper(), column.ddl)
    if isinstance(column, Serial):
        return ColumnShape(name, dialect.sequence, f'"{name}" {dialect.sequence_ddl}')
    storage, default = _STORAGES[type(column)]
    type_name = dialect.column_type(storage)
    ddl = f'"{name}" {type_name}' + (" PRIMARY KEY" if meta.primary_key else "")
    return ColumnShape(name, type_name.upper(), ddl + ("" if meta.null else f" NOT NULL DEFAULT {default}"))


def entity_table(model: EntityModel, dialect: Dialect) -> type[Table]:
    """The Piccolo class of an entity's table: the same class for the same columns.

    Its attributes are `c_<column>`, since a field may be called `select` or `count` like a method of Piccolo's.
    """
    columns = tuple((column.name, dialect.column_type(column.storage)) for column in entity_columns(model))
    return _entity_table(model.name, columns)


@cache  # Piccolo keeps every class it ever made: an equal one must not be made again
def _entity_table(entity: str, columns: tuple[tuple[str, str], ...]) -> type[Table]:
    members = {
        f"c_{name}": EntityColumn(type_name, name=name, needed=name in ("id", "version"), primary_key=name == "id")
        for name, type_name in columns
    }
    return create_table_class(f"Entity_{entity}", (Table,), {"tablename": table_name(entity), "db": TABLES}, members)
