"""`crm purge`: what removed and converted fields have left in the tables goes for good (floor 7).

Only what stored documents declared once: the fields and entities of a plugin that is switched off stay.
"""

from __future__ import annotations

from typing import Any, Protocol

from crm_kernel.callers import Caller
from crm_kernel.errors import Error
from crm_kernel.registry import Registry
from crm_kernel.storage import documents, meta, purging
from crm_kernel.storage.ddl import is_retired
from crm_kernel.storage.evolution import APPLYING, is_empty
from crm_kernel.storage.ports import Database, Reads, Tx
from crm_kernel.storage.purging import Kept


class Services(Protocol):
    """What purging needs of its kernel."""

    @property
    def registry(self) -> Registry: ...
    @property
    def database(self) -> Database: ...


class Purge:
    """Tells and removes what is kept of documents that are gone."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def kept(self, caller: Caller) -> list[dict[str, Any]]:
        """What would go: `{"entity", "field" or null for all of it, "columns", "records", "why"}`."""
        _expect_admin(caller)
        database = self._services.database
        return [] if await is_empty(database) else [_item(found) for found in await self._find(database)]

    async def purge(self, caller: Caller) -> list[dict[str, Any]]:
        """Remove all that `kept` tells, in one transaction; what was removed."""
        _expect_admin(caller)
        if await is_empty(self._services.database):
            return []

        async def work(tx: Tx) -> list[Kept]:
            await tx.lock(APPLYING)
            found = await self._find(tx)
            await purging.purge(tx, found)
            await meta.bump_epoch(tx)
            return found

        return [_item(found) for found in await self._services.database.write(work)]

    async def _find(self, reads: Reads) -> list[Kept]:
        once = await purging.declared_once(reads)
        tables = await purging.entities_once(reads)
        wanted: dict[str, dict[str, dict[str, Any]]] = {}
        for stored in await documents.everything(reads):
            body: Any = stored.body
            if stored.kind in ("entity", "fields"):
                entity = str(stored.name if stored.kind == "entity" else body.get("entity"))
                schema = body.get("schema", {})
                wanted.setdefault(entity, {}).update(dict.fromkeys(schema.get("properties", {}), schema))
        return await purging.kept(reads, self._services.registry.entities, once, tables, wanted)


def _item(found: Kept) -> dict[str, Any]:
    why = "removed" if not found.columns or not all(map(is_retired, found.columns)) else "replaced"
    return {**found._asdict(), "columns": list(found.columns), "why": why}


def _expect_admin(caller: Caller) -> None:
    if not caller.unrestricted:
        raise Error("forbidden", "Only the role admin may purge.")
