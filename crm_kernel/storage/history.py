"""The history of records: who changed which field from what to what, when and through which channel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from crm_kernel.storage.digests import entry_hash, new_salts, values_digest
from crm_kernel.storage.jsontext import from_json, to_json
from crm_kernel.storage.ports import Database, Reads, Row, Tx

_INSERT = (
    "INSERT INTO crm_history"
    " (entity, record, version, at, action, actor, channel, cause, changes, move, salt, digest, hash)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_SELECT = "SELECT seq, entity, record, version, at, action, actor, channel, cause, changes, move FROM crm_history"

_OF_CAUSE = "seq > ? AND seq <= ? AND substr(cause, 1, ?) = ?"
_ALTERED = (
    f"SELECT 1 FROM crm_history AS h WHERE {_OF_CAUSE.replace('seq', 'h.seq').replace('cause', 'h.cause')} AND {{}} ("
    "SELECT 1 FROM crm_history AS n WHERE n.entity = h.entity AND n.record = h.record AND n.seq > h.seq"
    " AND (n.cause IS NULL OR substr(n.cause, 1, ?) <> ?)) LIMIT 1"
)

_OF_RECORDS = (
    "SELECT seq, entity, record, version, at, action, actor, channel, cause,"
    " CASE WHEN version >= ? THEN changes END, move FROM crm_history WHERE entity = ? AND record"
)


REASON = "stage_reason"
"""The field that a move gives a reason by."""


class HistoryEntry(NamedTuple):
    """One change of one record. `changes`: field → (old, new); `seq` is given when it is stored."""

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
    listed = list(entries)
    await tx.executemany(_INSERT, list(map(_row, listed, new_salts(len(listed)))))


def _row(entry: HistoryEntry, salt: str) -> tuple[Any, ...]:
    facts = (*entry[:7], to_json(entry.cause))
    changes, move = to_json(entry.changes), to_json(entry.move)
    digest = values_digest(salt, changes, move)
    return (*facts, changes, move, salt, digest, entry_hash(facts, digest))


async def of_record(
    reads: Reads, entity: str, record: str, *, before: int | None = None, limit: int = 50
) -> list[HistoryEntry]:
    """The entries of one record, newest first; with `before`, those of a smaller `seq`.

    Decimals in `changes` come back as `Decimal`, so that they are answered as they were written.
    """
    older = "" if before is None else " AND seq < ?"
    params = [entity, record, *([] if before is None else [before]), limit]
    rows = await reads.read(f"{_SELECT} WHERE entity = ? AND record = ?{older} ORDER BY seq DESC LIMIT ?", params)
    return [_entry(row) for row in rows]


async def of_version(reads: Reads, entity: str, record: str, version: int) -> HistoryEntry | None:
    """The entry that tells of one version of a record, None where history has none."""
    sql = f"{_SELECT} WHERE entity = ? AND record = ? AND version = ?"
    rows = await reads.read(sql, (entity, record, version))
    return _entry(rows[0]) if rows else None


async def of_records(reads: Reads, entity: str, since: Mapping[str, int]) -> dict[str, list[HistoryEntry]]:
    """All entries of several records of an entity, newest first; `changes` only from the version `since[record]` on."""
    found: dict[str, list[HistoryEntry]] = {record: [] for record in since}
    sql = f"{_OF_RECORDS} {reads.dialect.one_of} ORDER BY seq DESC"
    params = (min(since.values(), default=1), entity, reads.dialect.encode_list(since, "uuid"))
    for row in await reads.read(sql, params):
        entry = _entry(row)
        found[entry.record].append(entry if entry.version >= since[entry.record] else entry._replace(changes=None))
    return found


class Caused(NamedTuple):
    """The entries of one cause: those behind `after` up to `last` whose cause begins with these members."""

    after: int
    last: int
    members: Mapping[str, str]

    @property
    def params(self) -> tuple[int, int, int, str]:
        """The values of the condition `_OF_CAUSE`."""
        return (self.after, self.last, *self.beginning)

    @property
    def beginning(self) -> tuple[int, str]:
        """How the stored texts of such causes begin, and the length of that: what hooks did has more members."""
        text = str(to_json(self.members)).removesuffix("}")
        return len(text), text


async def of_moment(reads: Reads, at: str, *, after: int, before: int) -> list[HistoryEntry]:
    """The entries of one moment, which is that of a whole write, between two others; oldest first."""
    sql = f"{_SELECT} WHERE seq > ? AND seq < ? AND at = ? ORDER BY seq"
    return [_entry(row) for row in await reads.read(sql, (after, before, at))]


async def newest(reads: Reads) -> int:
    """The number of the newest entry, 0 where there is none."""
    return (await reads.read("SELECT coalesce(max(seq), 0) FROM crm_history"))[0][0]


async def of_cause(reads: Reads, caused: Caused, *, limit: int) -> list[HistoryEntry]:
    """The entries of a cause, newest first."""
    rows = await reads.read(f"{_SELECT} WHERE {_OF_CAUSE} ORDER BY seq DESC LIMIT ?", (*caused.params, limit))
    return [_entry(row) for row in rows]


async def of_cause_on(reads: Reads, caused: Caused, entity: str, records: Iterable[str]) -> list[HistoryEntry]:
    """The entries that a cause has on some records of an entity, oldest first."""
    sql = f"{_SELECT} WHERE entity = ? AND record {reads.dialect.one_of} AND {_OF_CAUSE} ORDER BY seq"
    params = (entity, reads.dialect.encode_list(records, "uuid"), *caused.params)
    return [_entry(row) for row in await reads.read(sql, params)]


async def altered_since(database: Database, caused: Caused, *, all_of_them: bool) -> bool:
    """Whether any record that a cause changed was changed by something else afterwards, or all of them were.

    True for none. Raises `Error("busy")` where that takes too long to find out.
    """
    sql = _ALTERED.format("NOT EXISTS" if all_of_them else "EXISTS")
    found = await database.read_heavy(sql, (*caused.params, *caused.beginning))
    return bool(found) != all_of_them


async def settled(database: Database) -> int:
    """The number up to which no entry can come in between any more."""
    return await database.settled("crm_history")


async def forget(tx: Tx, entity: str, records: Iterable[str]) -> None:
    """Remove the values that purged records had, with the salts of their digests; that there were changes stays."""
    sql = "UPDATE crm_history SET changes = NULL, salt = NULL WHERE entity = ? AND record = ?"
    await tx.executemany(sql, [(entity, record) for record in records])


async def erase(tx: Tx, entity: str, record: str, field: str | None = None) -> int:
    """Remove the values of a record's entries, and their salts; with `field`, of those that changed it. How many.

    The reason of a move goes with them, here and where stages are counted.
    """
    rows = await tx.read(
        f"{_SELECT} WHERE entity = ? AND record = ? AND salt IS NOT NULL ORDER BY seq", (entity, record)
    )
    found = [e for e in map(_entry, rows) if field is None or field in (e.changes or {})]
    await tx.executemany(
        "UPDATE crm_history SET changes = NULL, salt = NULL, move = ? WHERE seq = ?",
        [(None if e.move is None else to_json({**e.move, "reason": None}), e.seq) for e in found],
    )
    if field in (None, REASON):
        await tx.execute("UPDATE crm_stage_history SET reason = NULL WHERE entity = ? AND record = ?", (entity, record))
    return len(found)


def _entry(row: Row) -> HistoryEntry:
    return HistoryEntry._make((*row[1:8], *map(from_json, row[8:]), row[0]))
