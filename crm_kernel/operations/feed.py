"""What has happened, as a feed that goes on where a reader stopped and skips nothing (floor 7)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from crm_kernel.callers import Caller
from crm_kernel.errors import Error
from crm_kernel.operations.record_reader import RecordReader
from crm_kernel.registry import Registry
from crm_kernel.storage import outbox
from crm_kernel.storage.outbox import OutboxEvent
from crm_kernel.storage.ports import Database

AT_ONCE = 500
"""Events that are looked through in one step."""
STEPS = 5
"""Steps of one answer: of who may read little of all, one looks through so many, and goes on with the next."""
_PLACE = re.compile(r"e[0-9]{1,18}")


async def feed(
    database: Database, registry: Registry, reader: RecordReader, caller: Caller, after: str | None, limit: int
) -> dict[str, Any]:
    """The next events that the caller may read; `{"items", "next"}`.

    `after` is the `next` of the answer before, None: from the first that is kept. An event is told of who may read its
    record now, a deleted one too, with those of the changed fields that he may read on it. `next` is behind the last
    one that was told, and the same where none was: what is hidden moves it only where it is more than one answer looks
    through. Raises `Error("bad_cursor")`.
    """
    place = told = _read_place(after)
    settled = await outbox.last_seq(database)
    items: list[dict[str, Any]] = []
    for step in range(STEPS):
        wanted = AT_ONCE if step else limit
        events = await outbox.after(database, place, wanted, until=settled)
        for event, item in await _told(registry, reader, caller, events):
            place = event.seq
            if item is not None:
                items.append(item)
                told = place
            if len(items) == limit:
                break
        if len(items) == limit or len(events) < wanted:
            return {"items": items, "next": f"e{told}"}
    return {"items": items, "next": f"e{place}"}


async def _told(
    registry: Registry, reader: RecordReader, caller: Caller, events: Sequence[OutboxEvent]
) -> list[tuple[OutboxEvent, dict[str, Any] | None]]:
    """Each event with what is told of it, None where the caller may not read it; one statement for each entity."""
    access = registry.access(caller)
    readable: dict[tuple[str, str], frozenset[str]] = {}
    for entity in sorted({event.entity for event in events}):
        if entity not in registry.entities or not access.allows(entity, "read"):
            continue
        ids = {event.record for event in events if event.entity == entity}
        found = await reader.in_hands(entity, ids, caller)
        reading = access.reading(entity)
        if reading.rows is None:  # of a record that was purged too
            always = frozenset(reading.fields) - {name for name, _ in reading.masked}
            readable |= {(entity, id): always for id in ids}
        readable |= {(entity, id): fields for id, (_, fields, _) in found.items()}
    return [(event, _item(event, readable.get((event.entity, event.record)))) for event in events]


def _item(event: OutboxEvent, readable: frozenset[str] | None) -> dict[str, Any] | None:
    if readable is None:
        return None
    return {
        "seq": event.seq,
        "id": event.id,
        "type": event.type,
        "entity": event.entity,
        "record": event.record,
        "version": event.version,
        "at": event.at,
        "actor": event.actor,
        "channel": event.channel,
        "changed": [name for name in event.changed if name in readable],
    }


def _read_place(text: str | None) -> int:
    if text is None:
        return 0
    if not _PLACE.fullmatch(text):
        hint = "Give the `next` of the answer before, or leave `after` out to begin with the first."
        raise Error("bad_cursor", f"{text!r} is no place in the feed.", hint=hint)
    return int(text[1:])
