"""Looks into a database from outside, one statement at a time, without an event loop of the test's own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from crm_kernel.storage.ports import EngineDialect
from crm_kernel.storage.postgres_dialect import PostgresDialect
from crm_kernel.storage.postgres_sessions import Session, Target
from crm_kernel.storage.sqlite_dialect import SqliteDialect

TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgresql": "SELECT CAST(tablename AS text) FROM pg_tables WHERE schemaname = 'public'",
}


class Looker:
    """One connection to a database, by its URL; `?` marks values."""

    def __init__(self, url: str) -> None:
        self.engine = url.partition(":")[0]
        self.port = urlsplit(url).port if self.engine == "postgresql" else None
        self.dialect: EngineDialect = SqliteDialect() if self.engine == "sqlite" else PostgresDialect()
        self._thread = ThreadPoolExecutor(1)
        self._loop = asyncio.new_event_loop()
        self._sqlite: sqlite3.Connection | None = None
        self._session: Session | None = None
        if self.engine == "sqlite":
            path = url.removeprefix("sqlite:///")
            self._sqlite = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        else:
            self._session = Session(self._run(Target(url, "public").connect({"synchronous_commit": "off"})))

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._thread.submit(self._loop.run_until_complete, work).result()

    def __call__(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a statement."""
        if self._sqlite is not None:
            return self._sqlite.execute(sql, params).fetchall()
        assert self._session is not None
        return self._run(self._session.rows(sql, params))

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each of the rows."""
        if self._sqlite is not None:
            self._sqlite.executemany(sql, rows)
        else:
            assert self._session is not None
            self._run(self._session.executemany(sql, rows))

    def tables(self) -> list[str]:
        """The names of all tables."""
        return sorted(row[0] for row in self(TABLES[self.engine]))

    def close(self) -> None:
        """End the connection."""
        if self._sqlite is not None:
            self._sqlite.close()
        if self._session is not None:
            self._run(self._session.close())
        self._loop.close()
        self._thread.shutdown()
