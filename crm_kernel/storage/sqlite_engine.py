"""SQLite as the kernel uses it: one file, one writer with group commit, readers that see committed data only."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, TypeVar

from piccolo.query.base import Query

from crm_kernel.errors import ConfigError
from crm_kernel.storage.binding import TABLES
from crm_kernel.storage.engine_parts import Meter, busy
from crm_kernel.storage.ports import Params, Row, Usage
from crm_kernel.storage.sqlite_dialect import SqliteDialect
from crm_kernel.storage.sqlite_heavy import HeavyReader, Take
from crm_kernel.storage.sqlite_presence import Presence
from crm_kernel.storage.sqlite_refusals import is_busy, is_cut, not_usable, reraise
from crm_kernel.storage.sqlite_snapshot import SqliteSnapshot
from crm_kernel.storage.sqlite_transaction import SqliteTx, rows_by_name
from crm_kernel.storage.sqlite_writer import RETRY, Writer

T = TypeVar("T")
_OLDEST = (3, 35)
_MAPPED = 1 << 30
SPRINT = 0.02
"""Seconds that a query may keep everybody waiting; one that takes longer begins anew in a thread."""
_STEPS = 5_000  # of SQLite's machine (about 0.1 ms) between two looks at the clock
_CACHED, _CACHED_IN_IMPORTS = 2_000, 24_000
"""KiB of pages the writer keeps: with SQLite's 2 MB the indexes of 100,000 records took a third longer to fill, but
a server under a light load would grow for an hour until it had filled so many."""
_CHECKPOINT, _CHECKPOINT_IN_IMPORTS = 8_000, 16_000
"""Pages of the log after which a COMMIT moves them into the file: an import writes the same pages of its indexes again
and again, so it moves them half as often."""


def check_version(version: tuple[int, ...]) -> None:
    """Raises `ConfigError` for an SQLite library that lacks what the kernel's statements use."""
    if version < _OLDEST:
        raise ConfigError(f"SQLite {'.'.join(map(str, version))} is too old: 3.35 or newer is needed.")


def _connect(path: Path) -> sqlite3.Connection:
    """A connection without implicit transactions and without waiting: waiting would block the loop."""
    return sqlite3.connect(path, timeout=0, isolation_level=None, cached_statements=512, check_same_thread=False)


def _bind_at_once() -> None:
    """Say what None and booleans are bound as. It is what `sqlite3` does anyway, but only after it has looked for an
    adapter of theirs and made an error of not finding one: 0.5 µs for each null, a tenth of an import.
    """
    sqlite3.register_adapter(type(None), dict[Any, Any]().get)  # gives None for None without running Python
    sqlite3.register_adapter(bool, int)


def _connect_reader(path: Path, *, mapped: int = 0) -> sqlite3.Connection:
    """`mapped` bytes of the file are read as memory, without a system call a page.

    Halves the time of a report, and takes a list under row rules (300 rows looked at) from 770 to 490 µs.
    """
    connection = _connect(path)
    connection.execute("PRAGMA query_only = ON")  # the one door for changes is `write`
    connection.execute(f"PRAGMA mmap_size = {mapped:d}")
    return connection


class _Sprint:
    """What one query on the loop's thread may take before it has to go on in another."""

    __slots__ = ("deadline",)

    def __init__(self) -> None:
        self.deadline = 0.0

    def start(self) -> None:
        self.deadline = monotonic() + SPRINT

    def is_over(self) -> bool:
        return monotonic() >= self.deadline


def _copy(source: Path, target: Path) -> None:
    try:
        with closing(_connect_reader(source)) as reader, closing(_connect(target)) as writer:
            reader.backup(writer)
    except sqlite3.OperationalError as error:
        reraise(error)


