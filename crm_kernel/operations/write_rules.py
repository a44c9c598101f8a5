"""Rule steps of a write: row rules on the new image, the merged JSON Schema, pipelines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from crm_kernel.access import Grant
from crm_kernel.errors import Fault
from crm_kernel.filters.expression import Expression
from crm_kernel.operations.changes import STAGE_FIELDS, AnyChange
from crm_kernel.operations.moves import check_transition, lost_reason_faults, requirement_faults, seconds_between
from crm_kernel.operations.work import WriteWork
from crm_kernel.operations.write_computed import compute_staged, new_image
from crm_kernel.operations.write_load import holding, writable_by
from crm_kernel.operations.write_values import changed_names

SET_BY_KERNEL = frozenset({"id", "version", "created_at", "created_by", "updated_at", "updated_by", "deleted_at"})
_FREE = frozenset({"id", *STAGE_FIELDS})
"""Fields of a new record that no grant need give: the stage takes the action `move`."""


def check_new_image(work: WriteWork, change: AnyChange) -> None:
    """403 where the caller's grants do not allow the image he would leave behind."""
    if change.trusted or not work.access.limits(change.entity):
        return
    if change.old is None:
        _expect_check(work, change, "create", {n for n in change.values if change.new.get(n) is not None} - _FREE)
        return
    names = set(changed_names(change)) - SET_BY_KERNEL - change.model.computed
    moved = bool(names & set(STAGE_FIELDS))
    if moved:
        _expect_check(work, change, "move", set())
    if names - set(STAGE_FIELDS) - {"stage_since"}:
        action = "merge" if change.kind == "merge" else "update"
        _expect_check(work, change, action, names - set(STAGE_FIELDS) - {"stage_since"})


def _expect_check(work: WriteWork, change: AnyChange, action: str, names: set[str]) -> None:
    """Some grant whose `where` held allows the new image; each changed field is given by one such grant."""
    held = holding(work, change, action)
    if not held:  # nothing limits him, or the action was refused before
        return
    allowed = _allowing(work, change, held)
    fields = writable_by(allowed)
    if not allowed or not (names <= fields or names <= fields | _unwritable_faults(change)):
        change.fault("", "forbidden", f"You may not {action} a {change.entity} to be like this.", status=403)


def _allowing(work: WriteWork, change: AnyChange, held: Sequence[Grant]) -> list[Grant]:
    """Those of the grants of an action whose `where` held on the stored image whose `check` holds on the new one."""
    if all(g.check is None for g in held):
        return [*held]
    image = new_image(work, change)
    return [g for g in held if g.check is None or work.holds(g.check, image)]


def _unwritable_faults(change: AnyChange) -> frozenset[str]:
    """Fields already refused by name: they need no second refusal."""
    return frozenset(f.pointer.split("/")[1] for f in change.faults if f.pointer)


def check_schema(change: AnyChange) -> None:
    """Faults of the merged JSON Schema, also of values that cannot be stored; each fault once.

    Below a value that is faulty already and of which it sees nothing it has nothing to say.
    """
    images = change.images
    found = change.model.validate({**change.new, **images} if images else change.new, locale=change.locale)
    if not found and not images:
        return
    said = {(f.pointer, f.code) for f in found}  # better than by the type of the field, which knows no label
    change.faults = [f for f in change.faults if (f.pointer, f.code) not in said or not images]
    told = {(f.pointer, f.code) for f in change.faults}
    unseen = {f.pointer.split("/")[1] for f in change.faults if f.pointer and f.status == 422} - images.keys()
    for fault in found:
        if (fault.pointer, fault.code) not in told and fault.pointer.partition("/")[2].partition("/")[0] not in unseen:
            change.faults.append(fault.at(row=change.row))
    for name in images:
        if not any(f.pointer.split("/")[1:2] == [name] for f in change.faults):
            change.fault(f"/{name}", "type", f"{change.label(name)} is a text.")


