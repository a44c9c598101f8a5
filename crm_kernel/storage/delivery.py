"""Which events each listener has got, and those it has yet to get though its position is beyond them.

A delivery that failed holds back later events of the same record for that listener: they become deliveries too, and of
each record only the first is due. A dead one holds its record back until it is replayed or dropped. One that is cut, as
too many events led to it, is only kept to be told of: it holds nothing back.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from crm_kernel.storage.ports import Reads, Tx
from crm_kernel.storage.tables import Delivery, Listener

RETRY = "retry"
DEAD = "dead"
CUT = "cut"
_COLUMNS = "listener, seq, entity, record, state, attempts, next_at, error"
_PUT = (
    f"INSERT INTO crm_delivery ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (listener, seq) DO UPDATE"
    " SET state = excluded.state, attempts = excluded.attempts, next_at = excluded.next_at, error = excluded.error"
)
# Without their `Z` moments sort by time: with it a fraction comes before its full second.
_DUE = f"""
SELECT {_COLUMNS} FROM crm_delivery AS d
WHERE listener = ? AND state = 'retry' AND rtrim(next_at, 'Z') <= rtrim(?, 'Z') AND NOT EXISTS (
  SELECT 1 FROM crm_delivery AS e
  WHERE e.listener = d.listener AND e.entity = d.entity AND e.record = d.record AND e.seq < d.seq AND e.state <> 'cut'
) ORDER BY seq LIMIT ?
"""
_ADVANCE = (
    "INSERT INTO crm_listener (name, seq) VALUES (?, ?)"
    " ON CONFLICT (name) DO UPDATE SET seq = excluded.seq WHERE crm_listener.seq < excluded.seq"
)


class Pending(NamedTuple):
    """One delivery. `next_at`: when it is due ("" = at once); `error`: what went wrong last."""

    listener: str
    seq: int
    entity: str
    record: str
    state: str = RETRY
    attempts: int = 0
    next_at: str = ""
    error: str | None = None


async def positions(reads: Reads) -> dict[str, int]:
    """Up to which event each listener was served."""
    rows = await reads.run(Listener.select(Listener.name, Listener.seq))
    return {row["name"]: row["seq"] for row in rows}


async def advance(tx: Tx, listener: str, seq: int) -> None:
    """Note that a listener was served up to `seq`; a position never goes back."""
    await tx.execute(_ADVANCE, (listener, seq))


async def put(tx: Tx, pending: Iterable[Pending]) -> None:
    """Store deliveries that failed or are held back; those of the same listener and event are replaced."""
    await tx.executemany(_PUT, list(pending))


async def done(tx: Tx, listener: str, seq: int) -> None:
    """Remove a delivery that succeeded or is given up."""
    await tx.run(Delivery.delete().where(Delivery.listener == listener).where(Delivery.seq == seq))


async def waiting(reads: Reads) -> set[str]:
    """The listeners that have deliveries still to get, dead ones too."""
    return {row[0] for row in await reads.read("SELECT DISTINCT listener FROM crm_delivery WHERE state <> 'cut'")}


async def held_back(reads: Reads, listener: str) -> set[tuple[str, str]]:
    """The (entity, record) whose next events must wait for an earlier delivery to this listener."""
    sql = "SELECT DISTINCT entity, record FROM crm_delivery WHERE listener = ? AND state <> 'cut'"
    return {(entity, record) for entity, record in await reads.read(sql, (listener,))}


async def due(reads: Reads, listener: str, now: str, limit: int = 100) -> list[Pending]:
    """The deliveries whose time has come and that no earlier one of the same record holds back, in order."""
    return [Pending(*row) for row in await reads.read(_DUE, (listener, now, limit))]


async def next_due(reads: Reads) -> str | None:
    """When the next delivery of any listener comes due, None where there is none."""
    return (await reads.read("SELECT min(next_at) FROM crm_delivery WHERE state = 'retry'"))[0][0]


async def dead(reads: Reads, limit: int = 100) -> list[Pending]:
    """Deliveries that were given up or cut, oldest event first."""
    sql = f"SELECT {_COLUMNS} FROM crm_delivery WHERE state IN ('dead', 'cut') ORDER BY seq, listener LIMIT ?"
    return [Pending(*row) for row in await reads.read(sql, (limit,))]


async def replay(tx: Tx, first: int, last: int) -> int:
    """Let dead deliveries of the events with these numbers be tried again at once; how many there are."""
    query = Delivery.update({Delivery.state: RETRY, Delivery.attempts: 0, Delivery.next_at: ""})
    query = query.where(Delivery.seq >= first).where(Delivery.seq <= last).where(Delivery.state == DEAD)
    return len(await tx.run(query.returning(Delivery.listener)))


async def forget_listener(tx: Tx, listener: str) -> None:
    """Remove what is known of a listener (its plugin was uninstalled)."""
    await tx.run(Delivery.delete().where(Delivery.listener == listener))
    await tx.run(Listener.delete().where(Listener.name == listener))


async def counts(reads: Reads) -> dict[tuple[str, str], int]:
    """(listener, state) -> how many deliveries it has in that state."""
    rows = await reads.read("SELECT listener, state, count(*) FROM crm_delivery GROUP BY listener, state")
    return {(listener, state): count for listener, state, count in rows}
