"""The data of an SQLite file as they were at one moment, for reading as long as it takes."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from crm_kernel.storage.ports import Params, Row
from crm_kernel.storage.sqlite_dialect import SqliteDialect
from crm_kernel.storage.sqlite_refusals import not_usable, reraise

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class SqliteSnapshot:
    """`ports.Selects` on a connection of its own, in a thread of its own: writers go on, the file's log grows."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.dialect = SqliteDialect()
        self._connection = connection
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="crm-snapshot")

    async def open(self) -> None:
        """From now on nothing that is committed is seen any more."""
        await self.read("BEGIN")
        await self.read("SELECT count(*) FROM sqlite_schema")  # the first look is the moment

    async def read(self, sql: str, params: Params = (), /) -> list[Row]:
        """All rows of a SELECT. Raises `ConfigError` where the file is damaged."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._fetch, sql, params)

    async def close(self) -> None:
        """End it."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown()

    def _fetch(self, sql: str, params: Params) -> list[Row]:
        try:
            return self._connection.execute(sql, params).fetchall()
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF in _DAMAGED:
                raise not_usable(self._path, error) from error
            reraise(error)
