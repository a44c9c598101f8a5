"""Work that is to be done by one process at a time, and by another once that one is gone (floor 7).

A process says again and again that it is alive. So it may be killed, stopped or cut off at any moment: after
`LEASE_SECONDS` others may take what it had. The clocks of the machines must not differ by more than that.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import TypeVar
from uuid import uuid4

from crm_kernel.clock import Clock, moment_text
from crm_kernel.errors import Error
from crm_kernel.storage import leases
from crm_kernel.storage.ports import Database, Tx

T = TypeVar("T")

LEASE_SECONDS = 60.0
"""After so long without a sign of life others may go on."""
BEAT_SECONDS = 15.0
"""Seconds between two signs of life."""

_log = logging.getLogger(__name__)


class Taken(Exception):
    """Another process does it."""


class Leases:
    """What one kernel does alone."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def alone(self, name: str, work: Callable[[], Awaitable[T]]) -> T:
        """What `work` gives, while nobody else does the work of this name. Raises `Taken`.

        It is cut where others had to think that this process is gone, and have taken it.
        """
        holder = uuid4().hex
        if not await self._database.write(lambda tx: self._take(tx, name, holder)):
            raise Taken(name)
        working = asyncio.ensure_future(work())
        beating = asyncio.create_task(self._beat(name, holder, working), name=f"crm-lease-{name}")
        try:
            return await working
        finally:
            for task in (working, beating):
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):  # what work raised was raised already
                    await task
            await self._give_back(name, holder)

    async def _give_back(self, name: str, holder: str) -> None:
        try:
            await self._database.write(lambda tx: leases.give_back(tx, name, holder))
        except Error as error:  # it ends by itself
            _log.warning("%s stays taken for %s s: %s", name, LEASE_SECONDS, error)

    async def _take(self, tx: Tx, name: str, holder: str) -> bool:
        return await leases.take(tx, name, holder, now=self._clock.now_text(), until=self._until())

    async def _beat(self, name: str, holder: str, working: asyncio.Future[T]) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            try:
                ours = await self._database.write(lambda tx: leases.renew(tx, name, holder, until=self._until()))
            except Error as error:  # the database is away: the next beat may be in time
                _log.warning("%s: no sign of life could be given: %s", name, error)
                continue
            if not ours:
                _log.error("%s is cut: another process has taken it.", name)
                working.cancel()
                return

    def _until(self) -> str:
        return moment_text(self._clock.now() + timedelta(seconds=LEASE_SECONDS))
