"""All that a database holds, in one form for both engines: to write it down, to make it anew elsewhere, to compare.

The tables of the kernel and of entities are taken as they stand in the database, whatever is declared: a backup does
not depend on plugins that load. A row is a JSON array of its values by the name of their columns, rows are in the order
of their keys: equal content has equal lines, and an equal hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from itertools import groupby
from typing import Annotated, Any, Literal, NamedTuple, cast

import msgspec

from crm_kernel.errors import ConfigError
from crm_kernel.storage import search_index
from crm_kernel.storage.columns import quoted
from crm_kernel.storage.indexes import Index
from crm_kernel.storage.introspect import introspect
from crm_kernel.storage.ports import EngineDialect, Row, Selects, Tx
from crm_kernel.storage.search_index import SearchIndex, table_of

Holds = Literal["text", "integer", "real", "boolean"]
HOLDS: tuple[Holds, ...] = ("text", "integer", "real", "boolean")
_ABSENT = {"text": "''", "integer": "0", "real": "0", "boolean": "false"}
_FIRST, _MOST, _PAGE = 100, 5000, 1 << 20
"""Rows of the first page of a table, of any page, and the bytes a page is meant to have."""
_WHERE = {None: None, "deleted_at IS NULL": True, "deleted_at IS NOT NULL": False}

TableName = Annotated[str, msgspec.Meta(pattern=r"\A(e|crm)_[a-z0-9_]+\Z", max_length=63)]
ColumnName = Annotated[str, msgspec.Meta(pattern=r"\A[a-z][a-z0-9_]*\Z", max_length=63)]


class Column(msgspec.Struct, frozen=True):
    """One column; `needed`: never null; `numbered`: its values are given by the database, none twice."""

    name: ColumnName
    holds: Holds
    key: bool = False
    needed: bool = False
    numbered: bool = False


class Table(msgspec.Struct, frozen=True):
    """One table with its columns in their order; `last`: the last number given in it."""

    name: TableName
    columns: tuple[Column, ...]
    last: int | None = None

    @property
    def key(self) -> Column:
        """The primary key."""
        return next(column for column in self.columns if column.key)

    @property
    def values(self) -> list[Column]:
        """The columns in the order of a row's values."""
        return sorted(self.columns, key=lambda column: column.name)


class Contents(msgspec.Struct, frozen=True):
    """What there is beside the rows; `left_out`: indexes that the kernel did not make, as sentences; `searches`: the
    indexes of words, which are made anew."""

    tables: tuple[Table, ...]
    indexes: tuple[Index, ...]
    left_out: tuple[str, ...] = ()
    searches: tuple[SearchIndex, ...] = ()


class Sum(msgspec.Struct, frozen=True):
    """What the rows of a table come to."""

    rows: int
    sha256: str


class Page(NamedTuple):
    """Some rows, and the lines they are written down as."""

    rows: Sequence[Row]
    lines: bytes


class Summing:
    """Adds up pages."""

    def __init__(self) -> None:
        self._rows = 0
        self._hash = hashlib.sha256()

    def add(self, rows: int, lines: bytes) -> None:
        """The next rows."""
        self._rows += rows
        self._hash.update(lines)

    def result(self) -> Sum:
        """What they come to."""
        return Sum(self._rows, self._hash.hexdigest())


async def contents(reads: Selects) -> Contents:
    """The tables and indexes of a database. Raises `ConfigError` for a column that is none of the kernel's."""
    holds: dict[str, Holds] = {reads.dialect.column_type(what).upper(): what for what in HOLDS}
    rows = await reads.read(reads.dialect.shapes_sql)
    numbers = dict(await reads.read(reads.dialect.numbers_sql)) if rows else {}
    tables: list[Table] = []
    for name, columns in groupby(rows, key=lambda row: cast("str", row[0])):
        listed = tuple(_column(row, holds) for row in columns)
        tables.append(Table(name, listed, numbers.get(name)))
        if sum(column.key for column in listed) != 1:
            raise ConfigError(f"The table {name} has no single key: it cannot be read in order.")
    tables.sort(key=lambda table: table.name)
    searches = (await introspect(reads)).searches
    return Contents(
        tuple(tables),
        *await _indexes(reads, {table.name for table in tables}),
        searches=tuple(SearchIndex(table_of(name), state.columns) for name, state in sorted(searches.items())),
    )


def _column(row: Row, holds: dict[str, Holds]) -> Column:
    table, name, type_name, needed, key, numbered = row
    what = holds.get(type_name.upper())
    if what is None:
        raise ConfigError(f"{table}.{name} holds {type_name}, which no column of the kernel does.")
    return Column(name, what, bool(key), bool(needed), bool(numbered))


