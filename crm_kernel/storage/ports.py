"""What the rest of the kernel may ask of a database, whichever engine it is: reading, and a transaction.

Repositories of this folder take these, so that one method serves a reader outside a transaction and one inside.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple, Protocol, TypeVar

from piccolo.query.base import Query

from crm_kernel.filters.dialect import Dialect
from crm_kernel.filters.sql import Sql

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


class Usage(NamedTuple):
    """How a pool of connections is used: how many there may be, are in use, and how many wait for one."""

    size: int
    used: int
    waiting: int


class EngineDialect(Dialect, Protocol):
    """An engine's ways to say what standard SQL cannot: what filters ask for, and what storage needs beside."""

    @property
    def name(self) -> str:
        """`sqlite` or `postgresql`."""
        ...

    @property
    def sequence(self) -> str:
        """The type of a numbering column, in upper case as `columns_sql` tells it."""
        ...

    @property
    def sequence_ddl(self) -> str:
        """The definition of a numbering primary key: no number is given twice."""
        ...

    @property
    def both_ways(self) -> bool:
        """Whether an index that is read backwards gives nulls last."""
        ...

    @property
    def adds_columns_together(self) -> bool:
        """Whether one statement can add many columns."""
        ...

    @property
    def create_online(self) -> str:
        """What comes after CREATE [UNIQUE] for an index that is built beside running writes."""
        ...

    @property
    def columns_sql(self) -> str:
        """A SELECT of (table, column, type) of the tables of the kernel and of entities."""
        ...

    @property
    def indexes_sql(self) -> str:
        """A SELECT of (table, index) of the usable indexes that somebody built."""
        ...

    @property
    def shapes_sql(self) -> str:
        """A SELECT of (table, column, type, needed, key, numbered) of the tables of the kernel and of entities."""
        ...

    @property
    def index_columns_sql(self) -> str:
        """A SELECT of (table, index, unique, column, order, condition) of usable indexes, columns in order."""
        ...

    @property
    def numbers_sql(self) -> str:
        """A SELECT of (table, number) of the last numbers that were given."""
        ...

    def search_create(self, name: str) -> Sequence[str]:
        """The statements that make an empty index of words (`search_index.py`): a table of (id, words), and how words
        are found in it."""
        ...

    def search_drop(self, name: str) -> Sequence[str]:
        """The statements that remove one, if it is there."""
        ...

    def search_put(self, name: str, rows: Sequence[tuple[str, str]]) -> tuple[str, Sequence[Params]]:
        """A statement that stores the (id, words) of some records (at least one, each once) in the place of what may be
        there, and the bind values it is run with, as `Tx.executemany` takes them."""
        ...

    def search_has_more(self, name: str, wanted: Sequence[str], *, prefix: bool, than: int) -> Sql:
        """The condition that more than so many entries have all wanted words (`prefix`: the last as a start)."""
        ...

    def search_ids(self, name: str, wanted: Sequence[str], *, prefix: bool) -> Sql:
        """A SELECT of the ids of the entries that have all wanted words, for where they are few."""
        ...


class Selects(Protocol):
    """Whoever can run a SELECT."""

    @property
    def dialect(self) -> EngineDialect:
        """How statements for it say what standard SQL cannot. Bind values are marked `?` for every engine."""
        ...

    async def read(self, sql: str, params: Params = (), /) -> list[Row]:
        """All rows of a SELECT. Raises `Error("busy")` where another process holds the file for too long."""
        ...


class Reads(Selects, Protocol):
    """Whoever can read: the engine (committed data only) or a transaction (its own changes too)."""

    async def run(self, query: Query[Any, T], /) -> T:
        """What a Piccolo query gives (cold paths)."""
        ...


class Tx(Reads, Protocol):
    """One operation inside a transaction; usable only until the work it was given to has ended."""

    async def hold(self, sql: str, params: Params = (), /, *, one: bool) -> list[Row]:
        """All rows of a SELECT over the alias `t`, which nobody else changes until COMMIT. `one`: at most one row.

        Where the engine finds them changed nevertheless, it runs the operation again.
        """
        ...

    async def execute(self, sql: str, params: Params = (), /) -> int:
        """Run one statement; the number of rows it changed. Raises `NotUnique`."""
        ...

    async def executemany(self, sql: str, rows: Iterable[Params], /) -> None:
        """Run one statement once for each of `rows`. Raises `NotUnique`."""
        ...

    async def lock(self, *keys: str) -> None:
        """Hold the named locks until COMMIT (nothing to do where writes are serial)."""
        ...

    async def number_on(self, table: str, column: str, last: int, /) -> None:
        """Let the numbers of a table go on behind `last`."""
        ...

    async def announce(self) -> None:
        """Let every process see another `data_version`, before the operation returns."""
        ...

    def after_commit(self, callback: Callable[[], None], /) -> None:
        """Call `callback` once the operation is durable, before its caller is answered."""
        ...


class Database(Reads, Protocol):
    """An open database."""

    async def write(self, work: Callable[[Tx], Awaitable[T]], /) -> T:
        """Run `work` as one atomic operation; returns its result once it is durable."""
        ...

    async def load(self, work: Callable[[Tx], Awaitable[T]], /) -> T:
        """Like `write` for one operation that fills tables: its statements may take as long as they need."""
        ...

    def snapshot(self) -> AbstractAsyncContextManager[Selects]:
        """The committed data as it is now, whatever is written meanwhile, for reading as long as it takes."""
        ...

    async def build_index(self, name: str, sql: str, /) -> None:
        """Build one index beside running reads, in a transaction of its own. Raises `NotUnique`."""
        ...

    async def analyze(self, table: str, /) -> None:
        """Look at what is in a table, where plans of statements depend on it; at once, as after many new rows."""
        ...

    async def settled(self, table: str, /) -> int:
        """The number of a numbered table up to which no row can come in between any more; 0 where it has none."""
        ...

    async def claim(self, name: str, /) -> int:
        """Be the one process that does something, until it ends: 0 where another is, else a number of its own.

        Another number than the last time says that it was given up and taken again between.
        """
        ...

    async def read_heavy(self, sql: str, params: Params = (), /) -> list[Row]:
        """Like `read` for what may take long: it keeps nobody waiting and ends in `Error("busy")` at its limit."""
        ...

    def scratch(self) -> AbstractAsyncContextManager[Database]:
        """A copy of the committed data to try things on; it is gone afterwards."""
        ...

    def data_version(self) -> int:
        """A number that changes, at the latest, with each COMMIT of anybody that was announced."""
        ...

    def alone(self) -> bool:
        """Whether nobody else can wait for this process: no other has the database open. False where it cannot tell."""
        ...

    @property
    def others_wrote(self) -> float:
        """When another process was last found to write that has to wait for this one (`monotonic`)."""
        ...

    @property
    def statements(self) -> int:
        """How many statements were run since the start (BEGIN, COMMIT and savepoints are not counted)."""
        ...

    def usage(self) -> Mapping[str, Usage]:
        """How each pool of connections is used now."""
        ...

    async def open(self) -> None:
        """Open the database. Raises `ConfigError` where it cannot be used, and says why."""
        ...

    async def close(self) -> None:
        """Let running operations finish and close all connections."""
        ...
