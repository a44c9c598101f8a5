"""Computed fields in a write: formulas before the rules are asked, rollups of what the written records refer to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from crm_kernel.formulas.rollup import Rollup
from crm_kernel.operations.changes import AnyChange
from crm_kernel.operations.work import WriteWork
from crm_kernel.storage import rollups

_STAGE = frozenset({"pipeline", "stage", "stage_since", "stage_reason"})


def new_image(work: WriteWork, change: AnyChange) -> dict[str, Any]:
    """The record as it will be stored: the new image with what the kernel sets, which row rules may ask for too."""
    by, at = work.caller.id, work.now
    if change.old is None:
        return {**change.new, "version": 1, "created_at": at, "created_by": by, "updated_at": at, "updated_by": by}
    return {**change.new, "version": change.old["version"] + 1, "updated_at": at, "updated_by": by}


def compute(work: WriteWork, change: AnyChange) -> None:
    """Put the values of its formulas into a record's new image."""
    computed = work.registry.computed.get(change.entity)
    if computed is None:
        return
    if change.old is not None:
        computed.fill(change.new)
        return
    computed.begin(change.new)
    image = new_image(work, change)
    computed.fill(image)
    for formula in computed.formulas:
        change.new[formula.name] = image[formula.name]


def compute_staged(work: WriteWork, change: AnyChange) -> None:
    """The same once the stage is settled, where a formula reads it."""
    computed = work.registry.computed.get(change.entity)
    if computed is not None and computed.reads(_STAGE):
        compute(work, change)


def compute_numbered(work: WriteWork, change: AnyChange) -> None:
    """The same once a new record has its numbers, where a formula reads one."""
    computed = work.registry.computed.get(change.entity)
    if computed is not None and computed.reads(frozenset(change.model.autonumbers)):
        compute(work, change)


class Written(NamedTuple):
    """A record as it was and as it is; None where it was, or is, not there or deleted."""

    old: Mapping[str, Any] | None
    new: Mapping[str, Any] | None
    changed: Sequence[str]


async def roll_up(work: WriteWork, changes: Sequence[AnyChange]) -> None:
    """Bring the rollups of all records up to date that these stored changes count for."""
    over = work.registry.rollups_over
    if not over:
        return
    written: dict[str, list[Written]] = {}
    for change in changes:
        if change.entity in over:
            new = None if change.kind == "purge" else _live(change.new)
            written.setdefault(change.entity, []).append(Written(_live(change.old), new, change.changed))
    await follow(work, written)


async def follow(work: WriteWork, written: Mapping[str, Sequence[Written]]) -> None:
    """Bring rollups up to date over what was written, then those over what that changes, until nothing does."""
    while written:
        behind: dict[str, dict[tuple[str, str], _Group]] = {}
        for entity, records in written.items():
            for rollup in work.registry.rollups_over.get(entity, ()):
                groups = behind.setdefault(rollup.entity, {})
                groups.setdefault((entity, rollup.reference), _Group([], set())).add(rollup, records)
        found = {entity: await _refresh(work, entity, list(groups.values())) for entity, groups in behind.items()}
        written = {entity: records for entity, records in found.items() if records}


class _Group(NamedTuple):
    """Rollups that one statement measures, and the records whose measures it is asked for."""

    rollups: list[Rollup]
    ids: set[str]

    def add(self, rollup: Rollup, records: Iterable[Written]) -> None:
        found = {id for record in records for id in _counted_for(rollup, record)}
        if found:
            self.rollups.append(rollup)
            self.ids.update(found)


def _counted_for(rollup: Rollup, record: Written) -> Iterable[str]:
    """The ids of the records for which a written one counted before, or counts now."""
    old, new = record.old, record.new
    if old is not None and new is not None and rollup.inputs.isdisjoint(record.changed):
        return ()
    return [image[rollup.reference] for image in (old, new) if image is not None and image[rollup.reference]]


async def recompute(work: WriteWork, entity: str, ids: Sequence[str]) -> list[Written]:
    """Compute all formulas and rollups of some stored records anew; the records that it changed."""
    groups: dict[tuple[str, str], _Group] = {}
    for rollup in work.registry.computed[entity].rollups:
        groups.setdefault((rollup.child, rollup.reference), _Group([], set(ids))).rollups.append(rollup)
    return await _refresh(work, entity, list(groups.values()) or [_Group([], set(ids))])


async def _refresh(work: WriteWork, entity: str, groups: Sequence[_Group]) -> list[Written]:
    """Measure anew, compute the formulas over it and store what differs; the records that it changed.

    Each record is held first: whoever else writes one that counts for it waits, and measures what is stored then.
    """
    ids = set[str]().union(*(group.ids for group in groups))
    if not ids:
        return []
    model, computed = work.model(entity), work.registry.computed[entity]
    held = await work.store.records.hold(work.tx, model, sorted(ids))
    new = {record["id"]: dict(record) for record in held}
    for group in groups if computed.rollups else ():
        wanted = [id for id in group.ids if id in new]
        found = await rollups.measure(work.tx, group.rollups, wanted, computed.environment)
        for id, values in found.items():
            new[id].update(values)
    for record in new.values():
        computed.fill(record)
    changed = [(old, new[old["id"]], names) for old in held if (names := _differing(old, new[old["id"]]))]
    await work.store.records.overwrite(work.tx, model, [(record, names) for _, record, names in changed])
    return [Written(_live(old), _live(record), names) for old, record, names in changed]


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return [name for name, value in new.items() if value != old[name]]


def _live(record: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return None if record is None or record["deleted_at"] is not None else record
