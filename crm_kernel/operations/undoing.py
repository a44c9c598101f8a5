"""What taking changes back has in common: what stands against it, the opposite change, how history names it (floor 7).

What was changed again since stands against it: undoing must never take back more than the one change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from crm_kernel.callers import Caller
from crm_kernel.errors import Fault
from crm_kernel.model import EntityModel
from crm_kernel.operations.changes import STAGE_FIELDS, AnyChange, Change
from crm_kernel.storage.history import HistoryEntry
from crm_kernel.storage.jsontext import to_json

CHANNEL = "undo"


def undoing(caller: Caller, what: str) -> Caller:
    """The caller as history names him where he takes `what` back."""
    return msgspec.structs.replace(caller, channel=CHANNEL, cause={"undo": what})


def whole(entries: Sequence[HistoryEntry]) -> tuple[HistoryEntry, list[Fault]]:
    """What the entries of one cause on a record, oldest first, come to, and what stands against taking it back."""
    first, last = entries[0], entries[-1]
    if len(entries) == 1:
        return first, []
    if any(entry.action not in ("create", "update", "move") for entry in entries):
        return last, [conflict("", "It was deleted or restored by the same.")]
    if first.action == "create":
        gaps = last.version - first.version + 1 - len(entries)
        faults = [conflict("", "The record was changed by others meanwhile.")] if gaps else []
        return last._replace(action="create"), faults
    changes: dict[str, tuple[Any, Any]] = {}
    found: dict[str, Fault] = {}
    for entry in entries:
        for name, (old, new) in (entry.changes or {}).items():
            if name in changes and to_json(changes[name][1]) != to_json(old):
                found[name] = conflict(f"/{name}", "It was changed by others meanwhile.")
            changes[name] = (changes.get(name, (old,))[0], new)
    action = "move" if any(entry.action == "move" for entry in entries) else "update"
    return last._replace(action=action, changes=changes), list(found.values())


def obstacles(model: EntityModel, entry: HistoryEntry, record: Mapping[str, Any]) -> list[Fault]:
    """What stands against taking `entry` back, [] where nothing does. `record` is the record as it is now."""
    match entry.action:
        case "create" | "delete" | "restore" if record["version"] != entry.version:
            return [conflict("", f"The record was changed since, up to version {record['version']}.")]
        case "create" | "delete" | "restore":
            return []
        case "update" | "move" if record["deleted_at"] is not None:
            return [conflict("", "The record was deleted since.")]
        case "update" | "move" if entry.changes is None:
            return [conflict("", "The values of this change were erased.")]
        case "update" | "move":
            changes = entry.changes or {}
            entered = [name for name in changes if name not in model.computed]
            return [fault for name in entered if (fault := _obstacle(model, name, changes[name], record)) is not None]
        case action:
            return [conflict("", f"A change of the kind {action} cannot be taken back.")]


def _obstacle(model: EntityModel, name: str, values: Any, record: Mapping[str, Any]) -> Fault | None:
    pointer = f"/{name}"
    if name not in model.fields:
        return conflict(pointer, f"There is no field {name} any more.")
    if name in model.sensitive:
        return conflict(pointer, "History keeps no values of sensitive fields.")
    if to_json(record[name]) != to_json(values[1]):  # as JSON: history has decimals where the record has doubles
        return conflict(pointer, f"{model.fields[name].label} was changed again.")
    return None


def opposite(model: EntityModel, entry: HistoryEntry, record: Mapping[str, Any]) -> AnyChange:
    """The change that takes `entry` back from the record as it is, refused where the record changes meanwhile.

    Formulas follow by themselves.
    """
    entity, id, version = entry.entity, entry.record, record["version"]
    old = {name: values[0] for name, values in (entry.changes or {}).items() if name not in model.computed}
    match entry.action:
        case "create" | "restore":
            return Change("delete", entity, id=id, version=version)
        case "delete":
            return Change("restore", entity, id=id, version=version)
        case "move":
            stage = {name: old.pop(name) for name in STAGE_FIELDS if name in old}
            given = {name: value for name, value in stage.items() if value is not None}
            return Change("move", entity, id=id, version=version, values={**old, **given})
        case _:
            return Change("update", entity, id=id, version=version, values=old)


def told(faults: list[Fault], readable: frozenset[str]) -> list[Fault]:
    """The faults without the names of fields that do not exist for the caller."""
    told = [f for f in faults if not f.pointer or f.pointer[1:] in readable]
    if len(told) < len(faults):
        told.append(conflict("", "Something that you may not read was changed again."))
    return told


def conflict(pointer: str, detail: str) -> Fault:
    """One thing that stands against it."""
    return Fault(pointer=pointer, code="conflict", detail=detail, status=409)
