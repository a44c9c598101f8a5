"""One operation inside a transaction on SQLite."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from contextlib import suppress
from typing import Any, TypeVar

from piccolo.query.base import Query

from crm_kernel.storage.binding import TABLES
from crm_kernel.storage.engine_parts import Meter
from crm_kernel.storage.ports import Params, Row
from crm_kernel.storage.sqlite_dialect import SqliteDialect
from crm_kernel.storage.sqlite_refusals import reraise

T = TypeVar("T")


def rows_by_name(cursor: sqlite3.Cursor) -> list[dict[str, Any]]:
    """All rows of a cursor as Piccolo wants them ([] for a statement without rows)."""
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


class SqliteTx:
    """`ports.Tx` on the writer's connection. Unusable once its operation has ended, whoever still holds it."""

    dialect = SqliteDialect()

    __slots__ = ("_aside", "_connection", "_meter", "callbacks", "closed")

    def __init__(self, connection: sqlite3.Connection, meter: Meter, aside: Executor) -> None:
        self._connection = connection
        self._meter = meter
        self._aside = aside
        self.callbacks: list[Callable[[], None]] = []
        self.closed = False

    def _run(self, sql: str, params: Params) -> sqlite3.Cursor:
        if self.closed:
            raise RuntimeError("The operation that this transaction was given to has ended.")
        self._meter.statements += 1
        try:
            return self._connection.execute(sql, params)
        except (sqlite3.OperationalError, sqlite3.IntegrityError) as error:
            reraise(error)

    async def read(self, sql: str, params: Params = (), /) -> list[Row]:
        """All rows, the operation's own changes included."""
        return self._run(sql, params).fetchall()

    async def hold(self, sql: str, params: Params = (), /, *, one: bool) -> list[Row]:  # noqa: ARG002 - writes are serial
        """All rows, which nobody else changes until the COMMIT."""
        return self._run(sql, params).fetchall()

    async def run(self, query: Query[Any, T], /) -> T:
        """What a Piccolo query gives inside the operation."""

        async def execute(sql: str, params: Params) -> list[dict[str, Any]]:
            return rows_by_name(self._run(sql, params))

        return await TABLES.run_query(query, execute)

    async def execute(self, sql: str, params: Params = (), /) -> int:
        """Run one statement; the number of rows it changed."""
        return self._run(sql, params).rowcount

    async def execute_aside(self, sql: str, /) -> None:
        """Run one slow statement (an index) in the writer's thread: readers go on, other operations wait.

        It cannot be cut: SQLite would roll back the whole group, so a cancelled caller waits for its end too.
        """
        job = asyncio.get_running_loop().run_in_executor(self._aside, self._run, sql, ())
        try:
            await asyncio.shield(job)
        finally:
            while not job.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([job])

    async def executemany(self, sql: str, rows: Iterable[Params], /) -> None:
        """Run one statement once for each of `rows`."""
        if self.closed:
            raise RuntimeError("The operation that this transaction was given to has ended.")
        self._meter.statements += 1
        try:
            self._connection.executemany(sql, rows)
        except (sqlite3.OperationalError, sqlite3.IntegrityError) as error:
            reraise(error)

    async def lock(self, *keys: str) -> None:
        """Nothing: writes are serial on SQLite."""

    async def number_on(self, table: str, column: str, last: int, /) -> None:  # noqa: ARG002 - it is the key
        """Let the numbers of a table go on behind `last`."""
        self._run("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
        self._run("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, last))

    async def announce(self) -> None:
        """Nothing: every process sees each COMMIT."""

    def after_commit(self, callback: Callable[[], None], /) -> None:
        """Call `callback` once the operation is durable, before its caller is answered."""
        self.callbacks.append(callback)
