"""Computed fields in a write: formulas before the rules are asked, rollups of what the written records refer to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from crm_kernel.filters.environment import Environment
from crm_kernel.formulas.difference import Anew
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
    """Bring rollups up to date over what was written, then those over what that changes, until nothing does.

    What is stored at the beginning of a round is what its rollups are of; what it changes itself comes in the next.
    """
    while written:
        behind: dict[str, _Behind] = {}
        for entity, records in written.items():
            for rollup in work.registry.rollups_over.get(entity, ()):
                deltas = _deltas(rollup, records, work.registry.computed[rollup.entity].environment)
                if deltas:
                    behind.setdefault(rollup.entity, {})[rollup] = deltas
        renewed = {entity: await _renew(work, entity, parts) for entity, parts in behind.items()}
        written = {entity: await _keep(work, entity, records) for entity, records in renewed.items() if records}


async def recompute(work: WriteWork, entity: str, ids: Sequence[str]) -> list[Written]:
    """Compute all formulas and rollups of some stored records anew; the records that it changed."""
    anew: dict[str, _Delta | None] = dict.fromkeys(ids)
    behind = dict.fromkeys(work.registry.computed[entity].rollups, anew)
    return await _keep(work, entity, await _renew(work, entity, behind, ids))


class _Delta(NamedTuple):
    """What has left a rollup of one record and what has entered it; None counts for nothing."""

    left: list[Any]
    entered: list[Any]


_Behind = dict[Rollup, dict[str, _Delta | None]]
"""Rollups of one entity that are out of date, by the ids of the records; None where all has to be measured."""
_Renewed = list[tuple[Mapping[str, Any], dict[str, Any], list[str]]]
"""Records as they are stored, as they are to be, and the fields that differ."""


def _deltas(rollup: Rollup, records: Iterable[Written], environment: Environment) -> dict[str, _Delta | None]:
    """By the ids of the records for which written ones counted before, or count now: what has become of that."""
    found: dict[str, _Delta | None] = {}
    for old, new, changed in records:
        if old is not None and new is not None and rollup.inputs.isdisjoint(changed):
            continue
        for end, image in enumerate((old, new)):
            id: str | None = None if image is None else image[rollup.reference]
            if image is None or not id:
                continue
            if rollup.difference is None:
                found[id] = None
            elif (value := rollup.difference.counted(image, environment)) is not None:
                delta = found.setdefault(id, _Delta([], []))
                if delta is not None:
                    delta[end].append(value)
    return found


async def _renew(work: WriteWork, entity: str, behind: _Behind, ids: Iterable[str] = ()) -> _Renewed:
    """The records whose rollups or formulas over them change, with the new values.

    Each record is held first: whoever else writes one that counts for it waits, and goes on from what is stored then.
    """
    wanted = set(ids).union(*behind.values())
    model, computed = work.model(entity), work.registry.computed[entity]
    held = await work.store.records.hold(work.tx, model, sorted(wanted))
    new = {record["id"]: dict(record) for record in held}
    anew: dict[tuple[str, str], tuple[list[Rollup], set[str]]] = {}
    for rollup, deltas in behind.items():
        left = {id for id, delta in deltas.items() if id in new and not _went_on(rollup, new[id], delta)}
        if left:
            rollups_of, among = anew.setdefault((rollup.child, rollup.reference), ([], set()))
            rollups_of.append(rollup)
            among.update(left)
    for rollups_of, among in anew.values():
        found = await rollups.measure(work.tx, rollups_of, among, computed.environment)
        for id, values in found.items():
            new[id].update(values)
    for record in new.values():
        computed.fill(record)
    return [(old, new[old["id"]], names) for old in held if (names := _differing(old, new[old["id"]]))]


def _went_on(rollup: Rollup, record: dict[str, Any], delta: _Delta | None) -> bool:
    """Put the new value into a held record where the stored one is enough to know it."""
    if rollup.difference is None or delta is None:
        return False
    value = rollup.difference.after(record[rollup.name], delta.left, delta.entered)
    if value is Anew.ANEW:
        return False
    record[rollup.name] = value
    return True


async def _keep(work: WriteWork, entity: str, renewed: _Renewed) -> list[Written]:
    model = work.model(entity)
    await work.store.records.overwrite(work.tx, model, [(record, names) for _, record, names in renewed])
    return [Written(_live(old), _live(record), names) for old, record, names in renewed]


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return [name for name, value in new.items() if value != old[name]]


def _live(record: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return None if record is None or record["deleted_at"] is not None else record
