"""`crm purge`: what removed and converted fields, and plugins that were taken out, have left goes for good (floor 7).

The fields and entities of a plugin that is only switched off stay, and what a plugin said must be kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from crm_kernel.callers import Caller
from crm_kernel.errors import Error
from crm_kernel.model import Model
from crm_kernel.plugins import PluginHost
from crm_kernel.registry import Registry
from crm_kernel.storage import delivery, documents, meta, plugin_states, purging, schedule
from crm_kernel.storage.ddl import is_retired
from crm_kernel.storage.documents import StoredDocument
from crm_kernel.storage.evolution import APPLYING, is_empty
from crm_kernel.storage.plugin_states import Left
from crm_kernel.storage.ports import Database, Reads, Tx
from crm_kernel.storage.purging import Fields, Kept


class Services(Protocol):
    """What purging needs of its kernel."""

    @property
    def plugins(self) -> PluginHost: ...
    @property
    def registry(self) -> Registry: ...
    @property
    def database(self) -> Database: ...


class _Found(NamedTuple):
    """What would go, and of it what belongs to a plugin that was taken out."""

    items: Sequence[Kept]
    left: Mapping[str, Left]
    extended: Mapping[str, str]
    """Entity → a stored document with fields of it, though nothing declares the entity itself."""

    def plugin_of(self, item: Kept) -> str | None:
        """The plugin that has left something."""
        for name, what in self.left.items():
            if item.entity in what.entities or (item.field in what.fields.get(item.entity, ()) and item.field):
                return name
        return None

    def why_not(self, item: Kept) -> str | None:
        """Why it must be kept: its plugin said so, or a document has fields in the table."""
        what = self.left.get(self.plugin_of(item) or "")
        name = item.entity if item.field is None else f"{item.entity}.{item.field}"
        if what is not None and name in what.kept:
            return what.kept[name]
        document = self.extended.get(item.entity) if item.field is None else None
        return document and f"The fields of the document {document!r} are in it; delete that document first."

    def going(self) -> list[Kept]:
        """What nobody wants kept."""
        return [item for item in self.items if self.why_not(item) is None]

    def answer(self) -> list[dict[str, Any]]:
        """The items of `crm purge`."""
        return [self._item(item) for item in self.going()]

    def staying(self) -> list[dict[str, Any]]:
        """What must be kept: `{"entity", "field", "records", "plugin", "why"}`."""
        told = [(item, self.why_not(item)) for item in self.items]
        return [
            {"entity": i.entity, "field": i.field, "records": i.records, "plugin": self.plugin_of(i), "why": why}
            for i, why in told
            if why is not None
        ]

    def _item(self, item: Kept) -> dict[str, Any]:
        plugin = self.plugin_of(item)
        why = "removed" if not item.columns or not all(map(is_retired, item.columns)) else "replaced"
        why = why if plugin is None else "uninstalled"
        return {**item._asdict(), "columns": list(item.columns), "why": why, "plugin": plugin}


class Purge:
    """Tells and removes what is kept of documents that are gone, and of plugins that were taken out."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def kept(self, caller: Caller) -> list[dict[str, Any]]:
        """What would go: `{"entity", "field" or null for all of it, "columns", "records", "why", "plugin"}`."""
        return (await self._look(caller)).answer()

    async def staying(self, caller: Caller) -> list[dict[str, Any]]:
        """What would not go although nothing declares it, and why."""
        return (await self._look(caller)).staying()

    async def purge(self, caller: Caller) -> list[dict[str, Any]]:
        """Remove all that `kept` tells, in one transaction; what was removed."""
        _expect_admin(caller)
        if await is_empty(self._services.database):
            return []

        async def work(tx: Tx) -> _Found:
            await tx.lock(APPLYING)
            found = await self._find(tx)
            await purging.purge(tx, found.going())
            await self._forget(tx, found)
            await meta.bump_epoch(tx)
            return found

        return (await self._services.database.write(work)).answer()

    async def _look(self, caller: Caller) -> _Found:
        _expect_admin(caller)
        database = self._services.database
        return _Found([], {}, {}) if await is_empty(database) else await self._find(database)

    async def _find(self, reads: Reads) -> _Found:
        states = {state["name"]: state["state"] for state in self._services.plugins.states()}
        off = {name for name, state in states.items() if state == "disabled"}
        left = await plugin_states.left(reads) if await plugin_states.are_known(reads) else {}
        left = {name: what for name, what in left.items() if name in off or name not in states}
        waiting = off - left.keys()  # they may be switched on again
        once = await purging.declared_once(reads, waiting=waiting)
        tables = await purging.entities_once(reads, waiting=waiting)
        for what in left.values():
            tables |= set(what.entities)
            for entity, names in what.fields.items():
                once.setdefault(entity, {}).update({name: {} for name in names})
        model = self._services.registry.entities
        wanted, extended = _stored(await documents.everything(reads), model)
        return _Found(await purging.kept(reads, model, once, tables, wanted), left, extended)

    async def _forget(self, tx: Tx, found: _Found) -> None:
        """Know no more of the plugins of which nothing is left: when one comes again, it comes for the first time."""
        staying = {item["plugin"] for item in found.staying()}
        for name in found.left.keys() - staying:
            for listener in found.left[name].listeners:
                await delivery.forget_listener(tx, listener)
            for job in found.left[name].jobs:
                await schedule.forget(tx, job)
            await plugin_states.forget(tx, name)


def _stored(all_of_them: Sequence[StoredDocument], model: Model) -> tuple[Fields, dict[str, str]]:
    """What stored documents declare, in force or not; and entities that none of them declares, nor a plugin that runs,
    though one has fields of it."""
    wanted: dict[str, dict[str, dict[str, Any]]] = {}
    extended: dict[str, str] = {}
    own = {document.name for document in all_of_them if document.kind == "entity"} | model.keys()
    for document in all_of_them:
        if document.kind not in ("entity", "fields"):
            continue
        body: Any = document.body
        entity = str(document.name if document.kind == "entity" else body.get("entity"))
        if entity in own:
            schema = body.get("schema", {})
            wanted.setdefault(entity, {}).update(dict.fromkeys(schema.get("properties", {}), schema))
        else:
            extended[entity] = document.name
    return wanted, extended


def _expect_admin(caller: Caller) -> None:
    if not caller.unrestricted:
        raise Error("forbidden", "Only the role admin may purge.")
