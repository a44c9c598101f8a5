"""PostgreSQL as the kernel uses it: pooled sessions, many writers, locks by row and by name."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from math import inf
from typing import Any, TypeVar
from urllib.parse import urlsplit

from piccolo.query.base import Query

from crm_kernel.errors import ConfigError
from crm_kernel.storage.binding import TABLES
from crm_kernel.storage.columns import quoted
from crm_kernel.storage.engine_parts import Meter, busy, call_after_commit
from crm_kernel.storage.ports import Params, Row, Usage
from crm_kernel.storage.postgres_dialect import PostgresDialect
from crm_kernel.storage.postgres_feed import Feed
from crm_kernel.storage.postgres_listening import Listening
from crm_kernel.storage.postgres_refusals import is_again, not_usable
from crm_kernel.storage.postgres_sessions import Pool, Session, Target
from crm_kernel.storage.postgres_transaction import PostgresSnapshot, PostgresTx
from crm_kernel.storage.select import ONE_PLAN

T = TypeVar("T")

_OLDEST = 130_000
READERS, WRITERS, HEAVY = 5, 8, 4
TRIES = 8
"""Times an operation is run where others stand in its way, with growing pauses between."""
_ABOUT = "SELECT CAST(current_setting('server_version_num') AS int), getdatabaseencoding()"
_IS_SOUND = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(?)"
_TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = CAST(? AS regnamespace)"
_NUMBERINGS = "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = ? AND last_value IS NOT NULL"
_LONGEST_WRITE = 60.0  # seconds of one statement of a write


class PostgresEngine:
    """A database (or one schema of it) opened for one kernel (`ports.Database`), used on one event loop.

    `patience`: seconds to wait for others before `Error("busy")`; `heavy_limit`: seconds a query may take.
    """

    def __init__(self, url: str, *, schema: str = "public", patience: float = 5.0, heavy_limit: float = 5.0) -> None:
        self.url = url
        self.schema = schema
        self.dialect = PostgresDialect()
        self.commits = 0
        self.others_wrote = -inf  # they need not wait for this process
        self._patience = patience
        self._heavy_limit = heavy_limit
        self._meter = Meter()
        self._target = Target(url, quoted(schema))
        waits = {"lock_timeout": _milliseconds(patience)}
        reading = {"default_transaction_read_only": "on", "statement_timeout": _milliseconds(heavy_limit)}
        writing = waits | {"statement_timeout": _milliseconds(_LONGEST_WRITE)}
        self._readers = Pool(self._target, reading, size=READERS, patience=patience)
        # PostgreSQL would plan lists through the keys of rules each time anew: at 1,000,000 contacts 1.5 for 0.6 ms.
        once = {**reading, "plan_cache_mode": "force_generic_plan"}
        self._planned = Pool(self._target, once, size=READERS, patience=patience)
        self._heavy = Pool(self._target, reading, size=HEAVY, patience=heavy_limit)
        self._writers = Pool(self._target, writing, size=WRITERS, patience=patience)
        self._listening = Listening(self._target)
        self._feeds: dict[str, Feed] = {}
        self._operating: set[asyncio.Task[Any] | None] = set()

    async def open(self) -> None:
        """Connect. Raises `ConfigError` where the database cannot be used, and says why."""
        where = _without_password(self.url)
        try:
            connection = await self._target.connect({})
        except Exception as error:
            raise not_usable(where, error) from error
        session = Session(connection)
        try:
            ((version, encoding),) = await session.rows(_ABOUT, ())
        finally:
            await session.close()
        if version < _OLDEST:
            raise ConfigError(f"PostgreSQL {version // 10_000} is too old: {_OLDEST // 10_000} or newer is needed.")
        if encoding != "UTF8":
            raise ConfigError(f"The database {where} cannot be used: its encoding is {encoding}, not UTF8.")
        await self._listening.start()

    async def close(self) -> None:
        """Let running operations finish and close all connections."""
        await self._listening.stop()
        for pool in (self._writers, self._readers, self._planned, self._heavy):
            await pool.close()

    async def read(self, sql: str, params: Params = (), /) -> list[Row]:
        """All rows of a SELECT over committed data. Raises `Error("busy")`."""
        self._meter.statements += 1
        pool = self._planned if sql.startswith(ONE_PLAN) else self._readers
        async with pool.session() as session:
            return await session.rows(sql, params)

    async def read_heavy(self, sql: str, params: Params = (), /) -> list[Row]:
        """Like `read`, on a session of its own. Raises `Error("busy")` at the limit."""
        self._meter.statements += 1
        async with self._heavy.session() as session:
            return await session.rows(sql, params)

    async def run(self, query: Query[Any, T], /) -> T:
        """What a Piccolo query over committed data gives (changes belong into `write` and `tx.run`)."""

        async def execute(sql: str, params: Params) -> list[dict[str, Any]]:
            self._meter.statements += 1
            async with self._readers.session() as session:
                return await session.named_rows(sql, params)

        return await TABLES.run_query(query, execute)

    async def write(self, work: Callable[[PostgresTx], Awaitable[T]], /) -> T:
        """Run `work(tx)` as one atomic operation and return its result once it is durable.

        Operations run beside each other; one that others stand in the way of (deadlock, serialisation) is run again
        from its beginning. One that raises or is cancelled leaves nothing behind. Raises `Error("busy")`,
        `Error("disk_full")`, and whatever `work` raises. Who is cancelled, or loses the connection, during the COMMIT
        cannot know whether it succeeded.
        """
        task = asyncio.current_task()
        if task in self._operating:
            raise RuntimeError("An operation inside an operation would wait for itself.")
        self._operating.add(task)
        try:
            for tried in range(TRIES):
                try:
                    return await self._attempt(work, begun=tried > 0)
                except Exception as error:
                    if not is_again(error.__cause__ or error) or tried == TRIES - 1:
                        raise
                await asyncio.sleep(random.uniform(0.0, 0.005 * 2**tried))
        finally:
            self._operating.discard(task)
        raise busy()

    async def load(self, work: Callable[[PostgresTx], Awaitable[T]], /) -> T:
        """Like `write`, on a session of its own whose statements have no limit, and run once."""
        async with self._aside({"lock_timeout": _milliseconds(self._patience), "statement_timeout": "0"}) as session:
            return await self._operate(session, work, begun=True)

    @asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[PostgresSnapshot]:
        """The committed data as it is now, for reading as long as it takes."""
        async with self._aside({"default_transaction_read_only": "on", "statement_timeout": "0"}) as session:
            await session.command("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1")
            yield PostgresSnapshot(session)

    @asynccontextmanager
    async def _aside(self, settings: dict[str, str]) -> AsyncGenerator[Session]:
        session = Session(await self._target.connect(settings))
        try:
            yield session
        finally:
            await session.close()

    async def _attempt(self, work: Callable[[PostgresTx], Awaitable[T]], *, begun: bool) -> T:
        async with self._writers.session() as session:
            return await self._operate(session, work, begun=begun)

    async def _operate(self, session: Session, work: Callable[[PostgresTx], Awaitable[T]], *, begun: bool) -> T:
        tx = PostgresTx(session, self._meter)
        told, news = "COMMIT", None
        try:
            if begun:
                await tx.begin()
            result = await work(tx)
            if tx.announced:
                await tx.begin()
            await tx.flush()
            if tx.announced:
                self._meter.statements += 1
                news = await self._listening.tell(session)
            if tx.begun:
                told = await session.command("COMMIT")
        except Exception:
            if tx.begun and not session.connection.is_closed():
                await session.command("ROLLBACK")
            raise
        finally:
            tx.closed = True
        if told != "COMMIT":  # somebody went on after a statement had failed
            raise RuntimeError("The operation was rolled back: a statement of it had failed.")
        self.commits += 1
        call_after_commit(tx.callbacks)
        if news is not None:
            await self._listening.all_heard(session, news)
        return result

    async def build_index(self, name: str, sql: str, /) -> None:
        """Build one index beside reads and writes, anew where an earlier try broke off. Raises `NotUnique`."""
        async with self._aside({"lock_timeout": "0"}) as session:
            await session.rows("SELECT pg_advisory_lock(hashtextextended('crm:index', 0))", ())
            if await session.rows(_IS_SOUND, (quoted(name),)) == [(False,)]:
                await session.command(f"DROP INDEX CONCURRENTLY {quoted(name)}")
            await session.command(sql)

    async def analyze(self, table: str, /) -> None:
        """Have the planner look at a table now. Nobody waits for it, nor it for anybody."""
        async with self._writers.session() as session:
            await session.command(f"ANALYZE {quoted(table)}")

    async def settled(self, table: str, /) -> int:
        """The number of a numbered table up to which no row can come in between any more."""
        if table not in self._feeds:
            self._feeds[table] = Feed(table, self.read)
        return await self._feeds[table].settled()

    async def claim(self, name: str, /) -> int:
        """Be the one process that does something, until it ends or its connection breaks."""
        self._meter.statements += 1
        return await self._listening.claim(name)

    @asynccontextmanager
    async def scratch(self) -> AsyncGenerator[PostgresEngine]:
        """An engine on a copy of the committed data in a schema of its own, which is dropped afterwards."""
        schema = f"crm_scratch_{secrets.token_hex(6)}"
        session = Session(await self._target.connect({}))
        try:
            await _copy_schema(session, self.schema, schema)
            engine = PostgresEngine(self.url, schema=schema, patience=self._patience, heavy_limit=self._heavy_limit)
            await engine.open()
            try:
                yield engine
            finally:
                await engine.close()
        finally:
            await session.command(f"DROP SCHEMA IF EXISTS {quoted(schema)} CASCADE")
            await session.close()

    def data_version(self) -> int:
        """A number that changes when something was announced, here or by another process, or may have been."""
        return self._listening.version

    def alone(self) -> bool:
        """False: that nobody waits is not known of a server that many use."""
        return False

    def usage(self) -> Mapping[str, Usage]:
        """How each pool of sessions is used now."""
        pools = {"writers": self._writers, "readers": self._readers, "planned": self._planned, "heavy": self._heavy}
        return {name: pool.usage for name, pool in pools.items()}

    @property
    def statements(self) -> int:
        """How many statements were run since the start (BEGIN, COMMIT and ROLLBACK are not counted)."""
        return self._meter.statements


async def _copy_schema(session: Session, source: str, target: str) -> None:
    """All tables as they are in one snapshot; their numbering goes on behind the last number."""
    await session.command("BEGIN ISOLATION LEVEL REPEATABLE READ")
    await session.command(f"CREATE SCHEMA {quoted(target)}")
    for (name,) in await session.rows(_TABLES, (source,)):
        old, new = f"{quoted(source)}.{quoted(name)}", f"{quoted(target)}.{quoted(name)}"
        await session.command(f"CREATE UNLOGGED TABLE {new} (LIKE {old} INCLUDING ALL)")
        await session.command(f"INSERT INTO {new} SELECT * FROM {old}")
    for name, last in await session.rows(_NUMBERINGS, (source,)):
        await session.rows("SELECT setval(CAST(? AS regclass), ?)", (f"{quoted(target)}.{quoted(name)}", last))
    await session.command("COMMIT")


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