async def _indexes(reads: Selects, tables: set[str]) -> tuple[tuple[Index, ...], tuple[str, ...]]:
    """The indexes that are what their names say, and sentences about the others."""
    found: list[Index] = []
    others: list[str] = []
    rows = [row for row in await reads.read(reads.dialect.index_columns_sql) if row[0] in tables]
    for (table, name, unique, condition), columns in groupby(rows, key=lambda row: (*row[:3], row[5])):
        names = tuple(f"{column}{order}" for *_, column, order, _ in columns)
        index = Index(table, names, bool(unique), _WHERE.get(condition and condition.strip("()")))
        if index.name == name:
            found.append(index)
        else:
            others.append(f"The index {name} of {table} is left out: the kernel did not make it.")
    return tuple(found), tuple(others)


async def pages(reads: Selects, table: Table) -> AsyncIterator[Page]:
    """All rows of a table, page by page, none in memory that was taken."""
    key, columns = quoted(table.key.name), table.values
    place = columns.index(table.key)
    select = f"SELECT {_names(columns)} FROM {quoted(table.name)}"
    canonical, encode = _canonical(columns), msgspec.json.Encoder().encode_lines
    rows = await reads.read(f"{select} ORDER BY {key} LIMIT ?", (_FIRST,))
    limit = _FIRST
    while rows:
        asked, full, after = limit, len(rows) == limit, rows[-1][place]
        page = Page(rows if canonical is None else [canonical(row) for row in rows], b"")
        page = page._replace(lines=encode(page.rows))
        limit = min(asked * 4, _MOST, max(1, asked * _PAGE // len(page.lines)))
        yield page
        rows = await reads.read(f"{select} WHERE {key} > ? ORDER BY {key} LIMIT ?", (after, limit)) if full else []


def _canonical(columns: Sequence[Column]) -> Callable[[Row], Row] | None:
    """Makes values equal that engines give differently: 1 and true, -0.0 (which SQLite does not keep) and 0.0."""
    booleans = {place for place, column in enumerate(columns) if column.holds == "boolean"}
    reals = {place for place, column in enumerate(columns) if column.holds == "real"}
    if not booleans and not reals:
        return None

    def change(row: Row) -> Row:
        values = list(row)
        for place in booleans:
            if values[place] is not None:
                values[place] = bool(values[place])
        for place in reals:
            if values[place] is not None:
                values[place] += 0.0
        return tuple(values)

    return change


def row_type(table: Table) -> Any:
    """What a line of a table must be, as a type that msgspec checks."""
    types = {"text": str, "integer": int, "real": float, "boolean": bool}
    return tuple[tuple(types[c.holds] if c.needed else types[c.holds] | None for c in table.values)]  # pyright: ignore


async def summed(reads: Selects, table: Table) -> Sum:
    """What the rows of a table come to."""
    summing = Summing()
    async for page in pages(reads, table):
        summing.add(len(page.rows), page.lines)
    return summing.result()


async def create(tx: Tx, tables: Iterable[Table]) -> None:
    """Make tables that are not there."""
    for table in tables:
        columns = ", ".join(_ddl(table, column, tx.dialect) for column in table.columns)
        await tx.execute(f"CREATE TABLE {quoted(table.name)} ({columns})")


def _ddl(table: Table, column: Column, dialect: EngineDialect) -> str:
    """The column as `tables.py` declares it: only the kernel's own tables have values for rows that name none."""
    name = quoted(column.name)
    if column.numbered:
        return f"{name} {dialect.sequence_ddl}"
    text = f"{name} {dialect.column_type(column.holds)}{' PRIMARY KEY' if column.key else ''}"
    if not column.needed:
        return text
    absent = "" if table.name.startswith("e_") else f" DEFAULT {_ABSENT[column.holds]}"
    return f"{text} NOT NULL{absent}"


async def fill(tx: Tx, table: Table, rows: Iterable[Row]) -> None:
    """Put rows into a table."""
    columns = table.values
    marks = ", ".join("?" * len(columns))
    await tx.executemany(f"INSERT INTO {quoted(table.name)} ({_names(columns)}) VALUES ({marks})", rows)


async def finish(tx: Tx, found: Contents) -> None:
    """What comes after the rows: the numbers go on behind the last ones, all indexes are built."""
    for table in found.tables:
        if table.last and table.key.numbered:
            await tx.number_on(table.name, table.key.name, table.last)
    for index in found.indexes:
        if not (index.backwards and tx.dialect.both_ways):
            await tx.execute(index.sql())
    for search in found.searches:
        await search_index.make_filled(tx, search)


def _names(columns: Iterable[Column]) -> str:
    return ", ".join(quoted(column.name) for column in columns)
