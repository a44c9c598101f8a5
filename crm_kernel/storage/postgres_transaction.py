"""One operation inside a transaction on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from piccolo.query.base import Query

from crm_kernel.storage.binding import TABLES
from crm_kernel.storage.engine_parts import Meter, busy
from crm_kernel.storage.ports import Params, Row
from crm_kernel.storage.postgres_dialect import PostgresDialect
from crm_kernel.storage.postgres_sessions import Session
from crm_kernel.storage.postgres_statements import joined, together, without_nul

T = TypeVar("T")

_BEGIN = "BEGIN; SELECT pg_current_xact_id()"  # the id comes before any number of a row: see postgres_feed.py
_LOCK = (
    "SELECT pg_advisory_xact_lock(key) FROM (SELECT DISTINCT hashtextextended(name, 0) AS key"
    " FROM unnest(CAST(? AS text[])) AS name ORDER BY 1) AS keys"
)

_NUMBER_ON = "SELECT setval(CAST(pg_get_serial_sequence(quote_ident(?), ?) AS regclass), ?)"


class Overtaken(Exception):
    """Another writer changed what this one had read to change it: the operation is to be run again."""

    sqlstate = "40001"


def _overtaken() -> Exception:
    refused = busy("Others keep changing the same records.")
    refused.__cause__ = Overtaken()
    return refused


class PostgresTx:
    """`ports.Tx` on one session. Unusable once its operation has ended, whoever still holds it.

    Most operations read first and write one record with what belongs to it last: one statement (`together`), which is
    a transaction by itself. So BEGIN is sent no sooner than something needs it, and with it what was read to be
    changed is locked, if it still is as it was read.
    """

    dialect = PostgresDialect()

    __slots__ = ("_held", "_meter", "_session", "_waiting", "announced", "begun", "callbacks", "closed")

    def __init__(self, session: Session, meter: Meter) -> None:
        self._session = session
        self._meter = meter
        self._waiting: list[tuple[str, list[Params]]] = []
        self._held: list[tuple[str, Params, list[Row]]] = []
        self.begun = False
        self.callbacks: list[Callable[[], None]] = []
        self.announced = False
        self.closed = False

    def _count(self) -> Session:
        if self.closed:
            raise RuntimeError("The operation that this transaction was given to has ended.")
        self._meter.statements += 1
        return self._session

    async def begin(self) -> None:
        """Let what follows be one transaction, over what was read to be changed. Raises `Error("busy")`."""
        if self.begun:
            return
        await self._session.command(_BEGIN)
        self.begun = True
        for sql, params, rows in self._held:
            if await self._session.rows(sql + self.dialect.for_update, params) != rows:
                raise _overtaken()

    async def _ready(self) -> Session:
        """The session, for a statement that sees all that was written before it."""
        session = self._count()
        await self.begin()
        await self.flush()
        return session

    async def flush(self) -> None:
        """Send the writes that wait. Raises what they meet, `NotUnique` too."""
        waiting, self._waiting = self._waiting, []
        single = len(waiting) > 1 and all(len(rows) == 1 for _, rows in waiting)
        sql = together(tuple([sql for sql, _ in waiting])) if single else None
        if sql is not None:
            if await self._session.execute(sql, joined([rows[0] for _, rows in waiting])) == 0:
                raise _overtaken()
            return
        if waiting:
            await self.begin()
        for sql, rows in waiting:
            if len(rows) == 1:
                await self._session.execute(sql, rows[0])
            else:
                await self._session.executemany(sql, rows)

    async def read(self, sql: str, params: Params = (), /) -> list[Row]:
        """All rows, the operation's own changes included."""
        if self.begun or self._waiting or not sql.startswith("SELECT"):
            return await (await self._ready()).rows(sql, params)
        return await self._count().rows(sql, params)

    async def hold(self, sql: str, params: Params = (), /, *, one: bool) -> list[Row]:
        """All rows, which nobody else changes until the COMMIT."""
        if self.begun or self._waiting or not one:
            return await (await self._ready()).rows(sql + self.dialect.for_update, params)
        rows = await self._count().rows(sql, params)
        self._held.append((sql, params, rows))
        return rows

    async def run(self, query: Query[Any, T], /) -> T:
        """What a Piccolo query gives inside the operation."""

        async def execute(sql: str, params: Params) -> list[dict[str, Any]]:
            return await (await self._ready()).named_rows(sql, params)

        return await TABLES.run_query(query, execute)

    async def execute(self, sql: str, params: Params = (), /) -> int:
        """Run one statement; the number of rows it changed."""
        return await (await self._ready()).execute(sql, params)

    async def executemany(self, sql: str, rows: Iterable[Params], /) -> None:
        """Run one statement once for each of `rows`, at the latest before the next read or the COMMIT.

        So the record, its history and its event of a single write are one statement: one round trip for three.
        """
        listed = list(rows)
        if listed:
            self._count()
            self._waiting.append((sql, listed))

    async def lock(self, *keys: str) -> None:
        """Hold the named locks until COMMIT; they are taken in one order, whatever the order of the names."""
        if keys:
            await (await self._ready()).rows(_LOCK, ([without_nul(key) for key in keys],))

    async def number_on(self, table: str, column: str, last: int, /) -> None:
        """Let the numbers of a table go on behind `last`."""
        await (await self._ready()).rows(_NUMBER_ON, (table, column, last))

    async def announce(self) -> None:
        """Let every process see another `data_version`, before the operation returns."""
        self.announced = True  # told right before the COMMIT, as those who tell wait for each other

    def after_commit(self, callback: Callable[[], None], /) -> None:
        """Call `callback` once the operation is durable, before its caller is answered."""
        self.callbacks.append(callback)


class PostgresSnapshot:
    """`ports.Selects` on a session whose transaction sees the data as they were when it began."""

    dialect = PostgresDialect()

    def __init__(self, session: Session) -> None:
        self._session = session

    async def read(self, sql: str, params: Params = (), /) -> list[Row]:
        """All rows of a SELECT over the snapshot."""
        return await self._session.rows(sql, params)
