"""The records of an entity as they are and as they will be once a plan is applied, read from the tables as they are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable
from operator import itemgetter
from typing import Any, NamedTuple

from crm_kernel.fields.base import Storage
from crm_kernel.filters.dialect import Dialect
from crm_kernel.model import EntityModel, Field
from crm_kernel.storage.columns import field_columns, quoted, table_name
from crm_kernel.storage.ddl import DdlPlan
from crm_kernel.storage.decoding import Decoder, Record, decoder
from crm_kernel.storage.introspect import introspect
from crm_kernel.storage.ports import Reads, Row

_READ = 500
"""Rows of a statement."""
PAGE = 100
"""Records of a page: a millisecond, so that whoever else asks is answered between two of them."""
_IS_LIVE = 1
"""The place of what tells it in a row."""


class Pair(NamedTuple):
    """One record: its id, and of the fields that were asked for what it is `now` and what it will be `then`."""

    id: str
    now: Record
    then: Record


async def future_records(
    reads: Reads,
    before: EntityModel,
    after: EntityModel,
    ddl: DdlPlan,
    now: Collection[str],
    then: Collection[str],
) -> AsyncIterator[list[Pair]]:
    """The live records in pages, in the order of their ids; none where the entity has no table yet."""
    table = (await introspect(reads)).tables.get(table_name(before.name))
    if table is None:
        return
    columns = _Columns(reads.dialect)

    def here(column: str) -> str | None:
        return f"t.{quoted(column)}" if column in table else None

    decode_now = columns.add((before.fields[name] for name in sorted(now)), here)
    decode_then = columns.add((after.fields[name] for name in sorted(then)), lambda c: ddl.origin(after.name, c))
    listed = ", ".join(columns.sqls)
    sql = f"SELECT {listed} FROM {quoted(table_name(before.name))} AS t"
    sql += " WHERE t.id > ? ORDER BY t.id LIMIT ?"
    last = ""
    while True:
        rows = await reads.read(sql, (last, _READ))
        live = [row for row in rows if row[_IS_LIVE]]
        for start in range(0, len(live), PAGE):
            yield [Pair(row[0], decode_now(row), decode_then(row)) for row in live[start : start + PAGE]]
        if len(rows) < _READ:
            return
        last = rows[-1][0]


class _Columns:
    """What is selected, each expression once: the id first, then whether the record is live."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        # As a condition, PostgreSQL takes it for a rare one while it has no figures of the table, and sorts all rows
        # for each page: 8 s rather than 1 for 100,000.
        self._places: dict[str, int] = {"t.id": 0, "t.deleted_at IS NULL": _IS_LIVE}

    @property
    def sqls(self) -> list[str]:
        return list(self._places)

    def add(self, fields: Iterable[Field], source: Callable[[str], str | None]) -> Decoder:
        """Select these fields too, their columns from where `source` says; what turns a row into a record of them."""
        listed = list(fields)
        found = [c for field in listed for c in field_columns(field) if not c.folded]
        places = [self._place(source(c.name), c.storage) for c in found]
        return _picked(places, decoder(listed))

    def _place(self, source: str | None, storage: Storage) -> int:
        sql = "NULL" if source is None else self._dialect.select(source, storage)
        return self._places.setdefault(sql, len(self._places))


def _picked(places: list[int], decode: Decoder) -> Decoder:
    if len(places) < 2:  # itemgetter gives one value alone as no tuple
        return lambda row: decode(tuple(row[place] for place in places))
    pick: Callable[[Row], Any] = itemgetter(*places)
    return lambda row: decode(pick(row))
