"""Taking a merge back: the changes that undo what one write did to all records it was about (floor 7).

History tells of each of them which merge it belongs to. What was changed again since stands against it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from crm_kernel.callers import Caller
from crm_kernel.errors import Error, Fault
from crm_kernel.operations.changes import AnyChange, Change
from crm_kernel.operations.merges import MOST_REFERRING
from crm_kernel.operations.record_reader import RecordReader
from crm_kernel.operations.undoing import conflict, obstacles, opposite, told, whole
from crm_kernel.registry import Registry
from crm_kernel.storage import history
from crm_kernel.storage.history import HistoryEntry
from crm_kernel.storage.ports import Database
from crm_kernel.storage.store import Store

REACH = 4 * MOST_REFERRING
"""Entries before that of a merge among which its others are looked for: on PostgreSQL those of other writes may stand
between them."""

Place = tuple[str, str]
"""A record: its entity and id."""


class MergeUndo:
    """Makes the changes that take one merge back."""

    def __init__(
        self, database: Database, store: Store, reader: RecordReader, registry: Callable[[], Registry]
    ) -> None:
        self._database = database
        self._store = store
        self._reader = reader
        self._registry = registry

    async def changes(self, entry: HistoryEntry, caller: Caller) -> list[AnyChange]:
        """First the record that stayed lets go, then the others come back, then what referred to them does again.

        As with the merge itself its right is needed on the records that were merged; the rest follows from it.
        Raises `Error`: not_found, forbidden, conflict.
        """
        parts = await self._parts(entry)
        stayed = (entry.entity, entry.record)
        merged = [place for place, (part, _) in parts.items() if part.action == "delete" and place[0] == entry.entity]
        if len(merged) < int((entry.cause or {}).get("merged", 1)):
            raise Error("conflict", faults=[conflict("", "History does not tell any more which records it took in.")])
        await self._check_rights(entry.entity, [entry.record, *(id for _, id in merged)], caller)
        records = await self._records([stayed, *parts])
        faults: list[Fault] = []
        changes: list[AnyChange] = []
        own = entry._replace(action="update")  # what the merge did to the record itself
        for place, (part, mixed) in {stayed: (own, list[Fault]()), **parts}.items():
            record = records.get(place)
            if record is None and place not in merged:
                continue  # it is gone for good, and with it what would be taken back
            found = mixed or self._obstacles(part, record)
            if not found and record is not None:
                changes.append(self._opposite(part, record))
            elif place == stayed:
                faults += told(found, self._registry().access(caller).readable(entry.entity))
            else:
                faults.append(await self._blocking(place, found, caller))
        if faults:
            raise Error("conflict", "What was changed since stands against it.", faults=list(dict.fromkeys(faults)))
        return _in_order(changes, merged)

    async def _parts(self, entry: HistoryEntry) -> dict[Place, tuple[HistoryEntry, list[Fault]]]:
        """What the merge did to each other record, as one entry, and what stands against that."""
        found: dict[Place, list[HistoryEntry]] = {}
        belongs = {"merge": entry.record, "version": entry.version}
        for part in await history.of_moment(self._database, entry.at, after=entry.seq - REACH, before=entry.seq):
            place = (part.entity, part.record)
            if belongs.items() <= (part.cause or {}).items() and place != (entry.entity, entry.record):
                found.setdefault(place, []).append(part)
        return {place: whole(parts) for place, parts in found.items()}

    async def _check_rights(self, entity: str, ids: Sequence[str], caller: Caller) -> None:
        access = self._registry().access(caller)
        if not access.allows(entity, "merge"):
            raise Error("forbidden", f"You may not merge this {entity}.")
        seen = await self._reader.in_hands(entity, ids, caller, access.rows(entity, "merge"))
        if any(id in seen and not seen[id][2] for id in ids):
            raise Error("forbidden", f"You may not merge this {entity}.")
        if len(seen) < len(set(ids)):
            raise Error("conflict", faults=[conflict("", "A record that was merged is not there for you any more.")])

    async def _records(self, places: Iterable[Place]) -> dict[Place, Mapping[str, Any]]:
        """The records as they are now, deleted ones too."""
        by_entity: dict[str, list[str]] = {}
        for entity, id in places:
            by_entity.setdefault(entity, []).append(id)
        found: dict[Place, Mapping[str, Any]] = {}
        for entity, ids in by_entity.items():
            model = self._registry().entities.get(entity)
            if model is not None:
                rows = await self._store.records.load(self._database, model, ids)
                found.update({(entity, row["id"]): row for row in rows})
        return found

    def _obstacles(self, part: HistoryEntry, record: Mapping[str, Any] | None) -> list[Fault]:
        if record is None:
            return [conflict("", "It is gone for good.")]
        return obstacles(self._registry().entities[part.entity], part, record)

    def _opposite(self, part: HistoryEntry, record: Mapping[str, Any]) -> AnyChange:
        change = opposite(self._registry().entities[part.entity], part, record)
        change.trusted = True
        return change

    async def _blocking(self, place: Place, faults: Sequence[Fault], caller: Caller) -> Fault:
        """What stands against it in another record, told to who may read that one."""
        entity, id = place
        access = self._registry().access(caller)
        if not (access.knows(entity) and id in await self._reader.in_hands(entity, [id], caller)):
            return conflict("", "Something that you may not read was changed since.")
        named = told(list(faults), access.readable(entity))
        return conflict("", f"The {entity} {id}: {' '.join(fault.detail for fault in named)}")


def _in_order(changes: Sequence[AnyChange], merged: Sequence[Place]) -> list[AnyChange]:
    """Values that must be unique are let go before they come back, and references return to what is there again."""
    stayed, *others = changes
    gone = {id for _, id in merged}
    later = {name: value for name, value in stayed.values.items() if isinstance(value, str) and value in gone}
    stayed.values = {name: value for name, value in stayed.values.items() if name not in later}
    back = [change for change in others if change.kind == "restore"]
    rest = [change for change in others if change.kind != "restore"]
    if later:
        again: AnyChange = Change("update", stayed.entity, id=stayed.id, values=later)
        again.trusted = True
        rest.append(again)
    return [stayed, *back, *rest]
