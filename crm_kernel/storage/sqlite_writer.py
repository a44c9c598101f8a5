"""The one writer of a process: operations run one after another and share COMMITs.

Those that join a transaction run in savepoints, the first does not: SQLite copies each page that it changes behind a
savepoint, which took a tenth of an import.

A COMMIT that reaches the disk takes far longer than most operations. So while others wait for their turn, a finished
operation leaves the transaction open for the next one; the COMMIT they share runs in a thread, and nobody is answered
before it. Everything here runs on the loop's thread but that COMMIT, during which nobody has the turn.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from math import inf
from time import monotonic
from typing import TypeVar

from crm_kernel.storage.engine_parts import Meter, busy, call_after_commit
from crm_kernel.storage.ports import Usage
from crm_kernel.storage.sqlite_refusals import is_busy, refusal, reraise
from crm_kernel.storage.sqlite_transaction import SqliteTx

T = TypeVar("T")

LONGEST = 0.1
"""Seconds a transaction may stay open for more operations: other processes wait that long at most."""
MOST = 500
"""Operations that may share a COMMIT."""
RETRY = 0.002
"""Seconds between two tries to get the file's write lock from another process."""


class _Group:
    """The operations that share one COMMIT."""

    __slots__ = ("callbacks", "failure", "members", "opened", "operations")

    def __init__(self) -> None:
        self.opened = monotonic()
        self.operations = 0
        self.members: list[asyncio.Future[None]] = []
        self.callbacks: list[Callable[[], None]] = []
        self.failure: BaseException | None = None

    @property
    def full(self) -> bool:
        return self.operations >= MOST or monotonic() - self.opened >= LONGEST

    def join(self) -> asyncio.Future[None]:
        """A future of this member's own, so that a cancelled caller cancels nobody else's."""
        member: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.members.append(member)
        return member

    def settle(self, failure: BaseException | None) -> None:
        for member in self.members:
            if member.done():  # its caller was cancelled while it waited
                continue
            if failure is None:
                member.set_result(None)
            else:
                member.set_exception(failure)


class Writer:
    """Owns the writing connection. `patience` seconds to wait for other processes, `pause` between transactions."""

    def __init__(self, connection: sqlite3.Connection, meter: Meter, *, patience: float, pause: float) -> None:
        self.pause = pause
        self.commits = 0
        self.others_wrote = -inf
        """When a transaction found that another process had written since the one before it (`monotonic`)."""
        self._connection = connection
        self._meter = meter
        self._version = self._data_version()
        self._patience = patience
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="crm-commit")
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._taken = False  # whether somebody has the turn, or a COMMIT is running
        self._group: _Group | None = None
        self._operating: asyncio.Task[object] | None = None
        self._closed = False

    async def write(self, work: Callable[[SqliteTx], Awaitable[T]]) -> T:
        """Run `work` in its turn; its result, once it is durable. See `SqliteEngine.write`."""
        if self._closed:
            raise RuntimeError("The database is closed.")
        if self._operating is not None and self._operating is asyncio.current_task():
            raise RuntimeError("An operation inside an operation would wait for itself.")
        deadline = monotonic() + self._patience
        await self._turn()
        try:
            group = self._group or await self._open(deadline)
            result = await self._operate(group, work)
            durable = group.join()
        finally:
            self._pass_on()
        await durable
        return result

    @property
    def usage(self) -> Usage:
        """Whether somebody writes, and who waits for it."""
        return Usage(1, int(self._taken), len(self._waiting))

    async def close(self) -> None:
        """Let all who wait finish, then close the connection."""
        self._closed = True
        await self._turn()
        if self._group is not None:
            durable = self._group.join()
            self._pass_on()
            await asyncio.wait([durable])
            durable.exception()  # those whose operations they were have been told
        self._thread.shutdown()
        self._connection.close()

    async def _turn(self) -> None:
        """Wait for the turn, first come first served."""
        if not self._taken:
            self._taken = True
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled():  # the turn came just before the cancellation
                self._pass_on()
            raise

    def _next(self) -> asyncio.Future[None] | None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                return waiter
        return None

    def _free(self) -> None:
        """Nothing is open: the turn is the next one's, or free."""
        if waiter := self._next():
            waiter.set_result(None)
        else:
            self._taken = False

    def _pass_on(self) -> None:
        """End a turn: the group grows while others wait, else it is time for its COMMIT."""
        group = self._group
        if group is None:
            self._free()
        elif group.failure is not None:
            self._settle(group, group.failure)
        elif not group.full and (waiter := self._next()):
            waiter.set_result(None)
        else:
            loop = asyncio.get_running_loop()
            commit = loop.run_in_executor(self._thread, self._connection.execute, "COMMIT")
            commit.add_done_callback(lambda done: self._committed(group, done.exception()))

    def _committed(self, group: _Group, failure: BaseException | None) -> None:
        self.commits += failure is None
        self._settle(group, None if failure is None else refusal(failure))

    def _settle(self, group: _Group, failure: BaseException | None) -> None:
        """Tell all members how their group ended, and go on after the pause."""
        self._group = None
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        if failure is None:
            call_after_commit(group.callbacks)
        group.settle(failure)
        if self.pause:
            asyncio.get_running_loop().call_later(self.pause, self._free)
        else:
            self._free()

    async def _open(self, deadline: float) -> _Group:
        """Get the file's write lock. Raises `Error("busy")` when others keep it past the deadline."""
        while True:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if not is_busy(error):
                    reraise(error)
            else:
                version, self._version = self._version, self._data_version()
                if version != self._version:
                    self.others_wrote = monotonic()
                self._group = _Group()
                return self._group
            if monotonic() >= deadline:
                raise busy()
            await asyncio.sleep(RETRY)

    def _data_version(self) -> int:
        """A number that changes with each COMMIT of another connection; this one is the only one here that writes."""
        return self._connection.execute("PRAGMA data_version").fetchone()[0]

    async def _operate(self, group: _Group, work: Callable[[SqliteTx], Awaitable[T]]) -> T:
        tx = SqliteTx(self._connection, self._meter, self._thread)
        self._operating = asyncio.current_task()
        first = group.operations == 0  # the whole transaction is its own: it needs no savepoint to be undone
        group.operations += 1
        try:
            if first:
                result = await work(tx)
            else:
                self._connection.execute("SAVEPOINT operation")
                result = await work(tx)
                self._connection.execute("RELEASE operation")
        except BaseException as error:  # a cancellation too: nothing of it may stay
            self._undo(group, error, first=first)
            raise
        finally:
            tx.closed = True
            self._operating = None
        group.callbacks += tx.callbacks
        return result

    def _undo(self, group: _Group, cause: BaseException, *, first: bool) -> None:
        """Roll back this operation only; where SQLite gave up the whole transaction, the group has failed."""
        try:
            if first and self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
                self._group = None
                return
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK TO operation")
                self._connection.execute("RELEASE operation")
                return
        except sqlite3.Error as error:
            cause = refusal(error)
        group.failure = cause if isinstance(cause, Exception) else busy("The transaction was given up.")
