"""Work that is due now and then: what is out of date goes, what was left for later is done (floor 7)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NamedTuple

from crm_kernel.errors import Error

_log = logging.getLogger(__name__)


class Chore(NamedTuple):
    """One piece of work: its name for the log, the seconds between two times of it, and what it does.

    `everywhere`: each process of an app does it for itself; else one does for all.
    """

    name: str
    seconds: float
    work: Callable[[], Awaitable[object]]
    everywhere: bool = False


class Housekeeping:
    """Runs chores in the background of one kernel. Each must bear being run by several processes at once."""

    def __init__(self, *chores: Chore) -> None:
        self._chores = chores
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, *, every: bool = True) -> None:
        """Begin; each chore is first done after its interval. Not `every`: those that are done everywhere."""
        chores = [chore for chore in self._chores if every or chore.everywhere]
        self._tasks = [asyncio.create_task(_repeat(chore), name=f"crm-{chore.name}") for chore in chores]

    async def stop(self) -> None:
        """End. A chore under way is cut; its transaction leaves nothing behind."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task

    async def run(self) -> None:
        """Do every chore once, now."""
        for chore in self._chores:
            await chore.work()


async def _repeat(chore: Chore) -> None:
    while True:
        await asyncio.sleep(chore.seconds)
        try:
            await chore.work()
        except Error as error:  # the database is away, locked or full
            _log.warning("%s is put off: %s", chore.name, error)
        except Exception:  # the next time may go better; nobody waits for it
            _log.exception("%s failed.", chore.name)
