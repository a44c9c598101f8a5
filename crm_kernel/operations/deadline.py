"""How long the hooks of one operation may take (floor 7)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar

T = TypeVar("T")


class Deadline:
    """The time that all hooks of one operation share. It passes only while one of them works or idles.

    What `batch.find` and `batch.lock` take is the database's doing, which has limits of its own. Held against the
    plugin, rivals that queue for one lock of a rule would get the plugin quarantined, and pass without its rule.
    """

    __slots__ = ("_left", "_on_end", "_since", "_timer", "spared", "waits")

    def __init__(self, seconds: float) -> None:
        self.spared = 0
        """How often a hook has waited for the kernel."""
        self._left = seconds
        self._since: float | None = None
        self.waits = 0
        """For how many things of the kernel hooks wait now."""
        self._on_end: Callable[[], None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def left(self) -> float:
        """The seconds that are left."""
        return self._left if self._since is None else self._left - (monotonic() - self._since)

    def begin(self, seconds: float = 0.0) -> None:
        """Hooks run from now on; `seconds` are added for their work."""
        self._left += seconds
        self._since = monotonic()

    def end(self) -> None:
        """No hook runs any more."""
        self._left = self.left
        self._since = None

    def watch(self, on_end: Callable[[], None] | None) -> None:
        """Call `on_end` once the time is over; None: nobody waits for that any more."""
        self._on_end = on_end
        self._set()

    async def spare(self, waiting: Awaitable[T]) -> T:
        """What something of the kernel gives that a hook waits for."""
        self.spared += 1
        if not self.waits:
            self.end()
        self.waits += 1
        self._set()
        try:
            return await waiting
        finally:
            self.waits -= 1
            if not self.waits:
                self.begin()
            self._set()

    def _set(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._on_end is not None and not self.waits:
            self._timer = asyncio.get_running_loop().call_later(max(0.0, self.left), self._on_end)
