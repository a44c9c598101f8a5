"""Taking a change back: the opposite change, made from history and sent through the write door (floor 7).

What was changed again since stands against it: undoing must never take back more than the one change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from crm_kernel.access import not_found
from crm_kernel.callers import Caller
from crm_kernel.errors import Error, Fault
from crm_kernel.model import EntityModel
from crm_kernel.operations.changes import STAGE_FIELDS, AnyChange, Change
from crm_kernel.operations.record_reader import RecordReader
from crm_kernel.registry import Registry
from crm_kernel.storage import history
from crm_kernel.storage.history import HistoryEntry
from crm_kernel.storage.jsontext import to_json
from crm_kernel.storage.ports import Database
from crm_kernel.storage.store import Store

CHANNEL = "undo"
_LARGEST = 2**63 - 1
"""The largest number of a version that a database can be asked for."""


def undoing(caller: Caller, what: str) -> Caller:
    """The caller as history names him where he takes `what` back."""
    return msgspec.structs.replace(caller, channel=CHANNEL, cause={"undo": what})


class Undo:
    """Makes the changes that take others back."""

    def __init__(
        self, database: Database, store: Store, reader: RecordReader, registry: Callable[[], Registry]
    ) -> None:
        self._database = database
        self._store = store
        self._reader = reader
        self._registry = registry

    async def of_version(self, entity: str, id: str, version: int, caller: Caller) -> AnyChange:
        """The change that takes back what made `version` of a record the caller can see.

        Raises `Error`: not_found (the record, or no such version in its history), conflict (what stands against it,
        one fault for each field that was changed again).
        """
        await self.visible(entity, id, caller)
        could_be = 0 < version <= _LARGEST
        entry = await history.of_version(self._database, entity, id, version) if could_be else None
        model = self._registry().entities[entity]
        found = await self._store.records.load(self._database, model, [id])
        if entry is None or not found:
            raise not_found(entity, f"{id} in version {version}")
        faults = obstacles(model, entry, found[0])
        if faults:
            readable = self._registry().access(caller).readable(entity)
            raise Error("conflict", "What was changed since stands against it.", faults=told(faults, readable))
        return opposite(model, entry, found[0])

    async def visible(self, entity: str, id: str, caller: Caller) -> None:
        """Raises `Error("not_found")` for a record that the caller cannot see, deleted or not."""
        try:
            await self._reader.get(entity, id, caller)
        except Error as error:
            if error.code != "not_found":
                raise
            await self._reader.get(entity, id, caller, deleted=True)


def obstacles(model: EntityModel, entry: HistoryEntry, record: Mapping[str, Any]) -> list[Fault]:
    """What stands against taking `entry` back, [] where nothing does. `record` is the record as it is now."""
    match entry.action:
        case "create" | "delete" | "restore" if record["version"] != entry.version:
            return [_fault("", f"The record was changed since, up to version {record['version']}.")]
        case "create" | "delete" | "restore":
            return []
        case "update" | "move" if record["deleted_at"] is not None:
            return [_fault("", "The record was deleted since.")]
        case "update" | "move" if entry.changes is None:
            return [_fault("", "The values of this change were erased.")]
        case "update" | "move":
            changes = entry.changes or {}
            entered = [name for name in changes if name not in model.computed]
            return [fault for name in entered if (fault := _obstacle(model, name, changes[name], record)) is not None]
        case action:
            return [_fault("", f"A change of the kind {action} cannot be taken back.")]


def _obstacle(model: EntityModel, name: str, values: Any, record: Mapping[str, Any]) -> Fault | None:
    pointer = f"/{name}"
    if name not in model.fields:
        return _fault(pointer, f"There is no field {name} any more.")
    if name in model.sensitive:
        return _fault(pointer, "History keeps no values of sensitive fields.")
    if to_json(record[name]) != to_json(values[1]):  # as JSON: history has decimals where the record has doubles
        return _fault(pointer, f"{model.fields[name].label} was changed again.")
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
        told.append(_fault("", "Something that you may not read was changed again."))
    return told


def _fault(pointer: str, detail: str) -> Fault:
    return Fault(pointer=pointer, code="conflict", detail=detail, status=409)