def set_stage(work: WriteWork, change: AnyChange) -> None:
    """Settle pipeline, stage, `stage_since` and `stage_reason` of the new image, and the rules of a move."""
    model = change.model
    if not model.pipelines:
        return
    new, old = change.new, change.old
    if old is not None and _emptied(change):
        return
    name = new["pipeline"] or model.pipelines[0]
    pipeline = work.registry.pipelines.get(name)
    if pipeline is None or name not in model.pipelines:
        change.fault("/pipeline", "enum", f"{name!r} is no pipeline of {model.name}.")
        return
    new["pipeline"] = name
    switched = old is not None and old["pipeline"] not in (None, name)
    if new["stage"] is None or (switched and "stage" not in change.values):
        new["stage"] = pipeline.first_stage.name
    if pipeline.stage(new["stage"]) is None:
        known = ", ".join(repr(s.name) for s in pipeline.stages)
        change.fault("/stage", "enum", f"{new['stage']!r} is no stage of {pipeline.label}; it has {known}.")
        return
    moved = old is None or switched or old["stage"] != new["stage"]
    if moved:
        new["stage_since"] = work.now
        if "stage_reason" not in change.values and "stage_reason" not in change.amended_names:
            new["stage_reason"] = None
        compute_staged(work, change)
    faults = _stage_faults(work, change, pipeline, moved=moved)
    change.faults.extend(f.at(row=change.row) for f in faults)
    if moved:
        _note_move(work, change)


def _emptied(change: AnyChange) -> bool:
    """Whether a record would be in no stage or pipeline any more: it is always in exactly one."""
    old, found = change.old or {}, False
    for name in ("pipeline", "stage"):
        if (
            old[name] is not None
            and change.new[name] is None
            and not any(f.pointer == f"/{name}" for f in change.faults)
        ):
            change.fault(f"/{name}", "required", f"{change.label(name)} cannot be empty.")
            found = True
    return found


def _stage_faults(work: WriteWork, change: AnyChange, pipeline: Any, *, moved: bool) -> list[Fault]:
    """All that stands against the stage of the new image; 409 for a refused move of a stored record, else 422."""
    old, new = change.old, change.new
    is_move = moved and old is not None and old["stage"] is not None
    faults = requirement_faults(work.registry, pipeline, new, change.locale)
    faults += lost_reason_faults(pipeline, new, moved=moved)
    if is_move:
        faults += check_transition(work, pipeline, old or {}, new, trusted=change.trusted)
    elif old is None and _starts_elsewhere(change, pipeline):
        faults += _may_start_there(work, change)
    status = 409 if is_move else 422
    return [f if f.status == 403 else msgspec.structs.replace(f, status=status) for f in faults]


def _starts_elsewhere(change: AnyChange, pipeline: Any) -> bool:
    """Whether a new record is asked to begin in another than the first stage of the default pipeline."""
    other_line = "pipeline" in change.values and pipeline.name != change.model.pipelines[0]
    return other_line or ("stage" in change.values and change.new["stage"] != pipeline.first_stage.name)


def _may_start_there(work: WriteWork, change: AnyChange) -> list[Fault]:
    action = "import" if work.caller.channel == "import" else "move"
    grants = holding(work, change, action)
    if grants is None or _allowing(work, change, grants):
        return []
    detail = (
        f"A {change.entity} begins elsewhere than in the first stage of its default pipeline: {action!r} is needed."
    )
    return [Fault(pointer="", code="forbidden", detail=detail, status=403)]


def _note_move(work: WriteWork, change: AnyChange) -> None:
    old = change.old or {}
    since = old.get("stage_since")
    change.move_record = {
        "from": old.get("stage"),
        "to": change.new["stage"],
        "reason": change.new["stage_reason"],
        "seconds": None if since is None else seconds_between(since, work.now),
    }
    if change.old is not None and change.kind == "update":
        change.kind = "move"


def related_rules(work: WriteWork, changes: list[AnyChange]) -> list[Expression]:
    """What of the rules of these changes reads other records: checks of grants, for moves guards of pipelines."""
    found: list[Expression] = []
    for model in {c.entity: c.model for c in changes}.values():
        found += work.access.related_checks[model.name]
        if model.pipelines and any(c.entity == model.name and _is_moving(c) for c in changes):
            guards = (guard for (name, _), guard in work.registry.guards.items() if name in model.pipelines)
            found += [guard for guard in guards if guard.uses_related]
    return found


def _is_moving(change: AnyChange) -> bool:
    return change.old is not None and change.new.get("stage") != change.old.get("stage")
