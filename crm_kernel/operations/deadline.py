"""How long the hooks of one operation may take (floor 7)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from math import inf
from time import monotonic
from typing import TypeVar

T = TypeVar("T")


class Deadline:
    """The moment when hooks are cut. It stands still while a hook waits for the kernel itself.

    What `batch.find` and `batch.lock` take is the database's doing, which has limits of its own. Held against the
    plugin, rivals that queue for one lock of a rule would get the plugin quarantined, and pass without its rule.
    """

    def __init__(self, seconds: float = inf) -> None:
        self._ends = monotonic() + seconds
        self._timer: asyncio.Timeout | None = None
        self._waits = 0
        self._since = 0.0

    async def cut(self, running: Awaitable[None]) -> None:
        """Wait for what is left of a hook. Raises `TimeoutError` once its time is over."""
        try:
            async with asyncio.timeout(None) as self._timer:
                self._set()
                await running
        finally:
            self._timer = None

    async def spare(self, waiting: Awaitable[T]) -> T:
        """What something of the kernel gives that a hook waits for."""
        if not self._waits:
            self._since = monotonic()
        self._waits += 1
        self._set()
        try:
            return await waiting
        finally:
            self._waits -= 1
            if not self._waits:
                self._ends += monotonic() - self._since
            self._set()

    def _set(self) -> None:
        timer = self._timer
        if timer is None or timer.expired():
            return
        left = inf if self._waits else self._ends - monotonic()
        timer.reschedule(None if left == inf else asyncio.get_running_loop().time() + left)
