"""A hook that waits: it goes on step by step, and is cut when its time is over, whatever it does (floor 7)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from time import thread_time
from typing import Any

from crm_kernel.operations.deadline import Deadline
from crm_kernel.operations.watchdog import Watchdog


class Cut(TimeoutError):
    """The hook's time was over."""


class Steps:
    """Drives what is left of a hook in the task of its operation.

    Cancelling that task would leave it to the hook whether it ends: it could catch that, or wait for something that
    does. So whatever the hook waits for is waited for here, beside its deadline.
    """

    def __init__(
        self,
        running: Coroutine[Any, Any, Any],
        deadline: Deadline,
        watch: Watchdog,
        of: tuple[str, str],
        allowed: float,
    ) -> None:
        self.foreign = 0
        """How often it waited for something else than the kernel."""
        self.blocked = False
        """Whether it blocked the event loop after it had waited."""
        self._of = of
        self._allowed = allowed
        self._running = running
        self._deadline = deadline
        self._watch = watch
        self._gate: asyncio.Future[None] | None = None
        self._over = False

    async def all(self) -> Any:
        """What the hook returns, from its beginning. Raises what it raises, and `Cut`."""
        try:
            waiting = self._do(lambda: self._running.send(None))
        except StopIteration as done:
            return done.value
        return await self.rest(waiting)

    async def rest(self, waiting: Any) -> Any:
        """What the hook returns, which waits for `waiting` now. Raises what it raises, and `Cut`."""
        self._deadline.watch(self._cut)
        try:
            while True:
                spared, inside = self._deadline.spared, self._deadline.waits
                step = await self._next(waiting)
                self.foreign += not inside and spared == self._deadline.spared
                if self._over:
                    self._abandon(waiting)
                    raise Cut
                try:
                    waiting = self._do(step)
                except StopIteration as done:
                    return done.value
        finally:
            self._deadline.watch(None)

    async def _next(self, waiting: Any) -> Callable[[], Any]:
        """Wait; the step that comes then."""
        try:
            await self._wait(waiting)
        except asyncio.CancelledError as cancelled:  # the whole operation is, or the hook cancels itself
            _cancel(waiting)
            error: BaseException = cancelled
        except RuntimeError as wrong:
            error = wrong
        else:
            return lambda: self._running.send(None)
        return lambda: self._running.throw(error)

    async def _wait(self, waiting: Any) -> None:
        if waiting is None:
            await asyncio.sleep(0)
            return
        if not asyncio.isfuture(waiting):
            raise RuntimeError(f"A hook can wait for a Future, not for {type(waiting).__name__}.")
        future: Any = waiting
        future._asyncio_future_blocking = False  # a Task says so to a future that it takes over
        gate = self._gate = asyncio.get_running_loop().create_future()
        waiting.add_done_callback(lambda _: _open(gate))
        if not self._over:
            await gate

    def _cut(self) -> None:
        self._over = True
        if self._gate is not None:
            _open(self._gate)

    def _do(self, step: Callable[[], Any]) -> Any:
        """Let it work until it waits again; what for."""
        watch = self._watch
        watch.of, watch.allowed, watch.step = self._of, self._allowed, step
        cpu = thread_time()
        try:
            return step()
        finally:
            watch.step = None
            self.blocked = self.blocked or watch.blocked is step or thread_time() - cpu > self._allowed

    def _abandon(self, waiting: Any) -> None:
        """End the hook: it may clean up, but not wait any more."""
        _cancel(waiting)

        def end() -> None:
            _cancel(self._running.throw(asyncio.CancelledError()))
            self._running.close()

        with suppress(BaseException):
            self._do(end)


def _open(gate: asyncio.Future[None]) -> None:
    if not gate.done():
        gate.set_result(None)


def _cancel(waiting: Any) -> None:
    if asyncio.isfuture(waiting):
        waiting.cancel()
