"""Calls of plugins' code outside of a transaction: listeners, jobs, routes, importers, the life of the app (floor 7).

Each is metered and watched, and has a limit: it is cut then, or left behind where it does not let itself be cut.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Generator
from contextlib import contextmanager
from time import monotonic, perf_counter
from typing import Any, TypeVar

from crm_kernel.meter import Meter
from crm_kernel.operations.call_feed import Feed, PluginExit
from crm_kernel.operations.call_watch import CallWatch
from crm_kernel.operations.watchdog import Watchdog
from crm_kernel.plugins import PluginHost

log = logging.getLogger("crm_kernel.calls")

T = TypeVar("T")

TO_CLEAN_UP = 1.0
"""Seconds that a call which is cut may take to end."""


class Overrun(TimeoutError):
    """A call took longer than it may."""


NO_LIMIT = float("inf")
"""For work that takes the time it takes."""


class Calls:
    """The calls of one app's plugins. `blocking`: seconds one may keep the event loop, `seconds`: it may take."""

    def __init__(self, host: PluginHost, watch: Watchdog, *, blocking: float, seconds: float) -> None:
        self.seconds = seconds
        self._host = host
        self._watch = watch
        self._blocking = blocking

    async def run(
        self,
        plugin: str,
        name: str,
        work: Coroutine[Any, Any, T],
        *,
        strict: bool = True,
        seconds: float | None = None,
        expected: type[Exception] | tuple[()] = (),
    ) -> T:
        """What `work` of a plugin gives, metered as `name` (`listener tell`).

        Raises `Overrun` after `seconds`, `PluginExit`, and whatever the work raises. With `strict` one that keeps the
        event loop for too long counts as an overrun of the plugin: the third in ten minutes is a quarantine. What it
        raises of `expected` is no fault of it.
        """
        limit = self.seconds if seconds is None else seconds
        start, statements = perf_counter(), self._host.statements()
        with self._watched(plugin, name, expected, strict=strict) as (watched, meter):
            try:
                return await self._limited(plugin, name, watched.drive(work), limit)
            finally:
                meter.add(perf_counter() - start, self._host.statements() - statements)

    @contextmanager
    def _watched(
        self, plugin: str, name: str, expected: type[Exception] | tuple[()], *, strict: bool
    ) -> Generator[tuple[CallWatch, Meter]]:
        """What watches and meters one call; its faults are kept, and that it kept the event loop."""
        self._watch.start()
        watched = CallWatch(self._watch, (plugin, name), self._blocking)
        meter = self._host.call_meter(plugin, name)
        try:
            yield watched, meter
        except expected:
            raise
        except Exception as error:
            meter.errors += 1
            self._host.keep_fault(plugin, name, error)
            raise
        finally:
            if watched.blocked and strict:
                self._host.note_overrun(plugin, name, monotonic())

    async def _limited(self, plugin: str, name: str, work: Awaitable[T], limit: float) -> T:
        async def whole() -> T:
            return await work

        task = asyncio.get_running_loop().create_task(whole(), name=f"crm-{name}")
        try:
            done, _ = await asyncio.wait({task}, timeout=None if limit == NO_LIMIT else limit)
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait({task}, timeout=TO_CLEAN_UP)
            raise
        if done:
            if task.cancelled():
                raise PluginExit("CancelledError: it cancelled itself")
            return task.result()
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=TO_CLEAN_UP)
        if not done:
            log.error("%s of plugin %s does not let itself be cut; it is left behind", name, plugin)
        elif not task.cancelled():
            task.exception()  # it was told why, and had something else to say
        raise Overrun(f"it took longer than {limit:g} s")

    async def each(
        self,
        plugin: str,
        name: str,
        begin: Callable[[], AsyncIterator[T]],
        *,
        strict: bool = True,
        expected: type[Exception] | tuple[()] = (),
    ) -> AsyncGenerator[T]:
        """What a generator of a plugin yields; the limit is for each item. Else as `run`: the whole is one call.

        All of it runs in one task: what it opens around its `yield` (a stream of a client, a timeout) belongs to that.
        """
        feed, before = Feed[T](), self._host.statements()
        with self._watched(plugin, name, expected, strict=strict) as (watched, meter):
            work = feed.run(begin, watched.drive)
            task = asyncio.get_running_loop().create_task(work, name=f"crm-{name}")
            try:
                while (got := await self._next(feed)) is not None:
                    yield got[0]
            finally:
                feed.over = True
                task.cancel()
                done, _ = await asyncio.wait({task}, timeout=TO_CLEAN_UP)
                if not done:
                    log.error("%s of plugin %s does not let itself be cut; it is left behind", name, plugin)
                meter.add(feed.seconds, self._host.statements() - before)

    async def _next(self, feed: Feed[T]) -> tuple[T] | None:
        timer = asyncio.timeout(self.seconds)
        try:
            async with timer:
                return await feed.next()
        except TimeoutError as error:
            if not timer.expired():
                raise
            raise Overrun(f"it took longer than {self.seconds:g} s for one item") from error
