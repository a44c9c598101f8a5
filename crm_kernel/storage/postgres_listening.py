"""Hears when another process says that what is kept in memory is out of date, and holds what this one has claimed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import struct
from typing import Any

from crm_kernel.storage.postgres_refusals import refusal
from crm_kernel.storage.postgres_sessions import Session, Target

_log = logging.getLogger(__name__)
PAUSE = 1.0
"""Seconds between two tries to reach the server again."""
PATIENCE = 2.0
"""Seconds in which every process is expected to have heard."""
_SHORTEST, _LONGEST = 0.001, 0.05  # seconds between two looks whether they have

CHANNEL = "crm"
"""Where processes tell each other that what they keep in memory is out of date."""
_CLAIM = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"

# Numbers are places in the log of the server: whoever waits for his turn gets a higher one than who had it before.
_NUMBER = (
    "WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock(hashtextextended('crm:news', 0))),"
    " news AS MATERIALIZED (SELECT CAST(pg_current_wal_insert_lsn() - '0/0' AS bigint) AS number FROM turn)"
)
_TELL = f"{_NUMBER} SELECT number, pg_notify(?, CAST(number AS text)) FROM news"
_NEXT = f"{_NUMBER} SELECT number FROM news"
_SHOW = "SELECT pg_advisory_lock_shared($1, $2)"
_SHOW_NO_MORE = "SELECT pg_advisory_unlock_shared($1, $2)"
_BEHIND = (
    "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND CAST(classid AS bigint) << 32 | CAST(objid AS bigint) BETWEEN ? AND ? LIMIT 1"
)
_TAG = 0x6372 << 48  # "cr", the first two bytes of both keys: tells these locks from others


def lock_of(number: int) -> tuple[int, int]:
    """The keys of the lock that shows a number."""
    return struct.unpack(">ii", struct.pack(">Q", _TAG + number))


class Listening:
    """A connection of its own; while it is broken, everything may have been announced.

    NOTIFY may come late: the process that sends it has to get its turn on a busy machine. So news are numbered, each
    process shows by a lock, which nobody else asks for, the last news that it has heard, and who announced something
    waits until nobody shows an earlier one.

    Claims are locks of the same session: they end with it at once, however the process ends.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._connection: Any = None
        self._sessions = 0
        self._version = 0
        self._heard = 0
        self._shown = 0
        self._news = asyncio.Event()
        self._claimed: set[str] = set()
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._stopped = False

    @property
    def version(self) -> int:
        """A number that changes when something was announced, or may have been."""
        if self._connection.is_closed():
            self._version += 1
        return self._version

    async def start(self) -> None:
        """Listen from now on."""
        await self._connect()
        self._task = asyncio.create_task(self._listen(), name="crm-listen")

    async def stop(self) -> None:
        """Listen no more."""
        if self._task is None:
            return
        self._stopped = True
        if self._connection.is_closed():
            self._task.cancel()  # it waits for the server
        else:
            self._connection.terminate()  # which ends what it waits for; to cancel a statement takes a connection
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._connection.terminate()
        self._task = None

    async def tell(self, session: Session) -> int:
        """Announce something with the COMMIT that is to follow at once; the number of the news."""
        ((number, _),) = await session.rows(_TELL, (CHANNEL,))
        return number

    async def all_heard(self, session: Session, number: int) -> None:
        """Wait until every process has heard these news, this one too; one that does not answer is left behind."""
        clock = asyncio.get_running_loop().time
        until, pause = clock() + PATIENCE, _SHORTEST
        try:
            while await session.rows(_BEHIND, (_TAG, _TAG + number - 1)):
                if clock() > until:
                    _log.warning("Another process did not hear of a change within %s seconds.", PATIENCE)
                    return
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST)
        except Exception as error:  # what was announced is durable, so its caller is told so
            _log.warning("Whether all processes heard of a change is not known: %s", error)

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
        self._heard = 0
        await connection.add_listener(CHANNEL, self._told)
        connection.add_termination_listener(lambda _: self._news.set())
        number = await connection.fetchval(_NEXT) - 1  # the next news may get the same one
        await connection.fetchval(_SHOW, *lock_of(number))
        self._heard, self._shown = max(self._heard, number), number  # some may have come meanwhile
        self._version += 1  # only from here on is this process waited for
        self._connection = connection
        self._sessions += 1

    def _told(self, _connection: Any, _pid: int, _channel: str, number: str) -> None:
        self._heard = int(number)
        self._version += 1
        self._news.set()

    async def _listen(self) -> None:
        while not self._stopped:
            with contextlib.suppress(Exception):  # the connection breaks in the middle of a statement
                await self._show()
            if self._connection.is_closed():
                self._version += 1
                self._claimed.clear()
                await self._again()

    async def _show(self) -> None:
        """Show what was heard. asyncpg tells the end of a connection, but not where it broke amid a statement."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PAUSE):
                await self._news.wait()
        self._news.clear()
        heard = self._heard
        if heard != self._shown and not self._connection.is_closed():
            async with self._turn:
                await self._connection.fetchval(_SHOW, *lock_of(heard))
                await self._connection.fetchval(_SHOW_NO_MORE, *lock_of(self._shown))
            self._shown = heard

    async def _again(self) -> None:
        while not self._stopped:
            try:
                await self._connect()
            except Exception as error:
                _log.warning("The database does not answer: %s", error)
                await asyncio.sleep(PAUSE)
            else:
                return
