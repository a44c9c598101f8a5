"""Last steps of a write: rows, history, stage history and outbox, in statements per entity and batch."""

from __future__ import annotations

from typing import Any

from crm_kernel.access import MOVE_FIELDS
from crm_kernel.operations.changes import AnyChange
from crm_kernel.operations.work import WriteWork
from crm_kernel.operations.write_computed import compute_numbered
from crm_kernel.operations.write_values import changed_names
from crm_kernel.storage import counters, history, meta, outbox, secrets, sessions, shares, stages, tokens
from crm_kernel.storage.history import HistoryEntry
from crm_kernel.storage.jsontext import to_json
from crm_kernel.storage.outbox import OutboxEvent
from crm_kernel.storage.stages import StageMove

STAMPED = frozenset({"version", "updated_at", "updated_by", "created_at", "created_by"})
"""Fields that every write sets by itself. History does not repeat them: each entry carries who and when itself."""

MOVED_AT = "stage_since"
"""Set by moves, and told by their time."""

UNVALUED = frozenset({"id", "deleted_at"})
"""What the action of an entry says already."""

USER = "user"
TEAM = "team"

_EVENTS = {
    "create": "record.created",
    "delete": "record.deleted",
    "restore": "record.restored",
    "merge": "record.merged",
}


async def store(work: WriteWork, changes: list[AnyChange]) -> None:
    """Write all changes of one segment, which have no faults, in constant statements per entity."""
    by_entity: dict[str, list[AnyChange]] = {}
    for change in changes:
        by_entity.setdefault(change.entity, []).append(change)
    for group in by_entity.values():
        await _store_entity(work, group)
    written = [c for c in changes if not c.faults]
    if written:
        await _tell(work, written)


async def _store_entity(work: WriteWork, group: list[AnyChange]) -> None:
    model = group[0].model
    await _refuse_referenced(work, [c for c in group if c.kind == "purge"])
    await _number(work, [c for c in group if c.kind == "create"])
    for change in group:
        _stamp(work, change)
    creates = [{**c.new, **c.targets} if c.targets else c.new for c in group if c.kind == "create"]
    if creates:
        await work.store.records.insert(work.tx, model, creates)
    updates = [
        ({**c.new, **c.targets}, [*c.changed, "version", "updated_at", "updated_by"])
        for c in group
        if c.kind in _UPDATES
    ]
    if updates:
        await work.store.records.update(work.tx, model, updates)
    purged = [c.new["id"] for c in group if c.kind == "purge" and not c.faults]
    if purged:
        await work.store.records.purge(work.tx, model, purged)
        await history.forget(work.tx, model.name, purged)
        if await shares.remove_of_records(work.tx, model.name, purged):
            await meta.bump_epoch(work.tx)


_UPDATES = frozenset({"update", "move", "delete", "restore", "merge"})


def _stamp(work: WriteWork, change: AnyChange) -> None:
    """System fields of the new image, and the final list of changed fields."""
    new = change.new
    if change.kind in ("delete", "restore"):
        new["deleted_at"] = work.now if change.kind == "delete" else None
    if change.old is None:
        change.changed = [name for name, value in new.items() if value is not None and name not in STAMPED]
    else:
        change.changed = [name for name in changed_names(change) if name not in STAMPED]
    new["version"] = 1 if change.old is None else change.old["version"] + 1
    new["updated_at"], new["updated_by"] = work.now, work.caller.id
    if change.old is None:
        new["created_at"], new["created_by"] = work.now, work.caller.id


async def _number(work: WriteWork, creates: list[AnyChange]) -> None:
    """Give new records their autonumbers: one counter per field, taken once per batch."""
    if not creates:
        return
    model = creates[0].model
    for name, autonumber in model.autonumbers.items():
        numbers = await counters.take(work.tx, f"{model.name}.{name}", len(creates))
        for number, change in zip(numbers, creates, strict=True):
            change.new[name] = autonumber.format(number)
    if model.autonumbers:
        for change in creates:
            compute_numbered(work, change)


async def _refuse_referenced(work: WriteWork, purges: list[AnyChange]) -> None:
    """409 `referenced` for a purge of a record that others, deleted ones too, refer to."""
    if not purges:
        return
    model = purges[0].model
    ids = [c.new["id"] for c in purges]
    referring = await work.store.records.referenced(work.tx, work.registry.entities, model.name, ids)
    held = {id: entity for id, entity, _ in referring}
    for change in purges:
        if change.new["id"] in held:
            by = held[change.new["id"]]
            change.fault("", "referenced", f"Records of {by} still refer to this {model.name}.", status=409)


