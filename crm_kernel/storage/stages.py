"""Stage history: how long each record was in which stage. Durations and funnels are read from here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from crm_kernel.storage.ports import Reads, Tx

_INSERT = (
    'INSERT INTO crm_stage_history (entity, record, pipeline, from_stage, to_stage, at, "by", seconds, reason)'
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class StageMove(NamedTuple):
    """One move. `from_stage` and `seconds` (in that stage) are None for a record's first stage."""

    entity: str
    record: str
    pipeline: str
    from_stage: str | None
    to_stage: str
    at: str
    by: str | None
    seconds: int | None
    reason: str | None = None


async def add(tx: Tx, moves: Iterable[StageMove]) -> None:
    """Store moves in their order."""
    await tx.executemany(_INSERT, list(moves))


async def of_record(reads: Reads, entity: str, record: str) -> list[StageMove]:
    """The moves of one record, newest first."""
    sql = (
        'SELECT entity, record, pipeline, from_stage, to_stage, at, "by", seconds, reason FROM crm_stage_history'
        " WHERE entity = ? AND record = ? ORDER BY seq DESC"
    )
    return [StageMove(*row) for row in await reads.read(sql, (entity, record))]
