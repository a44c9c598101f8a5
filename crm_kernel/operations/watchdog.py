"""Sees a plugin's code block the event loop, and names it while it does (floor 7).

Nothing can cut code that does not wait. So a thread looks which step of which plugin runs; one that is still the same
after the time it may take is told in the log with its stack. When it returns, its caller finds it marked.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback

log = logging.getLogger("crm_kernel.watchdog")

TICK = 0.05
"""Seconds between two looks. A look counts for so much and no more: a machine that stands still blames nobody."""


class Watchdog:
    """Looks at one event loop. `step` is what runs now, an object of its own; None between."""

    def __init__(self) -> None:
        self.step: object | None = None
        self.of: tuple[str, str] = ("", "")
        """The plugin and the hook that runs."""
        self.allowed = 0.0
        """Seconds that the step may take."""
        self.blocked: object | None = None
        """The last step that took longer."""
        self._loop_thread = 0
        self._thread: threading.Thread | None = None
        self._end = threading.Event()

    def start(self) -> None:
        """Look from now on at the thread that calls this."""
        if self._thread is None:
            self._loop_thread = threading.get_ident()
            self._end.clear()
            self._thread = threading.Thread(target=self._look, name="crm-watchdog", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        if self._thread is not None:
            self._end.set()
            self._thread.join()
            self._thread = None

    def _look(self) -> None:
        seen: object | None = None
        seconds = 0.0
        while not self._end.wait(TICK):
            step = self.step
            if step is None or step is not seen:
                seen, seconds = step, 0.0
                continue
            seconds += TICK
            if seconds >= self.allowed and self.blocked is not step:
                self.blocked = step
                self._tell(seconds)

    def _tell(self, seconds: float) -> None:
        plugin, hook = self.of
        frame = sys._current_frames().get(self._loop_thread)  # pyright: ignore[reportPrivateUsage] - it is documented
        stack = "".join(traceback.format_stack(frame)[-12:]) if frame is not None else ""
        log.error(
            "plugin %s blocks the event loop in %s for %.2f s; nobody else is served meanwhile:\n%s",
            plugin, hook, seconds, stack,
        )  # fmt: skip
