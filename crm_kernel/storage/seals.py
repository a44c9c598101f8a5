"""Seals over stretches of history, and the entries they are made of."""

from __future__ import annotations

from typing import NamedTuple

from crm_kernel.storage.columns import quoted, table_name
from crm_kernel.storage.digests import entry_hash, values_digest
from crm_kernel.storage.ports import Reads, Tx

_COLUMNS = "after, first, last, at, marks, hash"
_ADD = f"INSERT INTO crm_seal ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"
_FACTS = "entity, record, version, at, action, actor, channel, cause"
_ENTRIES = (
    f"SELECT seq, {_FACTS}, changes, move, salt, digest, hash FROM crm_history WHERE seq > ? AND seq <= ?"
    " ORDER BY seq LIMIT ?"
)
_HASHES = "SELECT seq, hash FROM crm_history WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
_GAP = """
SELECT entity, record, min(seq) AS place FROM crm_history GROUP BY entity, record
HAVING count(DISTINCT version) <> max(version) - min(version) + 1 OR min(version) > 1 ORDER BY place LIMIT 1
"""


class Seal(NamedTuple):
    """One seal. `after`: the last entry of the one before it, 0 for the first; `hash` covers all that is before."""

    after: int
    first: int
    last: int
    at: str
    marks: str
    hash: str


class Entry(NamedTuple):
    """A history entry as it is checked: what it claims to be, and what its stored values and facts come to."""

    seq: int
    entity: str
    record: str
    version: int
    hash: str | None
    erased: bool
    sound: bool


async def last(reads: Reads) -> Seal | None:
    """The newest seal."""
    rows = await reads.read(f"SELECT {_COLUMNS} FROM crm_seal ORDER BY after DESC LIMIT 1")
    return Seal(*rows[0]) if rows else None


async def before(reads: Reads, after: int) -> Seal | None:
    """The seal before one that begins behind the entry `after`."""
    rows = await reads.read(f"SELECT {_COLUMNS} FROM crm_seal WHERE after < ? ORDER BY after DESC LIMIT 1", (after,))
    return Seal(*rows[0]) if rows else None


async def behind(reads: Reads, after: int, limit: int = 100) -> list[Seal]:
    """The next seals behind an entry, in the order of the chain."""
    rows = await reads.read(f"SELECT {_COLUMNS} FROM crm_seal WHERE after >= ? ORDER BY after LIMIT ?", (after, limit))
    return [Seal(*row) for row in rows]


async def add(tx: Tx, seal: Seal) -> None:
    """Store a seal. Raises `NotUnique` where another process went on behind the same one."""
    await tx.execute(_ADD, seal)


async def hashes(reads: Reads, after: int, until: int, limit: int) -> list[tuple[int, str | None]]:
    """(number, hash) of the entries behind `after` up to `until`, in order."""
    return [(seq, hash) for seq, hash in await reads.read(_HASHES, (after, until, limit))]


async def entries(reads: Reads, after: int, until: int, limit: int) -> list[Entry]:
    """The entries behind `after` up to `until`, in order, each held against its own digest and hash."""
    found: list[Entry] = []
    for seq, *facts, changes, move, salt, digest, hash in await reads.read(_ENTRIES, (after, until, limit)):
        sound = hash is None or (
            (salt is None or values_digest(salt, changes, move) == digest) and entry_hash(facts, digest) == hash
        )
        erased = salt is None and hash is not None
        found.append(Entry(seq, facts[0], facts[1], facts[2], hash, erased, sound and not (erased and changes)))
    return found


async def record_with_gap(reads: Reads) -> tuple[str, str] | None:
    """(entity, id) of the first record whose entries do not follow one another without a gap."""
    rows = await reads.read(_GAP)
    return (rows[0][0], rows[0][1]) if rows else None


async def record_ahead(reads: Reads, entity: str) -> str | None:
    """The id of a record whose last change has no entry."""
    sql = (
        f"SELECT t.id FROM {quoted(table_name(entity))} AS t WHERE t.version > coalesce("
        "(SELECT max(h.version) FROM crm_history AS h WHERE h.entity = ? AND h.record = t.id), 0) ORDER BY t.id LIMIT 1"
    )
    rows = await reads.read(sql, (entity,))
    return rows[0][0] if rows else None
