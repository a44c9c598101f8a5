"""What a refused write tells of fields that its caller may not read: that there is a fault, not where and of what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crm_kernel.errors import Fault, Told
from crm_kernel.operations.changes import AnyChange
from crm_kernel.operations.work import Work
from crm_kernel.operations.write_load import sees
from crm_kernel.schema.languages import language_of
from crm_kernel.schema.sentences import translated

HIDDEN = "hidden_field"


def veil(work: Work, change: AnyChange) -> None:
    """Put one fault without name and value in the place of all those in fields that are hidden from the caller.

    Rules judge the whole record, so what he sent may be refused for what is stored of it, or for what a hook set.
    """
    if work.caller.unrestricted or not any(fault.pointer for fault in change.faults):
        return
    told: list[Fault] = []
    for fault in change.faults:
        shown = fault if _may_be_told(work, change, fault) else _veiled(change, fault)
        if shown not in told:
            told.append(shown)
    change.faults = told


def _may_be_told(work: Work, change: AnyChange, fault: Fault) -> bool:
    path = [part.replace("~1", "/").replace("~0", "~") for part in fault.pointer.split("/")[1:]]
    name, model = path[0] if path else "", work.registry.entities.get(change.entity)
    if model is None or name not in model.fields or _has_sent(change.values, path):
        return True
    if change.old is None or change.trusted:  # a new record, or one that a hook changed
        return work.access.knows(change.entity) and name in work.access.existing(change.entity)
    return sees(work, change, name)


def _has_sent(value: Any, path: Sequence[str]) -> bool:
    """Whether he sent what is there: members that he left out of an object are those that are stored."""
    if not path or not isinstance(value, dict):
        return True
    return path[0] in value and _has_sent(value[path[0]], path[1:])


def _veiled(change: AnyChange, fault: Fault) -> Fault:
    if fault.code == "unique":
        english = "A value in a field that you may not read is taken by another record."
        label = language_of(change.locale).sentences["record"]
        detail = translated(label, Told("unique_hidden"), english, change.locale)
        return Fault(pointer="", code="unique", detail=detail, row=fault.row, status=fault.status)
    detail = f"The {change.entity} would not be valid, in a field that you may not read."
    return Fault(pointer="", code=HIDDEN, detail=detail, row=fault.row, status=fault.status)
