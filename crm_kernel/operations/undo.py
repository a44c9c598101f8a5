"""Taking a change back: the opposite change, made from history and sent through the write door (floor 7)."""

from __future__ import annotations

from collections.abc import Callable

from crm_kernel.access import not_found
from crm_kernel.callers import Caller
from crm_kernel.errors import Error
from crm_kernel.operations.changes import AnyChange
from crm_kernel.operations.merge_undo import MergeUndo
from crm_kernel.operations.record_reader import RecordReader
from crm_kernel.operations.undoing import obstacles, opposite, told
from crm_kernel.registry import Registry
from crm_kernel.storage import history
from crm_kernel.storage.ports import Database
from crm_kernel.storage.store import Store

_LARGEST = 2**63 - 1
"""The largest number of a version that a database can be asked for."""


class Undo:
    """Makes the changes that take others back."""

    def __init__(
        self, database: Database, store: Store, reader: RecordReader, registry: Callable[[], Registry]
    ) -> None:
        self._database = database
        self._store = store
        self._reader = reader
        self._registry = registry
        self._merges = MergeUndo(database, store, reader, registry)

    async def of_version(self, entity: str, id: str, version: int, caller: Caller) -> list[AnyChange]:
        """The changes, that of the record first, that take back what made `version` of a record the caller can see.

        It is one change, but of a merge, which was about other records too. Raises `Error`: not_found (the record, or
        no such version in its history), forbidden (of a merge), conflict (what stands against it, one fault for each
        field that was changed again).
        """
        await self.visible(entity, id, caller)
        could_be = 0 < version <= _LARGEST
        entry = await history.of_version(self._database, entity, id, version) if could_be else None
        model = self._registry().entities[entity]
        found = await self._store.records.load(self._database, model, [id])
        if entry is None or not found:
            raise not_found(entity, f"{id} in version {version}")
        if entry.action == "merge":
            return await self._merges.changes(entry, caller)
        faults = obstacles(model, entry, found[0])
        if faults:
            readable = self._registry().access(caller).readable(entity)
            raise Error("conflict", "What was changed since stands against it.", faults=told(faults, readable))
        return [opposite(model, entry, found[0])]

    async def visible(self, entity: str, id: str, caller: Caller) -> None:
        """Raises `Error("not_found")` for a record that the caller cannot see, deleted or not."""
        try:
            await self._reader.get(entity, id, caller)
        except Error as error:
            if error.code != "not_found":
                raise
            await self._reader.get(entity, id, caller, deleted=True)
