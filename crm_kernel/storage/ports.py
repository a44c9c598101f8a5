"""What the rest of the kernel may ask of a database, whichever engine it is: reading, and a transaction.

Repositories of this folder take these, so that one method serves a reader outside a transaction and one inside.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar

from piccolo.query.base import Query

T = TypeVar("T")
Row = tuple[Any, ...]
"""One selected row, its values in the order of the SELECT."""
Params = Sequence[Any]
"""Bind values in the order of the placeholders."""


class NotUnique(Exception):
    """A unique index stands against a statement. `columns` are the columns of `table` whose values are taken."""

    def __init__(self, table: str, columns: tuple[str, ...]) -> None:
        self.table = table
        self.columns = columns
        super().__init__(f"The values of {', '.join(columns)} are taken in {table}.")


class Reads(Protocol):
    """Whoever can read: the engine (committed data only) or a transaction (its own changes too)."""

    async def read(self, sql: str, params: Params = (), /) -> list[Row]:
        """All rows of a SELECT. Raises `Error("busy")` where another process holds the file for too long."""
        ...

    async def run(self, query: Query[Any, T], /) -> T:
        """What a Piccolo query gives (cold paths)."""
        ...


class Tx(Reads, Protocol):
    """One operation inside a transaction; usable only until the work it was given to has ended."""

    async def execute(self, sql: str, params: Params = (), /) -> int:
        """Run one statement; the number of rows it changed. Raises `NotUnique`."""
        ...

    async def execute_aside(self, sql: str, /) -> None:
        """Run one slow statement without keeping readers of this process waiting."""
        ...

    async def executemany(self, sql: str, rows: Iterable[Params], /) -> None:
        """Run one statement once for each of `rows`. Raises `NotUnique`."""
        ...

    async def lock(self, *keys: str) -> None:
        """Hold the named locks until COMMIT (nothing to do where writes are serial)."""
        ...

    def after_commit(self, callback: Callable[[], None], /) -> None:
        """Call `callback` once the operation is durable, before its caller is answered."""
        ...


class Database(Reads, Protocol):
    """An open database."""

    async def write(self, work: Callable[[Tx], Awaitable[T]], /) -> T:
        """Run `work` as one atomic operation; returns its result once it is durable."""
        ...

    async def read_heavy(self, sql: str, params: Params = (), /) -> list[Row]:
        """Like `read` for what may take long: it keeps nobody waiting and ends in `Error("busy")` at its limit."""
        ...

    def scratch(self) -> AbstractAsyncContextManager[Database]:
        """A copy of the committed data to try things on; it is gone afterwards."""
        ...

    def data_version(self) -> int:
        """A number that changes with each COMMIT of anybody: whatever was read before may be out of date."""
        ...
