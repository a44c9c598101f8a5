"""What an SQLite database has: tables with their columns, and indexes."""

from __future__ import annotations

from typing import NamedTuple

from crm_kernel.storage.ports import Reads

_COLUMNS = """
SELECT m.name, c.name, c.type FROM sqlite_schema AS m, pragma_table_info(m.name) AS c
WHERE m.type = 'table' AND (m.name LIKE 'e\\_%' ESCAPE '\\' OR m.name LIKE 'crm\\_%' ESCAPE '\\') ORDER BY m.name, c.cid
"""
_INDEXES = "SELECT tbl_name, name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"


class Catalog(NamedTuple):
    """`tables`: name → column → type in upper case; `indexes`: table → names of indexes that somebody built."""

    tables: dict[str, dict[str, str]]
    indexes: dict[str, set[str]]


async def introspect(database: Reads) -> Catalog:
    """The tables of the kernel and of entities as they are now."""
    tables: dict[str, dict[str, str]] = {}
    for table, column, type_name in await database.read(_COLUMNS):
        tables.setdefault(table, {})[column] = type_name.upper()
    indexes: dict[str, set[str]] = {}
    for table, name in await database.read(_INDEXES):
        indexes.setdefault(table, set()).add(name)
    return Catalog(tables, indexes)
