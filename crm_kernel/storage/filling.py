"""The database that a backup or a copy is put into: it is what it was until all of it is there, then it is the new one.

PostgreSQL fills its tables in one transaction. An SQLite file is made beside and takes the other's name: so even one
that is damaged can be replaced, and a process that is killed leaves the old file or the new one, whole.
"""

from __future__ import annotations

import secrets
import shutil
import sqlite3
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager, closing
from pathlib import Path

from crm_kernel.errors import ConfigError
from crm_kernel.storage.backup_file import sync_folder
from crm_kernel.storage.columns import quoted
from crm_kernel.storage.evolution import APPLYING
from crm_kernel.storage.introspect import introspect
from crm_kernel.storage.ports import Database, Tx
from crm_kernel.storage.postgres_engine import PostgresEngine
from crm_kernel.storage.sqlite_engine import SqliteEngine
from crm_kernel.storage.sqlite_refusals import is_busy, not_usable

_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'crm' AND pid <> pg_backend_pid()"
)
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_BESIDE = ("-wal", "-shm", "-journal")
_PATIENCE = 2.0


@asynccontextmanager
async def to_fill(url: str, path: Path | None, *, replace: bool = False) -> AsyncGenerator[Database]:
    """An open database to put everything into with `make_room` and `load`; in force when the block ends well.

    Raises `ConfigError` where there is something in it already, or with `replace` where somebody else has it open.
    """
    if path is None:
        filled = _postgres(url, replace=replace)
    else:
        filled = _sqlite(path, replace=replace)
    async with filled as database:
        yield database


async def make_room(tx: Tx, *, replace: bool) -> None:
    """Let no table be there, under the lock that keeps others from making some. Raises `ConfigError`."""
    await tx.lock(APPLYING)
    tables = (await introspect(tx)).tables
    if tables and not replace:
        raise _not_empty()
    for name in tables:
        await tx.execute(f"DROP TABLE {quoted(name)}")


@asynccontextmanager
async def _postgres(url: str, *, replace: bool) -> AsyncGenerator[Database]:
    engine = PostgresEngine(url)
    await engine.open()
    try:
        if replace and (await engine.read(_OTHERS))[0][0] > 1:  # one of ours listens
            raise _in_use("The database")
        yield engine
    finally:
        await engine.close()


@asynccontextmanager
async def _sqlite(path: Path, *, replace: bool) -> AsyncGenerator[Database]:
    _to_be_replaced(path, replace=replace)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        engine = SqliteEngine(draft)
        await engine.open()
        try:
            yield engine
        finally:
            await engine.close()
        _settle(draft)
        if path.exists():
            _to_be_replaced(path, replace=replace)
            shutil.copymode(path, draft)
            _remove(path, _BESIDE)  # of a file that is damaged; another has none any more
        draft.replace(path)
        sync_folder(path.parent)
    finally:
        _remove(draft, ("", *_BESIDE))


def _to_be_replaced(path: Path, *, replace: bool) -> None:
    """That the file is empty, or may be replaced, and that nobody else has it open."""
    if not path.exists():
        return
    try:
        if _settle(path) and not replace:
            raise _not_empty()
    except sqlite3.DatabaseError as error:
        if is_busy(error):
            raise _in_use(f"The database {path}") from error
        if not replace or error.sqlite_errorcode & 0xFF not in _DAMAGED:
            raise not_usable(path, error) from error


def _settle(path: Path) -> int:
    """Bring all of a file into the file itself, which nobody else may have open; how many tables and indexes it has."""
    with closing(sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA journal_mode = DELETE")
        return connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]


def _remove(path: Path, endings: Iterable[str]) -> None:
    for ending in endings:
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _not_empty() -> ConfigError:
    return ConfigError("The database is not empty, nothing was changed. Hint: Name an empty one, or restore --replace.")


def _in_use(what: str) -> ConfigError:
    return ConfigError(f"{what} is in use, nothing was changed. Hint: Stop `crm serve` and other commands first.")
