"""The images of a record at an event: today's record with later changes taken back."""

from __future__ import annotations

from typing import Any

from crm_kernel.events import Event
from crm_kernel.model import EntityModel
from crm_kernel.storage import history
from crm_kernel.storage.outbox import OutboxEvent
from crm_kernel.storage.ports import Reads
from crm_kernel.storage.store import Store

MANY = 100_000


async def event_of(reads: Reads, store: Store, model: EntityModel, stored: OutboxEvent, attempt: int) -> Event:
    """The event as listeners get it.

    `after` is the record as that change left it, `before` as it found it (None for a creation); values of sensitive
    fields are null in both, and both are None once the record was purged.
    """
    records = await store.records.load(reads, model, [stored.record])
    after: dict[str, Any] | None = None
    before: dict[str, Any] | None = None
    if records:
        after = {name: None if model.fields[name].options.sensitive else v for name, v in records[0].items()}
        entries = await history.of_record(reads, stored.entity, stored.record, limit=MANY) if model.history else []
        for entry in entries:
            if entry.version > stored.version:
                _take_back(after, entry)
        after["version"] = stored.version
        if stored.type != "record.created":
            before = dict(after)
            for entry in entries:
                if entry.version == stored.version:
                    _take_back(before, entry)
            before["version"] = stored.version - 1
    extra = stored.extra or {}
    return Event(
        id=stored.id,
        type=stored.type,  # pyright: ignore[reportArgumentType] - written by the kernel only
        entity=stored.entity,
        record=stored.record,
        before=before,
        after=after,
        changed=tuple(stored.changed),
        actor=stored.actor,
        at=stored.at,
        attempt=attempt,
        depth=stored.depth,
        from_=extra.get("from"),
        to=extra.get("to"),
        reason=extra.get("reason"),
    )


def _take_back(image: dict[str, Any], entry: history.HistoryEntry) -> None:
    for name, change in (entry.changes or {}).items():
        if name in image:
            image[name] = change["old"]
    if entry.action in ("delete", "restore"):
        image["deleted_at"] = None if entry.action == "delete" else entry.at
