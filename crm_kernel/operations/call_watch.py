"""What of a call is the plugin's own code, which is watched, and what is the kernel's, which is not (floor 7).

A job that writes ten thousand records in one batch keeps the event loop for seconds, but it is the kernel that does.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextvars import ContextVar
from functools import partial, wraps
from time import thread_time
from types import coroutine
from typing import Any, ParamSpec, TypeVar

from crm_kernel.hook_call import refuse_inside_hook
from crm_kernel.operations.call_feed import PluginExit
from crm_kernel.operations.watchdog import Watchdog

log = logging.getLogger("crm_kernel.calls")

P = ParamSpec("P")
T = TypeVar("T")


class CallWatch:
    """One call of a plugin's code, driven step by step. `allowed`: seconds that a step may keep the event loop."""

    def __init__(self, watch: Watchdog, of: tuple[str, str], allowed: float) -> None:
        self.blocked = False
        """Whether a step took longer."""
        self.running = False
        """Whether the event loop is in a step of it now, and in none of the tasks that it started."""
        self._watch = watch
        self._of = of
        self._allowed = allowed
        self._step: object | None = None
        self._since = 0.0
        self._inside = 0

    @coroutine
    def drive(self, work: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
        """What `work` gives. Raises `PluginExit` where it wants to end the process."""
        _CALL.set(self)
        step = partial(work.send, None)
        while True:
            self.running = True
            self._begin()
            try:
                waiting = step()
            except StopIteration as done:
                return done.value
            except (SystemExit, KeyboardInterrupt, GeneratorExit) as error:
                raise PluginExit(f"{type(error).__name__}: {error}") from error
            finally:
                self._end()
                self.running = False
            try:
                yield waiting
            except BaseException as error:  # it is cancelled
                step = partial(work.throw, error)
            else:
                step = partial(work.send, None)

    def enter(self) -> None:
        """From here on it is the kernel that works."""
        self._end()
        self._inside += 1

    def leave(self) -> None:
        """It is the plugin again."""
        self._inside -= 1
        self._begin()

    def _begin(self) -> None:
        if not self._inside:
            watch, self._step, self._since = self._watch, object(), thread_time()
            watch.of, watch.allowed, watch.step = self._of, self._allowed, self._step

    def _end(self) -> None:
        watch, step = self._watch, self._step
        watch.step = self._step = None
        if step is None:
            return
        if watch.blocked is step:
            self.blocked = True
        elif (busy := thread_time() - self._since) > self._allowed:
            self.blocked = True
            log.error("plugin %s blocked the whole interpreter in %s for %.2f s", *self._of, busy)


_CALL: ContextVar[CallWatch | None] = ContextVar("call", default=None)


def kernel_work(operation: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """An operation of the kernel as plugins call it: refused inside of hooks, and no time of the plugin's."""

    @wraps(operation)
    async def work(*args: P.args, **kwargs: P.kwargs) -> T:
        refuse_inside_hook()
        call = _CALL.get()
        if call is None or not call.running:
            return await operation(*args, **kwargs)
        call.enter()
        try:
            return await operation(*args, **kwargs)
        finally:
            call.leave()

    return work
