"""What a database has: tables with their columns, and indexes."""

from __future__ import annotations

from typing import NamedTuple

from crm_kernel.storage.ports import Selects
from crm_kernel.storage.search_index import STATE, State, states


class Catalog(NamedTuple):
    """`tables`: name → column → type in upper case; `indexes`: table → names of indexes that somebody built;
    `searches`: the indexes of words by name."""

    tables: dict[str, dict[str, str]]
    indexes: dict[str, set[str]]
    searches: dict[str, State]


async def introspect(database: Selects) -> Catalog:
    """The tables of the kernel and of entities as they are now."""
    tables: dict[str, dict[str, str]] = {}
    for table, column, type_name in await database.read(database.dialect.columns_sql):
        tables.setdefault(table, {})[column] = type_name.upper()
    indexes: dict[str, set[str]] = {}
    for table, name in await database.read(database.dialect.indexes_sql):
        indexes.setdefault(table, set()).add(name)
    return Catalog(tables, indexes, await states(database) if STATE in tables else {})


async def indexed_columns(database: Selects) -> dict[str, dict[str, set[str]]]:
    """Table → index → the columns that it is over."""
    found: dict[str, dict[str, set[str]]] = {}
    for table, index, _, column, *_ in await database.read(database.dialect.index_columns_sql):
        found.setdefault(table, {}).setdefault(index, set()).add(column)
    return found
