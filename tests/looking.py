"""Looks into a database from outside, as neither the kernel nor its engines would."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg

TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgresql": "SELECT CAST(tablename AS text) FROM pg_tables WHERE schemaname = 'public'",
}


class Looker:
    """One connection to a database, by its URL; statements without values."""

    def __init__(self, url: str) -> None:
        self.engine = url.partition(":")[0]
        self._thread = ThreadPoolExecutor(1)
        self._loop = asyncio.new_event_loop()
        self._connection: Any
        if self.engine == "sqlite":
            path = url.removeprefix("sqlite:///")
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        else:
            self._connection = self._run(asyncpg.connect, url)

    def _run(self, call: Any, *arguments: Any) -> Any:
        async def work() -> Any:
            return await call(*arguments)

        return self._thread.submit(self._loop.run_until_complete, work()).result()

    def __call__(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a statement."""
        if self.engine == "sqlite":
            return self._connection.execute(sql).fetchall()
        return [tuple(row) for row in self._run(self._connection.fetch, sql)]

    def tables(self) -> list[str]:
        """The names of all tables."""
        return sorted(row[0] for row in self(TABLES[self.engine]))

    def close(self) -> None:
        """End the connection."""
        if self.engine == "sqlite":
            self._connection.close()
        else:
            self._run(self._connection.close)
        self._loop.close()
        self._thread.shutdown()
