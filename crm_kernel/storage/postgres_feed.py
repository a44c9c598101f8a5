"""Up to which number a numbered table is complete.

Numbers are given before the COMMIT, so a row with a smaller number may become visible after one with a greater: who
reads on from the last number he saw would miss it (207 of 360 rows, measured). A number is settled once every
transaction of this database that ran when the number was the last one has ended. A transaction with an id holds a lock
on it until its rows are visible, and each write takes its id before any number (`PostgresEngine` begins it so): so
whoever took a number that was given is seen among the locks, whatever other databases of the server do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from crm_kernel.storage.columns import quoted
from crm_kernel.storage.ports import Params, Row

_RUNNING = (
    "SELECT CAST(l.transactionid AS text) FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid"
    " WHERE l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND l.granted"
    " AND a.datname = current_database()"
)
_IS_THERE = "SELECT to_regclass(?) IS NOT NULL"
Read = Callable[[str, Params], Awaitable[list[Row]]]


class _Mark(NamedTuple):
    """All rows up to `number` are there once none of the transactions `running` runs."""

    number: int
    running: frozenset[str]


class Feed:
    """What is known of one numbered table."""

    def __init__(self, table: str, read: Read) -> None:
        self._sequence = quoted(f"{table}_seq_seq")
        self._read = read
        self._there = False
        self._marks: list[_Mark] = []
        self._settled = 0

    async def settled(self) -> int:
        """The number up to which no row can come in between any more."""
        self._there = self._there or (await self._read(_IS_THERE, (self._sequence,)))[0][0]
        if not self._there:
            return 0
        last = await self._read(f"SELECT last_value FROM {self._sequence} WHERE is_called", ())
        number = last[0][0] if last else 0
        newest = self._marks[-1].number if self._marks else self._settled
        if not self._marks and number == newest:
            return self._settled
        running = frozenset(row[0] for row in await self._read(_RUNNING, ()))  # after the number was read
        if number > newest:
            self._marks.append(_Mark(number, running))
        while self._marks and not self._marks[0].running & running:
            self._settled = self._marks.pop(0).number
        return self._settled
