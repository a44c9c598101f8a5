"""Queries that may take long: in a thread of their own on a connection of their own, with a limit."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

from crm_kernel.storage.ports import Params, Row
from crm_kernel.storage.refusals import busy, reraise

_AGAIN = 0.05  # seconds until an interruption is repeated: one that comes before the statement has begun is lost


class HeavyReader:
    """Runs one query at a time; whoever waits in vain for `limit` seconds gets `Error("busy")`."""

    def __init__(self, connection: sqlite3.Connection, *, limit: float) -> None:
        self._connection = connection
        self._limit = limit
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="crm-heavy")
        self._turn = asyncio.Lock()

    async def read(self, sql: str, params: Params) -> list[Row]:
        """All rows. The limit counts from the call, waiting included."""
        loop = asyncio.get_running_loop()
        deadline = monotonic() + self._limit
        try:
            async with asyncio.timeout_at(loop.time() + self._limit):
                await self._turn.acquire()
        except TimeoutError:
            raise busy("Other long queries are running.") from None
        job = loop.run_in_executor(self._thread, self._fetch, sql, params)
        stop = loop.call_later(max(deadline - monotonic(), 0), self._interrupt, job)
        job.add_done_callback(lambda _: (stop.cancel(), self._turn.release()))
        try:
            return await asyncio.shield(job)
        except asyncio.CancelledError:
            self._interrupt(job)
            raise
        except sqlite3.OperationalError as error:
            reraise(error)

    async def close(self) -> None:
        """Stop what runs and close the connection."""
        self._connection.interrupt()
        async with self._turn:
            self._thread.shutdown()
            self._connection.close()

    def _fetch(self, sql: str, params: Params) -> list[Row]:
        return self._connection.execute(sql, params).fetchall()

    def _interrupt(self, job: asyncio.Future[list[Row]]) -> None:
        if not job.done():
            self._connection.interrupt()
            asyncio.get_running_loop().call_later(_AGAIN, self._interrupt, job)
