"""Queries that may take long: in a thread of their own on a connection of their own, with a limit."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import TypeVar

from crm_kernel.storage.engine_parts import busy
from crm_kernel.storage.ports import Params
from crm_kernel.storage.sqlite_refusals import reraise

T = TypeVar("T")
Take = Callable[[sqlite3.Cursor], list[T]]
"""What makes of a cursor the rows that are wanted."""

_STEPS = 100_000  # of SQLite's machine (about 2 ms) between two looks at the clock


class _Job:
    """One query; `deadline` is when its thread stops it, whatever has become of the loop."""

    __slots__ = ("deadline", "params", "sql")

    def __init__(self, sql: str, params: Params, deadline: float) -> None:
        self.sql = sql
        self.params = params
        self.deadline = deadline

    def stop(self) -> None:
        self.deadline = 0.0

    def is_over(self) -> bool:
        return monotonic() >= self.deadline


class HeavyReader:
    """Runs one query at a time; whoever waits in vain for `limit` seconds gets `Error("busy")`."""

    def __init__(self, connection: sqlite3.Connection, *, limit: float) -> None:
        self._connection = connection
        self._limit = limit
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="crm-heavy")
        self._turn = asyncio.Lock()

    async def read(self, sql: str, params: Params, take: Take[T]) -> list[T]:
        """What `take` makes of all rows. The limit counts from the call, waiting included."""
        job = _Job(sql, params, monotonic() + self._limit)
        try:
            async with asyncio.timeout(self._limit):
                await self._turn.acquire()
        except TimeoutError:
            raise busy("Other long queries are running.") from None
        rows = asyncio.get_running_loop().run_in_executor(self._thread, self._fetch, job, take)
        rows.add_done_callback(lambda _: self._turn.release())
        try:
            return await asyncio.shield(rows)
        except asyncio.CancelledError:
            job.stop()
            raise
        except sqlite3.OperationalError as error:
            reraise(error)

    async def close(self) -> None:
        """Let what runs come to its end or limit, then close the connection."""
        async with self._turn:
            self._thread.shutdown()
            self._connection.close()

    def _fetch(self, job: _Job, take: Take[T]) -> list[T]:
        self._connection.set_progress_handler(job.is_over, _STEPS)
        return take(self._connection.execute(job.sql, job.params))
