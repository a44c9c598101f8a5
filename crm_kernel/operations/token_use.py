"""When tokens were used last: noted in memory, written down together now and then, never on a request's way."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime
from time import monotonic
from typing import Protocol

from crm_kernel.clock import moment_text
from crm_kernel.errors import Error
from crm_kernel.storage import tokens
from crm_kernel.storage.ports import Database, Tx

INTERVAL = 60.0
"""Seconds between two times of writing it down."""

_log = logging.getLogger(__name__)


class Services(Protocol):
    """What this needs of its kernel."""

    @property
    def database(self) -> Database: ...


class TokenUse:
    """The last use of each token since it was written down last."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._used: dict[str, datetime] = {}
        self._due = monotonic() + INTERVAL
        self._task: asyncio.Task[None] | None = None

    def note(self, token: str, now: datetime) -> None:
        """A token is used at the moment `now`."""
        self._used[token] = now
        if monotonic() >= self._due and (self._task is None or self._task.done()):
            self._due = monotonic() + INTERVAL
            self._task = asyncio.create_task(self.flush(), name="crm-token-use")

    async def flush(self) -> None:
        """Write it down. A failure is told in the log only: no request may suffer from it."""
        used, self._used = self._used, {}
        if not used:
            return

        async def work(tx: Tx) -> None:
            for token, at in used.items():
                await tokens.touch(tx, token, moment_text(at))

        try:
            await self._services.database.write(work)
        except Error as error:  # the database is away, locked or full
            _log.warning("The last use of %s tokens could not be written down: %s", len(used), error)
        except Exception:
            _log.exception("The last use of %s tokens could not be written down.", len(used))
