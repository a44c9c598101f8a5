"""When tokens and sessions were used last: noted in memory, written down together, never on a request's way."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import Protocol

from crm_kernel.clock import moment_text
from crm_kernel.errors import Error
from crm_kernel.storage.ports import Database, Tx

INTERVAL = 60.0
"""Seconds after which a use is written down at the latest."""

_log = logging.getLogger(__name__)


class Services(Protocol):
    """What this needs of its kernel."""

    @property
    def database(self) -> Database: ...


class LastUse:
    """The last use of each token (or session) since it was written down last, by `touch`."""

    def __init__(self, services: Services, touch: Callable[[Tx, str, str], Awaitable[None]], what: str) -> None:
        self._services = services
        self._touch = touch
        self._what = what
        self._used: dict[str, datetime] = {}
        self._task: asyncio.Task[None] | None = None

    def note(self, id: str, now: datetime) -> None:
        """One is used at the moment `now`."""
        if self._task is None:
            self._task = asyncio.create_task(self._later(), name="crm-last-use")
        self._used[id] = now

    def of(self, id: str) -> datetime | None:
        """A use that is not written down yet."""
        return self._used.get(id)

    async def close(self) -> None:
        """Write down what is left."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self.flush()

    async def flush(self) -> None:
        """Write it down. A failure is told in the log only: no request may suffer from it."""
        used, self._used = self._used, {}
        if not used:
            return

        async def work(tx: Tx) -> None:
            for id, at in used.items():
                await self._touch(tx, id, moment_text(at))

        try:
            await self._services.database.write(work)
        except Error as error:  # the database is away, locked or full
            _log.warning("The last use of %s %s could not be written down: %s", len(used), self._what, error)
        except Exception:
            _log.exception("The last use of %s %s could not be written down.", len(used), self._what)

    async def _later(self) -> None:
        while self._used:
            await asyncio.sleep(INTERVAL)
            await self.flush()
        self._task = None
