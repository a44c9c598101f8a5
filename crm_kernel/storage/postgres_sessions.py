"""Connections to PostgreSQL, and the pools they wait in.

asyncpg's own pool costs a further round trip and a task per use (98 µs a query against 46 µs, measured on one machine):
nothing here changes a session's state, so nothing has to be reset.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, NamedTuple

from crm_kernel.storage.engine_parts import busy
from crm_kernel.storage.ports import Params, Row, Usage
from crm_kernel.storage.postgres_refusals import away, is_stale, refusal
from crm_kernel.storage.postgres_statements import numbered, of_one, without_nul

KEPT = 1000
"""Prepared statements of one connection."""


class Target(NamedTuple):
    """A server, database and schema to connect to."""

    url: str
    schema: str

    async def connect(self, settings: Mapping[str, str]) -> Any:
        """An asyncpg connection. Raises what asyncpg raises."""
        import asyncpg  # noqa: PLC0415 - 0.1 s that an app on SQLite need not spend

        connection = await asyncpg.connect(
            self.url,
            timeout=5,
            statement_cache_size=KEPT,  # without it each run of a prepared statement prepares it anew: 83 for 15 µs
            max_cached_statement_lifetime=0,
            server_settings={
                "application_name": "crm",
                "search_path": self.schema,
                "timezone": "UTC",
                "jit": "off",  # compiling takes longer than any statement of the kernel
                **settings,
            },
        )
        await connection.set_type_codec("numeric", schema="pg_catalog", format="text", encoder=str, decoder=_number)
        return connection


def _number(text: str) -> int | float:
    """A sum of integers is a `numeric`."""
    return int(text) if text.lstrip("-").isdigit() else float(text)


class Session:
    """One connection with its prepared statements."""

    __slots__ = ("_prepared", "connection")

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self._prepared: dict[str, Any] = {}

    async def rows(self, sql: str, params: Params) -> list[Row]:
        """All rows of a statement. Raises as `refusals.refusal` says."""
        sql, params = of_one(sql, params)
        try:
            statement = self._prepared.get(sql) or await self._prepare(sql)
            return [tuple(record) for record in await statement.fetch(*params)]
        except Exception as error:
            if self._starts_anew(error):
                return await self.rows(sql, params)
            raise self._refused(sql, error) from error

    async def named_rows(self, sql: str, params: Params) -> list[dict[str, Any]]:
        """All rows by column name."""
        try:
            statement = self._prepared.get(sql) or await self._prepare(sql)
            return [dict(record) for record in await statement.fetch(*map(without_nul, params))]
        except Exception as error:
            if self._starts_anew(error):
                return await self.named_rows(sql, params)
            raise self._refused(sql, error) from error

    async def execute(self, sql: str, params: Params) -> int:
        """The number of rows that a statement changed."""
        try:
            statement = self._prepared.get(sql) or await self._prepare(sql)
            await statement.fetch(*params)
            told = statement.get_statusmsg().rpartition(" ")[2]
        except Exception as error:
            if self._starts_anew(error):
                return await self.execute(sql, params)
            raise self._refused(sql, error) from error
        return int(told) if told.isdigit() else 0

    async def executemany(self, sql: str, rows: Iterable[Params]) -> None:
        """Run one statement once for each of `rows`, sent without waiting for each other's answers."""
        try:
            statement = self._prepared.get(sql) or await self._prepare(sql)
            await statement.executemany(rows)
        except Exception as error:
            raise self._refused(sql, error) from error

    async def command(self, sql: str) -> str:
        """Run a statement without values that is not worth preparing; what the server says of it."""
        try:
            return await self.connection.execute(sql)
        except Exception as error:
            raise self._refused(sql, error) from error

    async def _prepare(self, sql: str) -> Any:
        if len(self._prepared) >= KEPT:
            del self._prepared[next(iter(self._prepared))]
        statement = self._prepared[sql] = await self.connection.prepare(numbered(sql))
        return statement

    def _starts_anew(self, error: Exception) -> bool:
        """Forget all statements where tables were changed under them; whether the one may be run again by itself."""
        if not is_stale(error):
            return False
        there = bool(self._prepared)
        self._prepared.clear()
        return there and not self.connection.is_in_transaction()

    def _refused(self, sql: str, error: Exception) -> BaseException:
        self._prepared.pop(sql, None)
        return refusal(error, lost=self.connection.is_closed())

    async def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(Exception):
            await self.connection.close(timeout=2)


class Lease:
    """The use of one session of a pool: a class, as a generator takes more calls, and each statement needs one."""

    __slots__ = ("_pool", "_session")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def __aenter__(self) -> Session:
        self._session = await self._pool.take()
        return self._session

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and not isinstance(error, Exception):  # cancelled in the middle of a statement
            self._session.connection.terminate()
        self._pool.give_back(self._session)


class Pool:
    """At most `size` sessions, opened when they are needed. `patience`: seconds to wait for one."""

    def __init__(self, target: Target, settings: Mapping[str, str], *, size: int, patience: float) -> None:
        self._target = target
        self._settings = settings
        self._patience = patience
        self._free = asyncio.Semaphore(size)
        self._size = size
        self._idle: deque[Session] = deque()
        self._used = 0
        self._waiting = 0

    @property
    def usage(self) -> Usage:
        """How it is used now."""
        return Usage(self._size, self._used, self._waiting)

    def session(self) -> Lease:
        """A session for one user at a time (`async with`); one that he leaves in an unknown state is closed.

        Raises `Error("busy")` where none gets free in time, or the server does not answer.
        """
        return Lease(self)

    async def take(self) -> Session:
        """A session, which is to be given back."""
        await self._acquire()
        self._used += 1
        try:
            return self._longest_idle() or await self._open()
        except BaseException:
            self.give_back(None)
            raise

    def give_back(self, session: Session | None) -> None:
        """Let the next one have it; None where there came to be none."""
        if session is not None and not session.connection.is_closed():
            self._idle.append(session)
        self._used -= 1
        self._free.release()

    async def _acquire(self) -> None:
        if not self._free.locked():
            await self._free.acquire()
            return
        self._waiting += 1
        try:
            async with asyncio.timeout(self._patience):
                await self._free.acquire()
        except TimeoutError:
            raise busy("All connections to the database are in use.") from None
        finally:
            self._waiting -= 1

    def _longest_idle(self) -> Session | None:
        """The session that was idle longest: so each soon has the statements that are run again and again."""
        while self._idle:
            session = self._idle.popleft()
            if not session.connection.is_closed():
                return session
        return None

    async def _open(self) -> Session:
        try:
            return Session(await self._target.connect(self._settings))
        except Exception as error:
            refused = refusal(error, lost=isinstance(error, OSError))
            raise (away() if refused is error and isinstance(error, TimeoutError) else refused) from error

    async def close(self) -> None:
        """Wait for all users, then close all sessions."""
        for _ in range(self._size):
            await self._free.acquire()
        for session in self._idle:
            await session.close()
        self._idle.clear()
