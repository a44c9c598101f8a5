"""Deliveries that were given up: what they are, and another attempt (floor 7)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from crm_kernel.errors import Error, near
from crm_kernel.storage import delivery, outbox
from crm_kernel.storage.delivery import Pending
from crm_kernel.storage.ports import Database, Tx


async def dead_letters(database: Database, limit: int) -> list[dict[str, Any]]:
    """The oldest deliveries that were given up or cut, by listener, with event, record, attempts and error."""
    dead = await delivery.dead(database, limit)
    events = {event.seq: event for event in await outbox.by_seq(database, {d.seq for d in dead})}
    return [
        {
            "event": events[d.seq].id if d.seq in events else None,
            "listener": d.listener,
            "state": d.state,
            "type": events[d.seq].type if d.seq in events else None,
            "entity": d.entity,
            "record": d.record,
            "attempts": d.attempts,
            "error": d.error,
        }
        for d in dead
    ]


async def replay(database: Database, listeners: Collection[str], first: str, last: str, listener: str | None) -> int:
    """Let the events from the id `first` to `last` be told again; how many deliveries will be tried.

    Without `listener`: where they were given up. With it: to that one, whether it got them before or not; what it
    writes through `crm.write` has the event's key, so it is not written twice. Raises `Error`: not_found, bad_value.
    """
    if listener is not None and listener not in listeners:
        raise Error("bad_value", f"There is no listener {listener!r}:{near(listener, listeners)}")
    begin, end = [await _seq(database, id) for id in (first, last)]
    if listener is None:
        return await database.write(lambda tx: delivery.replay(tx, begin, end))

    async def work(tx: Tx) -> int:
        events = await outbox.after(tx, begin - 1, end - begin + 1, until=end)
        await delivery.put(tx, [Pending(listener, e.seq, e.entity, e.record) for e in events])
        return len(events)

    return await database.write(work)


async def _seq(database: Database, id: str) -> int:
    seq = await outbox.seq_of(database, id)
    if seq is None:
        raise Error("not_found", f"There is no event {id!r}.", hint="`crm dead` and `crm events` name events by id.")
    return seq
