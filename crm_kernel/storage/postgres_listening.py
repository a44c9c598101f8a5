"""Hears when another process says that what is kept in memory is out of date."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from typing import Any

from crm_kernel.storage.postgres_sessions import Target
from crm_kernel.storage.postgres_transaction import CHANNEL

_log = logging.getLogger(__name__)
PAUSE = 1.0
"""Seconds between two tries to reach the server again."""


class Listening:
    """A connection of its own; while it is broken, everything may have been announced."""

    def __init__(self, target: Target) -> None:
        self.process = secrets.token_hex(8)
        self.version = 0
        self._target = target
        self._task: asyncio.Task[None] | None = None

    def heard(self) -> None:
        """Something was announced."""
        self.version += 1

    def _told(self, _connection: Any, _pid: int, _channel: str, process: str) -> None:
        if process != self.process:  # its own announcements are heard with their COMMIT
            self.heard()

    async def start(self) -> None:
        """Listen from now on."""
        connection = await self._connect()
        self._task = asyncio.create_task(self._keep(connection), name="crm-listen")

    async def stop(self) -> None:
        """Listen no more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _connect(self) -> Any:
        connection = await self._target.connect({})
        await connection.add_listener(CHANNEL, self._told)
        return connection

    async def _keep(self, connection: Any) -> None:
        try:
            while True:
                broken = asyncio.Event()
                connection.add_termination_listener(lambda _, broken=broken: broken.set())
                if not connection.is_closed():
                    await broken.wait()
                self.heard()
                connection = await self._again()
                self.heard()
        finally:
            connection.terminate()

    async def _again(self) -> Any:
        while True:
            try:
                return await self._connect()
            except Exception as error:
                _log.warning("The database does not answer: %s", error)
                self.heard()  # nothing that was kept may be trusted until somebody listens again
            await asyncio.sleep(PAUSE)
