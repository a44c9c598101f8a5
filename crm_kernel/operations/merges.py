"""Merging records: what the one that stays takes over, and all that refers to the others (floor 7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from crm_kernel.access import MOVE_FIELDS
from crm_kernel.operations.batch import Find
from crm_kernel.operations.changes import AnyChange, Cause, Change
from crm_kernel.operations.work import WriteWork
from crm_kernel.operations.write_load import check_action, load

MOST_SOURCES = 100
"""Records that are merged into one at once."""
MOST_REFERRING = 10_000
"""Records that may refer to them: more are not rewritten in one transaction."""


async def load_sources(work: WriteWork, merges: Sequence[AnyChange]) -> None:
    """Find the records that each is to take in, with the right `merge` on them; faults point at `/from/0`."""
    parts: list[tuple[AnyChange, int, AnyChange]] = []
    for change in merges:
        _check_ids(change)
        for name in sorted(set(change.values) & MOVE_FIELDS):
            change.fault(f"/{name}", "read_only", "A merge moves no record to another stage.")
        if change.faults:
            continue
        for place, id in enumerate(change.sources):
            part: AnyChange = Change("merge", change.entity, id=id)
            part.trusted, part.locale = change.trusted, change.locale
            parts.append((change, place, part))
    await load(work, [part for _, _, part in parts])
    for change, place, part in parts:
        if not part.faults:
            check_action(work, part)
        for fault in part.faults:
            change.fault(f"/from/{place}", fault.code, fault.detail, status=fault.status)
        if part.old is not None:
            change.merging.append(part.old)
    for change in merges:
        if not change.faults:
            change.sources = tuple(record["id"] for record in change.merging)


def _check_ids(change: AnyChange) -> None:
    ids = change.sources
    if not 0 < len(ids) <= MOST_SOURCES:
        change.fault("/from", "minItems", f"A merge takes 1 to {MOST_SOURCES} records, got {len(ids)}.")
    for place, id in enumerate(ids):
        if id == change.id or id in ids[:place]:
            change.fault(f"/from/{place}", "uniqueItems", "A record is merged into another one, once.")


def fill(change: AnyChange) -> None:
    """Give the record that stays the values it lacks, of the first that has one.

    Not those of fields that are unique: the others keep theirs, and whoever wants one sends it.
    """
    mine = [change.id, *change.sources]
    for name, field in change.model.fields.items():
        skipped = field.read_only or field.source.kind == "system" or field.options.unique or field.is_computed
        if skipped or name in change.values or change.new[name] is not None:
            continue
        value = next((old[name] for old in change.merging if old[name] is not None and old[name] not in mine), None)
        if value is not None:
            change.new[name] = value
            change.amended.setdefault("kernel", []).append(name)


class _Rewrites:
    """New values of fields that refer to merged records, by the record that has them, and the merge they belong to."""

    def __init__(self, merges: Sequence[AnyChange]) -> None:
        self.into = {(change.entity, id): change for change in merges for id in change.sources}
        self.values: dict[tuple[str, str], dict[str, Any]] = {}
        self.merge: dict[tuple[str, str], AnyChange] = {}

    def ids(self, entity: str) -> list[str]:
        return [id for name, id in self.into if name == entity]

    def put(self, merge: AnyChange, record: tuple[str, str], field: str, value: Any) -> None:
        self.values.setdefault(record, {})[field] = value
        self.merge.setdefault(record, merge)


async def rewritten(work: WriteWork, merges: Sequence[AnyChange], find: Find) -> list[AnyChange]:
    """The changes that let what refers to the merged records refer to the one that stays, and delete them.

    What the one that stays says of itself is put right in its new image. One statement finds all references of an
    entity's records, and one more for each field that holds lists of them.
    """
    found = _Rewrites(merges)
    for entity in {change.entity for change in merges}:
        ids = found.ids(entity)
        rows = await work.store.records.refer_to(work.tx, work.registry.entities, entity, ids, MOST_REFERRING + 1)
        for id, by, field, record in rows:
            merge = found.into[entity, id]
            found.put(merge, (by, record), field, merge.id)
        await _lists(work, entity, found, find)
    if len(found.values) > MOST_REFERRING:
        merges[0].fault("", "limit", f"More than {MOST_REFERRING} records refer to what is merged.")
        return []
    staying = {(change.entity, change.id): change for change in merges}
    changes = [_of(change, Change.delete(entity, id)) for (entity, id), change in found.into.items()]
    for record, sent in found.values.items():
        if record in found.into:
            continue  # it is deleted itself
        if record in staying:
            staying[record].new.update({name: _without(value, record[1]) for name, value in sent.items()})
        else:
            changes.append(_of(found.merge[record], Change.update(*record, sent)))
    return changes


def _without(value: Any, id: str) -> Any:
    """A reference, or a list of them, that does not name the record itself."""
    if isinstance(value, list):
        return [item for item in cast("list[Any]", value) if item != id]
    return None if value == id else value


def _of(merge: AnyChange, change: AnyChange) -> AnyChange:
    """A change that belongs to a merge: with system rights, and history tells why."""
    change.trusted, change.because, change.cause = True, because(merge), Cause(merge, "")
    return change


def because(merge: AnyChange) -> dict[str, Any]:
    """How history names a merge as the cause of other changes: by what stays, and the version that it gets."""
    return {"merge": merge.id, "version": merge.old["version"] + 1 if merge.old else 1}


def mark(merges: Sequence[AnyChange], added: Sequence[AnyChange]) -> None:
    """Let history tell what belongs to a merge: how many it took in, and what `before_merge` added for it."""
    for merge in merges:
        merge.because = {"merged": len(merge.sources)}
    for change in added:
        merge = _root(change)
        if merge is change and len(merges) == 1:
            merge = merges[0]
        if merge is not change:
            change.because = because(merge)


def _root(change: AnyChange) -> AnyChange:
    while change.cause is not None:
        change = change.cause[0]
    return change


async def _lists(work: WriteWork, entity: str, found: _Rewrites, find: Find) -> None:
    """The same for fields that hold lists of references."""
    ids = found.ids(entity)
    for model in work.registry.entities.values():
        for name, field in model.fields.items():
            if field.item_reference not in (entity, "*") or field.is_computed:
                continue
            named = " or ".join(f"{name} contains '{id}'" for id in ids)
            rows = await find(model.name, named, sort=None, limit=MOST_REFERRING + 1, as_actor=False, params={})
            for row in rows:
                merge = next(found.into[entity, id] for id in row[name] if (entity, id) in found.into)
                kept = [found.into[entity, id].id if (entity, id) in found.into else id for id in row[name]]
                found.put(merge, (model.name, row["id"]), name, list(dict.fromkeys(kept)))
