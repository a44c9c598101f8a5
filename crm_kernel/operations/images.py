"""The images of a record at an event: today's record with later changes taken back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from crm_kernel.events import Event
from crm_kernel.fields.base import Faulty, Kind, ValueContext
from crm_kernel.model import EntityModel, Field
from crm_kernel.registry import Registry
from crm_kernel.storage import history
from crm_kernel.storage.history import HistoryEntry
from crm_kernel.storage.outbox import OutboxEvent
from crm_kernel.storage.ports import Reads
from crm_kernel.storage.store import Store

Image = Mapping[str, Any]

_EXACT = (Kind.NUMBER, Kind.DECIMAL, Kind.MONEY)
"""Kinds whose canonical values JSON does not tell apart: `float`, `int` and `Decimal`."""


class Images(NamedTuple):
    """A record as a change left it, and as it found it; None where there is none."""

    after: Image | None = None
    before: Image | None = None


async def load_images(
    reads: Reads, store: Store, registry: Registry, events: Iterable[OutboxEvent]
) -> dict[int, Images]:
    """The images of some events by their `seq`, in two statements an entity. Sensitive values are null in them.

    `before` is None for a creation. Both are None once the record was purged. An entity without history has today's
    record as `after` and no `before`. What is of an entity that is gone is left out.
    """
    by_entity: dict[str, list[OutboxEvent]] = {}
    for event in events:
        by_entity.setdefault(event.entity, []).append(event)
    images: dict[int, Images] = {}
    for entity, told in by_entity.items():
        model = registry.entities.get(entity)
        if model is not None:
            images.update(await _of_entity(reads, store, model, registry.value_context, told))
    return images


async def _of_entity(
    reads: Reads, store: Store, model: EntityModel, context: ValueContext, events: Sequence[OutboxEvent]
) -> dict[int, Images]:
    since: dict[str, int] = {}
    for event in events:
        since[event.record] = min(event.version, since.get(event.record, event.version))
    # The records first: what is written between the two statements is taken back to what was loaded.
    records = {record["id"]: record for record in await store.records.load(reads, model, since)}
    entries = await history.of_records(reads, model.name, since) if model.history else {}
    pasts = {id: _Past(model, context, record, entries.get(id, ())) for id, record in records.items()}
    return {event.seq: pasts[event.record].images(event) if event.record in pasts else Images() for event in events}


class _Past:
    """One record and its history, newest entry first."""

    def __init__(
        self, model: EntityModel, context: ValueContext, record: Image, entries: Sequence[HistoryEntry]
    ) -> None:
        purged = next((n for n, e in enumerate(entries) if e.action == "purge"), None)
        self._entries = entries[:purged]  # what is older is of another record that had the id
        self._fields = model.fields
        self._kept = model.history
        self._context = context
        self._today = {n: None if model.fields[n].options.sensitive else v for n, v in record.items()}

    def images(self, event: OutboxEvent) -> Images:
        if not self._kept:
            return Images(self._today)
        mine = next((e for e in self._entries if e.version == event.version), None)
        if mine is None or mine.at != event.at:
            return Images()
        created = event.type == "record.created"
        return Images(self._at(event.version), None if created else self._at(event.version - 1))

    def _at(self, version: int) -> Image:
        """The record as it was at a version."""
        image = dict(self._today)
        later = [e for e in self._entries if e.version > version]
        if not later:
            return image
        for entry in later:
            for name, change in (entry.changes or {}).items():
                if name in self._fields:
                    image[name] = _canonical(self._fields[name], change[0], self._context)
        earlier = self._entries[len(later) :]
        image.update(_system_fields(version, earlier, {e.action for e in later}))
        return image


def _system_fields(version: int, entries: Sequence[HistoryEntry], undone: set[str]) -> dict[str, Any]:
    """What history does not repeat, as its entries up to `version` tell it; `undone`: actions that came later."""
    fields: dict[str, Any] = {"version": version}
    if entries:
        fields["updated_at"], fields["updated_by"] = entries[0].at, entries[0].actor
    if undone & {"delete", "restore"}:
        last = next((e for e in entries if e.action in ("delete", "restore")), None)
        fields["deleted_at"] = last.at if last is not None and last.action == "delete" else None
    if "move" in undone:
        fields["stage_since"] = next((e.at for e in entries if e.action in ("move", "create")), None)
    return fields


def _canonical(field: Field, value: Any, context: ValueContext) -> Any:
    if value is None or field.type.kind not in _EXACT:
        return value
    try:
        return field.type.canonical(value, context)
    except Faulty:
        return value  # of the time before the field had this type


def event_of(stored: OutboxEvent, images: Images, attempt: int) -> Event:
    """The event as listeners get it."""
    extra = stored.extra or {}
    return Event(
        id=stored.id,
        type=stored.type,  # pyright: ignore[reportArgumentType] - written by the kernel only
        entity=stored.entity,
        record=stored.record,
        before=images.before,
        after=images.after,
        changed=tuple(stored.changed),
        actor=stored.actor,
        at=stored.at,
        attempt=attempt,
        depth=stored.depth,
        from_=extra.get("from"),
        to=extra.get("to"),
        reason=extra.get("reason"),
    )
