"""The history of records: who changed which field from what to what, when and through which channel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from crm_kernel.storage.jsontext import from_json, to_json
from crm_kernel.storage.ports import Reads, Tx

_INSERT = (
    "INSERT INTO crm_history (entity, record, version, at, action, actor, channel, cause, changes, move)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_SELECT = "SELECT seq, entity, record, version, at, action, actor, channel, cause, changes, move FROM crm_history"


class HistoryEntry(NamedTuple):
    """One change of one record. `changes`: field → `{"old": …, "new": …}`; `seq` is given when it is stored."""

    entity: str
    record: str
    version: int
    at: str
    action: str
    actor: str | None
    channel: str
    cause: Mapping[str, Any] | None = None
    changes: Mapping[str, Any] | None = None
    move: Mapping[str, Any] | None = None
    seq: int = 0


async def add(tx: Tx, entries: Iterable[HistoryEntry]) -> None:
    """Store entries in their order."""
    rows = [(*e[:7], to_json(e.cause), to_json(e.changes), to_json(e.move)) for e in entries]
    await tx.executemany(_INSERT, rows)


async def of_record(
    reads: Reads, entity: str, record: str, *, before: int | None = None, limit: int = 50
) -> list[HistoryEntry]:
    """The entries of one record, newest first; with `before`, those of a smaller `seq`.

    Decimals in `changes` come back as `Decimal`, so that they are answered as they were written.
    """
    older = "" if before is None else " AND seq < ?"
    params = [entity, record, *([] if before is None else [before]), limit]
    rows = await reads.read(f"{_SELECT} WHERE entity = ? AND record = ?{older} ORDER BY seq DESC LIMIT ?", params)
    return [HistoryEntry._make((*row[1:8], *map(from_json, row[8:]), row[0])) for row in rows]


async def forget(tx: Tx, entity: str, records: Iterable[str]) -> None:
    """Remove the values that purged records had; that there were changes stays."""
    sql = "UPDATE crm_history SET changes = NULL WHERE entity = ? AND record = ?"
    await tx.executemany(sql, [(entity, record) for record in records])
