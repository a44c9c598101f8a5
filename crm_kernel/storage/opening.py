"""The engine of a database: SQLite for a file, PostgreSQL for a URL."""

from __future__ import annotations

from pathlib import Path

from crm_kernel.storage.ports import Database
from crm_kernel.storage.postgres_engine import PostgresEngine
from crm_kernel.storage.sqlite_engine import SqliteEngine


def database_of(url: str, path: Path | None, *, pause_after_commit: float = 0.0) -> Database:
    """The database, not yet open: `path` is the file of SQLite, None for the PostgreSQL database of `url`.

    `pause_after_commit`: seconds to leave an SQLite file to other processes after each COMMIT (imports: 0.005).
    """
    if path is None:
        return PostgresEngine(url)
    return SqliteEngine(path, pause_after_commit=pause_after_commit)