async def _tell(work: WriteWork, changes: list[AnyChange]) -> None:
    """History, stage history and outbox of the written changes, each in one statement."""
    told = [(c, _told(c)) for c in changes]
    entries = [_history(work, c, names) for c, names in told if c.model.history]
    if entries:
        await history.add(work.tx, entries)
    moved = [_stage(work, c) for c in changes if c.move_record]
    if moved:
        await stages.add(work.tx, moved)
    events = [e for c, names in told for e in _events(work, c, names)]
    if events:
        await outbox.add(work.tx, events)
    if any(c.entity in (USER, TEAM) for c in changes):
        await _follow_people(work, [c for c in changes if c.entity == USER])


async def _follow_people(work: WriteWork, users: list[AnyChange]) -> None:
    """Sessions end with the right to sign in, and do not come back with it; with a user all his secrets go."""
    await meta.bump_epoch(work.tx)
    out = [c.new["id"] for c in users if c.kind in ("delete", "purge") or not c.new["active"]]
    if out:
        await sessions.end_all(work.tx, out)
    purged = [c.new["id"] for c in users if c.kind == "purge"]
    if purged:
        await secrets.remove_all(work.tx, purged)
        await tokens.remove_all(work.tx, purged)
        await shares.remove_of_users(work.tx, purged)


def _told(change: AnyChange) -> list[str]:
    """The changed fields that history and events name: the records that a rollup measures have a history of theirs."""
    if MOVED_AT not in change.changed and not change.model.rollups:
        return change.changed
    return [name for name in change.changed if name != MOVED_AT and name not in change.model.rollups]


def _action(change: AnyChange) -> str:
    if change.kind in ("update", "move"):
        return "move" if change.move_record else "update"
    return change.kind


def _history(work: WriteWork, change: AnyChange, told: list[str]) -> HistoryEntry:
    old, new = change.old, change.new
    if old is None:
        values = {name: (None, new[name]) for name in told}
    else:
        values = {name: (old.get(name), new[name]) for name in told}
    for name in UNVALUED:
        values.pop(name, None)
    for name in change.model.sensitive:
        if name in values:
            values[name] = (None, None)
    return HistoryEntry(  # by place: half the time of doing it by name
        change.entity,
        new["id"],
        new["version"],
        work.now,
        _action(change),
        work.caller.id,
        work.caller.channel,
        _cause(work, change),
        {} if change.kind == "purge" else values,
        change.move_record if old is not None else None,
    )


def _cause(work: WriteWork, change: AnyChange) -> dict[str, Any] | None:
    if not (change.amended or change.plugin or change.because or work.caller.plugin or work.caller.cause):
        return None
    cause: dict[str, Any] = {**(work.caller.cause or {}), **(change.because or {})}
    if work.caller.plugin or change.plugin:
        cause["plugin"] = work.caller.plugin or change.plugin
    if change.amended:
        cause["amended"] = {plugin: sorted(set(names)) for plugin, names in change.amended.items()}
    return cause or None


def _stage(work: WriteWork, change: AnyChange) -> StageMove:
    move = change.move_record or {}
    return StageMove(
        entity=change.entity,
        record=change.new["id"],
        pipeline=change.new["pipeline"],
        from_stage=move["from"],
        to_stage=move["to"],
        at=work.now,
        by=work.caller.id,
        seconds=move["seconds"],
        reason=move["reason"],
    )


def _events(work: WriteWork, change: AnyChange, changed: list[str]) -> list[OutboxEvent]:
    """`record.moved` for a move of a stored record, `record.updated` too if other fields changed."""
    if change.kind == "purge":
        return []
    if change.kind not in ("update", "move"):
        return [_event(work, change, _EVENTS[change.kind], changed)]
    events: list[OutboxEvent] = []
    if change.move_record:
        events.append(_event(work, change, "record.moved", changed, change.move_record))
    if not change.move_record or set(changed) - MOVE_FIELDS:
        events.append(_event(work, change, "record.updated", changed))
    return events


def _event(
    work: WriteWork, change: AnyChange, type: str, changed: list[str], extra: dict[str, Any] | None = None
) -> OutboxEvent:
    return OutboxEvent(
        work.store.new_id(),
        type,
        change.entity,
        change.new["id"],
        change.new["version"],
        work.now,
        work.caller.id,
        work.caller.channel,
        changed,
        extra,
        to_json(work.caller.cause),
        work.caller.depth,
    )
