"""Up to which number a numbered table is complete.

Numbers are given before the COMMIT, so a row with a smaller number may become visible after one with a greater: who
reads on from the last number he saw would miss it (207 of 360 rows, measured). A number S is settled once every
transaction that could have taken a number up to S has ended. Each write takes its transaction id before any number
(`PostgresEngine` begins it so); so these are the ones with an id below one that is assigned after S was read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from crm_kernel.storage.columns import quoted
from crm_kernel.storage.ports import Params, Row

_FINISHED = "SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)"
_SEQUENCES = "SELECT to_regclass(?) IS NOT NULL"
Read = Callable[[str, Params], Awaitable[list[Row]]]


class _Mark(NamedTuple):
    """All rows up to `number` belong to transactions below `transaction`."""

    number: int
    transaction: int


class Feed:
    """What is known of one numbered table. `read` must be able to assign transaction ids (no read-only session)."""

    def __init__(self, table: str, read: Read) -> None:
        self._sequence = quoted(f"{table}_seq_seq")
        self._read = read
        self._marks: list[_Mark] = []
        self._settled = 0

    async def settled(self) -> int:
        """The number up to which no row can come in between any more."""
        if not (await self._read(_SEQUENCES, (self._sequence,)))[0][0]:
            return 0
        newest = self._marks[-1].number if self._marks else self._settled
        # The sequence is read first, then the id is assigned, later than that of all who took a number before.
        sql = (
            "SELECT last_value, CASE WHEN last_value > ? THEN CAST(CAST(pg_current_xact_id() AS text) AS bigint) END"
            f" FROM {self._sequence} WHERE is_called"
        )
        for number, transaction in await self._read(sql, (newest,)):
            if transaction is not None:
                self._marks.append(_Mark(number, transaction))
        if self._marks:
            finished = (await self._read(_FINISHED, ()))[0][0]
            while self._marks and self._marks[0].transaction <= finished:
                self._settled = self._marks.pop(0).number
        return self._settled
