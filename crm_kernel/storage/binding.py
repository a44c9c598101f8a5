"""How Piccolo's tables reach a database without a process-wide engine (docs/decisions/0004-piccolo-without-globals.md).

Piccolo asks a table's class for its engine. The classes are module level and shared by all kernels of a process, so
they are bound to one stateless `TableEngine`, which hands each query to whoever runs it at this moment.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, NoReturn, TypeVar

from piccolo.engine.base import BaseTransaction, Engine
from piccolo.query.base import Query
from piccolo.querystring import QueryString

from crm_kernel.storage.ports import Params

T = TypeVar("T")
Execute = Callable[[str, Params], Awaitable[list[dict[str, Any]]]]
"""Runs one statement and gives its rows by column name."""

_SQLITE = 3.35  # the oldest version that has RETURNING
_HOW = "A kernel table's query runs through engine.run(query) or tx.run(query), not by itself."


class TableEngine(Engine[BaseTransaction]):
    """The engine that all table classes name: it keeps no connection and no state between queries."""

    __slots__ = ("_execute",)

    def __init__(self) -> None:
        self._execute: ContextVar[Execute | None] = ContextVar("crm_table_engine", default=None)
        super().__init__(engine_type="sqlite", min_version_number=_SQLITE)

    async def run_query(self, query: Query[Any, T], execute: Execute) -> T:
        """The result of `query`, its statements run by `execute`."""
        token = self._execute.set(execute)
        try:
            return await query.run()
        finally:
            self._execute.reset(token)

    async def run_querystring(self, querystring: QueryString, in_pool: bool = True) -> Any:  # noqa: ARG002
        """Called by Piccolo with each statement of a running query; its rows by column name."""
        execute = self._execute.get()
        if execute is None:
            raise RuntimeError(_HOW)
        sql, params = querystring.compile_string(engine_type=self.engine_type)
        return await execute(sql, params)

    async def get_version(self) -> float:
        """The version Piccolo may count on (it asks synchronously and before anything is open)."""
        return _SQLITE

    def get_version_sync(self) -> float:
        """As `get_version`."""
        return _SQLITE

    async def prep_database(self) -> None:
        """Nothing to prepare: evolution.py makes the tables."""

    async def run_ddl(self, ddl: str, in_pool: bool = True) -> NoReturn:  # noqa: ARG002
        """Refused: evolution.py is the one way to change a table."""
        raise RuntimeError(f"Only evolution changes tables, not {ddl!r}.")

    async def batch(self, query: Query[Any, Any], batch_size: int = 100, node: str | None = None) -> NoReturn:  # noqa: ARG002
        """Refused: a batch would keep a connection of its own."""
        raise RuntimeError(_HOW)

    def transaction(self) -> NoReturn:
        """Refused: `engine.write` is the one way to a transaction."""
        raise RuntimeError(_HOW)

    def atomic(self) -> NoReturn:
        """Refused: `engine.write` is the one way to a transaction."""
        raise RuntimeError(_HOW)


TABLES = TableEngine()
"""What every table class is bound to."""
