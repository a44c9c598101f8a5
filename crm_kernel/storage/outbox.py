"""Events in the order of their commit: written with the record, read by listeners and by the feed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from crm_kernel.storage.jsontext import from_json, to_json
from crm_kernel.storage.ports import Database, Reads, Row, Tx
from crm_kernel.storage.tables import Outbox

_INSERT = (
    "INSERT INTO crm_outbox (id, type, entity, record, version, at, actor, channel, changed, extra, cause, depth)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_SELECT = (
    "SELECT seq, id, type, entity, record, version, at, actor, channel, changed, extra, cause, depth FROM crm_outbox"
)


class OutboxEvent(NamedTuple):
    """One event. `extra`: what its type carries beside (images, from and to of a move); `depth`: causes before it."""

    id: str
    type: str
    entity: str
    record: str
    version: int
    at: str
    actor: str | None
    channel: str
    changed: Sequence[str] = ()
    extra: Mapping[str, Any] | None = None
    cause: str | None = None
    depth: int = 0
    seq: int = 0


async def add(tx: Tx, events: Iterable[OutboxEvent]) -> None:
    """Store events in their order."""
    rows = [(*e[:8], to_json(e.changed), to_json(e.extra), e.cause, e.depth) for e in events]
    await tx.executemany(_INSERT, rows)


async def after(
    reads: Reads,
    seq: int,
    limit: int,
    *,
    until: int | None = None,
    type: str | None = None,
    entity: str | None = None,
) -> list[OutboxEvent]:
    """The next events behind `seq`, those of one type and entity where they are given, none behind `until`.

    With `until` at most `last_seq` none is ever skipped; numbers are not given in the order of commit on PostgreSQL.
    """
    limits = {"seq <= ?": until, "type = ?": type, "entity = ?": entity}
    given = {condition: value for condition, value in limits.items() if value is not None}
    where = " AND ".join(["seq > ?", *given])
    rows = await reads.read(f"{_SELECT} WHERE {where} ORDER BY seq LIMIT ?", (seq, *given.values(), limit))
    return [_event(row) for row in rows]


async def waiting(
    reads: Reads, seq: int, limit: int, *, type: str, entity: str | None = None
) -> tuple[int, str | None]:
    """How many events of a type (and entity) are behind `seq`, at most `limit`, and the moment of the first."""
    where, given = ("AND entity = ?", (entity,)) if entity is not None else ("", ())
    found = f"SELECT at FROM crm_outbox WHERE seq > ? AND type = ? {where} ORDER BY seq LIMIT ?"
    rows = await reads.read(f"SELECT count(*), min(at) FROM ({found}) AS w", (seq, type, *given, limit))
    return rows[0][0], rows[0][1]


async def kinds(reads: Reads, seq: int, *, until: int) -> set[tuple[str, str]]:
    """(type, entity) of the events behind `seq` up to `until`."""
    sql = "SELECT DISTINCT type, entity FROM crm_outbox WHERE seq > ? AND seq <= ?"
    return {(type, entity) for type, entity in await reads.read(sql, (seq, until))}


async def by_seq(reads: Reads, seqs: Iterable[int]) -> list[OutboxEvent]:
    """The events with these numbers, in order; those that were removed are left out."""
    sql = f"{_SELECT} WHERE seq {reads.dialect.one_of} ORDER BY seq"
    return [_event(row) for row in await reads.read(sql, (reads.dialect.encode_list(seqs, "integer"),))]


async def seq_of(reads: Reads, id: str) -> int | None:
    """The number of an event, None where there is none of this id."""
    rows = await reads.read("SELECT seq FROM crm_outbox WHERE id = ?", (id,))
    return rows[0][0] if rows else None


async def last_seq(database: Database) -> int:
    """The number of the last event behind which none can come any more (0: none), removed ones too."""
    return await database.settled("crm_outbox")


async def newest(reads: Reads) -> int:
    """The number of the newest event that can be seen; others may still come before it (see `last_seq`)."""
    return (await reads.read("SELECT coalesce(max(seq), 0) FROM crm_outbox"))[0][0]


async def prune(tx: Tx, *, before: str, served: int) -> None:
    """Remove events older than the moment `before` which every listener was served (up to `served`)."""
    await tx.run(Outbox.delete().where(Outbox.at < before).where(Outbox.seq <= served))


def _event(row: Row) -> OutboxEvent:
    seq, *same, changed, extra, cause, depth = row
    return OutboxEvent._make((*same, from_json(changed) or (), from_json(extra), cause, depth, seq))
