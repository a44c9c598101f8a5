"""Items from a generator of a plugin, which runs in a task of its own (floor 7)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from time import perf_counter
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class PluginExit(RuntimeError):
    """A plugin's code wanted to end the process."""


class Feed(Generic[T]):
    """Hands items from the task of a generator to whoever asks for them, one at a time."""

    def __init__(self) -> None:
        self.over = False
        """Nobody asks any more."""
        self.seconds = 0.0
        """What the generator took."""
        self._handed: asyncio.Queue[tuple[T] | BaseException | None] = asyncio.Queue(1)

    async def next(self) -> tuple[T] | None:
        """The next item, None behind the last. Raises what the generator raises."""
        got = await self._handed.get()
        if isinstance(got, BaseException):
            raise got
        return got

    async def run(
        self, begin: Callable[[], AsyncIterator[T]], driven: Callable[[Coroutine[Any, Any, Any]], Awaitable[Any]]
    ) -> None:
        """The work of the task: all items, then the end or the fault."""
        last: BaseException | None = None
        items = _all(begin)
        try:
            while not self.over:
                begun = perf_counter()
                try:
                    item: T = await driven(_next_of(items))
                finally:
                    self.seconds += perf_counter() - begun
                await self._handed.put((item,))
        except StopAsyncIteration:
            pass
        except asyncio.CancelledError:
            last = PluginExit("CancelledError: it cancelled itself")
        except Exception as error:
            last = error
        try:
            await driven(_end_of(items))
        except Exception as error:
            last = last or error
        if not self.over:
            await self._handed.put(last)


async def _all(begin: Callable[[], AsyncIterator[T]]) -> AsyncGenerator[T]:
    items = begin()
    try:
        async for item in items:
            yield item
    finally:
        if isinstance(items, AsyncGenerator):
            await items.aclose()


async def _next_of(items: AsyncGenerator[T]) -> T:
    return await anext(items)


async def _end_of(items: AsyncGenerator[Any]) -> None:
    await items.aclose()
