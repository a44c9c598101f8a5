"""Hears when another process says that what is kept in memory is out of date, and holds what this one has claimed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from typing import Any

from crm_kernel.storage.postgres_refusals import refusal
from crm_kernel.storage.postgres_sessions import Target
from crm_kernel.storage.postgres_transaction import CHANNEL

_log = logging.getLogger(__name__)
PAUSE = 1.0
"""Seconds between two tries to reach the server again."""


_CLAIM = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"


class Listening:
    """A connection of its own; while it is broken, everything may have been announced.

    Claims are locks of its session: they end with it at once, however the process ends.
    """

    def __init__(self, target: Target) -> None:
        self.process = secrets.token_hex(8)
        self.version = 0
        self._target = target
        self._connection: Any = None
        self._sessions = 0
        self._claimed: set[str] = set()
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def heard(self) -> None:
        """Something was announced."""
        self.version += 1

    def _told(self, _connection: Any, _pid: int, _channel: str, process: str) -> None:
        if process != self.process:  # its own announcements are heard with their COMMIT
            self.heard()

    async def start(self) -> None:
        """Listen from now on."""
        await self._connect()
        self._task = asyncio.create_task(self._keep(), name="crm-listen")

    async def stop(self) -> None:
        """Listen no more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._connection.terminate()  # here, as a task that is cancelled before it began does nothing
            self._task = None

    async def claim(self, name: str) -> int:
        """The number of the session that holds a name, 0 where another process does or nobody can."""
        async with self._turn:  # one statement at a time on one connection
            if name in self._claimed:
                return self._sessions
            session, connection = self._sessions, self._connection
            if connection.is_closed():
                return 0
            try:
                if not await connection.fetchval(_CLAIM, name):
                    return 0
            except Exception as error:
                if connection.is_closed():
                    return 0
                raise refusal(error, lost=False) from error
            if session == self._sessions:
                self._claimed.add(name)
            return session

    async def _connect(self) -> None:
        connection = await self._target.connect({})
        await connection.add_listener(CHANNEL, self._told)
        self._connection = connection
        self._sessions += 1

    async def _keep(self) -> None:
        while True:
            await _end_of(self._connection)
            self._claimed.clear()
            self.heard()
            await self._again()
            self.heard()

    async def _again(self) -> None:
        while True:
            try:
                await self._connect()
            except Exception as error:
                _log.warning("The database does not answer: %s", error)
                self.heard()  # nothing that was kept may be trusted until somebody listens again
                await asyncio.sleep(PAUSE)
            else:
                return


async def _end_of(connection: Any) -> None:
    """Wait until a connection is closed. asyncpg tells it, but not where it broke in the middle of a statement."""
    ended = asyncio.Event()
    connection.add_termination_listener(lambda _: ended.set())
    while not connection.is_closed():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PAUSE):
                await ended.wait()
