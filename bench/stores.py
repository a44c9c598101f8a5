"""Where a side keeps its data: a file of SQLite, or a database of a PostgreSQL server that is dropped afterwards."""

from __future__ import annotations

import asyncio
import os
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import asyncpg

from bench.servers import seconds_used
from crm_kernel.testing.databases import LOCAL, SERVER

ENGINES = ("sqlite", "postgresql")
_PG_INDEXES = """
SELECT i.indexrelid::regclass::text, a.attname FROM pg_index AS i
JOIN unnest(i.indkey) WITH ORDINALITY AS k(number, place) ON true
JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number
JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_am AS m ON m.oid = c.relam AND m.amname = 'btree'
WHERE i.indrelid = $1::regclass ORDER BY 1, k.place
"""
_BACKENDS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


class Store(Protocol):
    """The database of one side. `url` is what `[database] url` takes."""

    engine: str
    url: str

    def rows(self, sql: str, *values: Any) -> list[Sequence[Any]]:
        """What a statement gives, on a connection of its own; placeholders are those of the engine."""
        ...

    def indexes(self, table: str) -> set[tuple[str, ...]]:
        """The columns of each index of a table, that of words left out: each side keeps it in its own way."""
        ...

    def settle(self) -> None:
        """Do at once what a database does by itself in the minutes after it was filled."""
        ...

    def cpu(self) -> float:
        """Seconds of processor time of the processes that work for the open connections; 0 where there are none."""
        ...


class SqliteFile:
    """A file; all its work is done in the server's own process."""

    engine = "sqlite"

    def __init__(self, file: Path) -> None:
        self.file = file
        self.url = f"sqlite:///{file.resolve()}"

    def rows(self, sql: str, *values: Any) -> list[Sequence[Any]]:
        db = sqlite3.connect(self.file)
        try:
            return db.execute(sql, values).fetchall()
        finally:
            db.close()

    def indexes(self, table: str) -> set[tuple[str, ...]]:
        names = [row[1] for row in self.rows(f"PRAGMA index_list('{table}')")]
        return {tuple(str(row[2]) for row in self.rows(f"PRAGMA index_info('{name}')")) for name in names}

    def settle(self) -> None:
        """Nothing: SQLite looks at no statistics that nobody made, and the kernel makes none."""

    def cpu(self) -> float:
        return 0.0


class PostgresDatabase:
    """A database of a server; its sessions are processes of their own."""

    engine = "postgresql"

    def __init__(self, url: str) -> None:
        self.url = url

    def rows(self, sql: str, *values: Any) -> list[Sequence[Any]]:
        return asyncio.run(_rows(self.url, sql, values))

    def indexes(self, table: str) -> set[tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for name, column in self.rows(_PG_INDEXES, table):
            found.setdefault(name, []).append(column)
        return {tuple(columns) for columns in found.values()}

    def settle(self) -> None:
        """What autovacuum would do a minute later."""
        self.rows("VACUUM ANALYZE")

    def cpu(self) -> float:
        """0 with a server on another machine. Helpers of a parallel query are gone before they could be counted."""
        return sum(seconds_used(pid) for (pid,) in self.rows(_BACKENDS))


async def _rows(url: str, sql: str, values: Sequence[Any]) -> list[Sequence[Any]]:
    connection = await asyncpg.connect(url, timeout=5)
    try:
        return [tuple(row) for row in await connection.fetch(sql, *values)]
    finally:
        await connection.close()


def server_url() -> str | None:
    """The PostgreSQL server to measure on: the one `CRM_TEST_POSTGRES` names, else the local one; None without."""
    url = os.environ.get(SERVER, LOCAL)
    try:
        PostgresDatabase(url).rows("SELECT 1")
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return None
    return url


def engines(asked: str) -> list[str]:
    """The engines to measure on. `both` leaves out PostgreSQL where no server answers."""
    if asked == "sqlite" or server_url() is not None:
        return [asked] if asked != "both" else list(ENGINES)
    if asked == "both":
        print(f"bench: no PostgreSQL server answers; {SERVER} names one. It is left out.")
        return ["sqlite"]
    raise SystemExit(f"bench: no PostgreSQL server answers; {SERVER} names one.")


@contextmanager
def stores(engine: str, files: dict[str, Path]) -> Iterator[dict[str, Store]]:
    """A database for each name: the files given, or databases `crm_bench_…` that are gone afterwards."""
    if engine == "sqlite":
        for file in files.values():
            file.parent.mkdir(parents=True, exist_ok=True)
        yield {name: SqliteFile(file) for name, file in files.items()}
        return
    url = server_url()
    assert url is not None
    server, made = PostgresDatabase(url), {name: f"crm_bench_{name}_{secrets.token_hex(4)}" for name in files}
    try:
        for database in made.values():
            server.rows(f'CREATE DATABASE "{database}" TEMPLATE template0')
        yield {n: PostgresDatabase(urlsplit(url)._replace(path=f"/{d}").geturl()) for n, d in made.items()}
    finally:
        for database in made.values():
            server.rows(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