class SqliteEngine:
    """An SQLite file opened for one kernel (`ports.Database`). Used on one event loop: `await open()` … `close()`.

    `patience`: seconds to wait for other processes before `Error("busy")`; `heavy_limit`: seconds a heavy query may
    take; `pause_after_commit`: seconds to leave the file to other processes after each COMMIT (imports: 0.005).
    """

    def __init__(
        self, path: Path, *, patience: float = 5.0, heavy_limit: float = 5.0, pause_after_commit: float = 0.0
    ) -> None:
        self.path = path
        self.dialect = SqliteDialect()
        self._patience = patience
        self._heavy_limit = heavy_limit
        self._pause = pause_after_commit
        self._meter = Meter()
        self._sprint = _Sprint()

    async def open(self) -> None:
        """Open the connections, and the file where there is none yet.

        Raises `ConfigError` where the file cannot be used, and says why.
        """
        check_version(sqlite3.sqlite_version_info)
        _bind_at_once()
        if not self.path.parent.is_dir():
            raise ConfigError(f"The database {self.path} cannot be used: the folder {self.path.parent} does not exist.")
        with ExitStack() as opened:
            try:
                connection = opened.enter_context(closing(_connect(self.path)))
                await self._prepare(connection)
                self._reader = opened.enter_context(closing(_connect_reader(self.path, mapped=_MAPPED)))
                heavy = opened.enter_context(closing(_connect_reader(self.path, mapped=_MAPPED)))
            except sqlite3.DatabaseError as error:
                raise not_usable(self.path, error) from error
            opened.pop_all()
        self._presence = Presence(self.path)
        self._reader.set_progress_handler(self._sprint.is_over, _STEPS)
        self._heavy = HeavyReader(heavy, limit=self._heavy_limit)
        self._writer = Writer(connection, self._meter, patience=self._patience, pause=self._pause)

    async def close(self) -> None:
        """Let running operations finish and close all connections."""
        await self._writer.close()
        await self._heavy.close()
        self._reader.close()
        self._presence.close()

    async def read(self, sql: str, params: Params = (), /) -> list[Row]:
        """All rows of a SELECT over committed data.

        It runs on the loop's thread, as most take far less time than handing them to another would; one that takes
        long goes the way of `read_heavy`. Raises `Error("busy")` where the file stays locked, or at the limit.
        """
        return await self._read(sql, params, sqlite3.Cursor.fetchall)

    async def _read(self, sql: str, params: Params, take: Take[T]) -> list[T]:
        self._meter.statements += 1
        try:
            return self._read_here(sql, params, take)
        except sqlite3.OperationalError as error:
            if not (is_busy(error) or is_cut(error)):
                reraise(error)
            if is_cut(error):
                return await self._heavy.read(sql, params, take)
        return await self._patiently(lambda: self._read_here(sql, params, take))

    def _read_here(self, sql: str, params: Params, take: Take[T]) -> list[T]:
        self._sprint.start()
        return take(self._reader.execute(sql, params))

    async def read_heavy(self, sql: str, params: Params = (), /) -> list[Row]:
        """Like `read`, in a thread and with a limit. Raises `Error("busy")` at the limit."""
        self._meter.statements += 1
        return await self._heavy.read(sql, params, sqlite3.Cursor.fetchall)

    async def run(self, query: Query[Any, T], /) -> T:
        """What a Piccolo query over committed data gives (changes belong into `write` and `tx.run`), as `read` does."""
        return await TABLES.run_query(query, lambda sql, params: self._read(sql, params, rows_by_name))

    async def write(self, work: Callable[[SqliteTx], Awaitable[T]], /) -> T:
        """Run `work(tx)` as one atomic operation and return its result once it is durable.

        Operations run one after another, in the order of their calls. One that raises or is cancelled leaves nothing
        behind. Raises `Error("busy")` where other processes keep the file, `Error("disk_full")`, and whatever `work`
        raises. Who is cancelled after `work` has ended cannot know whether the COMMIT succeeded.
        """
        return await self._writer.write(work)

    async def load(self, work: Callable[[SqliteTx], Awaitable[T]], /) -> T:
        """As `write`: here no statement has a limit."""
        return await self._writer.write(work)

    @asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[SqliteSnapshot]:
        """The committed data as it is now, for reading as long as it takes. The WAL grows as long as it is open."""
        snapshot = SqliteSnapshot(_connect_reader(self.path), self.path)
        try:
            await snapshot.open()
            yield snapshot
        finally:
            await snapshot.close()

    async def build_index(self, name: str, sql: str, /) -> None:  # noqa: ARG002 - the statement names it
        """Build one index in the writer's thread: readers go on, other operations wait. Raises `NotUnique`."""
        await self._writer.write(lambda tx: tx.execute_aside(sql))

    async def analyze(self, table: str, /) -> None:
        """Nothing: plans depend on the indexes alone."""

    async def settled(self, table: str, /) -> int:
        """The last number of a numbered table: they are given in the order of commit."""
        rows = await self.read("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,))
        return rows[0][0] if rows else 0

    async def claim(self, name: str, /) -> int:  # noqa: ARG002 - one server has the file
        """Always granted: what one server does beside commands of the command line may be done twice."""
        return 1

    @asynccontextmanager
    async def scratch(self) -> AsyncGenerator[SqliteEngine]:
        """An engine on a copy of the committed data, which is gone afterwards. Nobody waits while it is copied."""
        with TemporaryDirectory(prefix="crm-") as folder:
            engine = SqliteEngine(Path(folder) / "copy.db", patience=self._patience, heavy_limit=self._heavy_limit)
            await asyncio.to_thread(_copy, self.path, engine.path)
            await engine.open()
            try:
                yield engine
            finally:
                await engine.close()

    def data_version(self) -> int:
        """A number that changes with each COMMIT of anybody: whatever was read before may be out of date."""
        self._sprint.start()
        return self._reader.execute("PRAGMA data_version").fetchone()[0]

    def usage(self) -> Mapping[str, Usage]:
        """How its one writing connection is used; reads wait for nobody."""
        return {"writers": self._writer.usage}

    @property
    def statements(self) -> int:
        """How many statements were run since the start (BEGIN, COMMIT and savepoints are not counted)."""
        return self._meter.statements

    def alone(self) -> bool:
        """Whether no other process has the file open, so that nobody waits for this one."""
        return self._presence.alone()

    @property
    def others_wrote(self) -> float:
        """When another process was last found to have written."""
        return self._writer.others_wrote

    @property
    def commits(self) -> int:
        """How many COMMITs there were: fewer than operations, where they shared them."""
        return self._writer.commits

    async def _prepare(self, connection: sqlite3.Connection) -> None:
        """Make the writer's connection durable at each COMMIT."""
        mode = await self._patiently(lambda: connection.execute("PRAGMA journal_mode = WAL").fetchone()[0])
        if mode != "wal":
            raise ConfigError(f"The database {self.path} cannot be used: its file system cannot share memory (WAL).")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_IN_IMPORTS if self._pause else _CHECKPOINT:d}")
        connection.execute(f"PRAGMA cache_size = -{_CACHED_IN_IMPORTS if self._pause else _CACHED:d}")

    async def _patiently(self, action: Callable[[], T]) -> T:
        """What `action` gives, tried again while the file is locked, at most for the engine's patience."""
        deadline = monotonic() + self._patience
        while True:
            try:
                return action()
            except sqlite3.OperationalError as error:
                if not is_busy(error):
                    reraise(error)
                if monotonic() >= deadline:
                    raise busy() from error
            await asyncio.sleep(RETRY)
