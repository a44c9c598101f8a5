"""Carries out a plan: columns, documents and their versions, moved and filled records, in one transaction."""

from __future__ import annotations

from typing import Protocol

from crm_kernel.callers import Caller
from crm_kernel.clock import Clock
from crm_kernel.errors import Error
from crm_kernel.model import EntityModel
from crm_kernel.operations.changes import AnyChange, Change
from crm_kernel.operations.following import Following
from crm_kernel.operations.impact import SAMPLE, defaults_of, entity_of
from crm_kernel.operations.plan import Plan, Proposed
from crm_kernel.operations.stage_use import remap
from crm_kernel.operations.work import WriteWork
from crm_kernel.operations.write import Writer
from crm_kernel.registry import Registry
from crm_kernel.storage import documents, meta, scan
from crm_kernel.storage.documents import StoredDocument
from crm_kernel.storage.evolution import APPLYING, apply_steps, build_indexes, is_empty
from crm_kernel.storage.ports import Database, NotUnique, Tx
from crm_kernel.storage.records import Record, unique_error
from crm_kernel.storage.store import Store

AT_ONCE = 500


class Overtaken(Exception):
    """Another process has applied documents since the plan was made."""


class Services(Protocol):
    """What applying needs of its kernel."""

    @property
    def registry(self) -> Registry: ...
    @property
    def database(self) -> Database: ...
    @property
    def store(self) -> Store: ...
    @property
    def writer(self) -> Writer: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def following(self) -> Following: ...
    def swap(self, registry: Registry, documents: int | None) -> None: ...


class Applier:
    """Applies plans that are ready."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def apply(self, plan: Plan, caller: Caller) -> None:
        """Do all of a plan or nothing; indexes are built afterwards. Raises `Error("plan_refused")`, `Overtaken`."""
        services = self._services
        now = services.clock.now_text()

        async def work(tx: Tx) -> int | None:
            await tx.lock(APPLYING)
            if not await is_empty(tx) and (await meta.marks(tx))[1] != services.following.documents:
                raise Overtaken
            await apply_steps(tx, plan.ddl)
            for change in plan.proposed:
                await _store(tx, change, caller, now)
            for conversion in plan.conversions:
                await conversion.fill(tx, plan.registry.entities[conversion.entity], plan.ddl)
            context = WriteWork(tx, services.store, plan.registry, caller, services.clock.now())
            for use in plan.stages:
                await remap(context, use)
            for change in plan.proposed:
                if plan.on_invalid.get((change.kind, change.name)) == "backfill":
                    await self._backfill(context, change)
            return await meta.bump_documents(tx) if plan.proposed else None

        try:
            documents = await services.database.write(work)
        except NotUnique as taken:
            raise unique_error(plan.registry.entities, taken) or taken from taken
        services.swap(plan.registry, documents)
        try:
            await build_indexes(services.database, plan.ddl)
        finally:
            await services.store.learn_indexes(services.database)

    async def _backfill(self, work: WriteWork, change: Proposed) -> None:
        """Write a new field's default where the field is null; what stays invalid refuses the plan."""
        entity = entity_of((change.kind, change.name, change.body))
        if entity is None:
            return
        model, old = work.model(entity), self._services.registry.entities.get(entity)
        defaults = defaults_of(change.body, model, work.values)
        batch: list[AnyChange] = []
        async for record in scan.live_records(work.tx, work.store.records, model):
            missing = {name: value for name, value in defaults.items() if record.get(name) is None}
            if not missing or (old and _stays_invalid(model, old, record, missing)):
                continue
            update: AnyChange = Change.update(entity, record["id"], missing)
            update.trusted = True
            batch.append(update)
            if len(batch) == AT_ONCE:
                await self._fill(work, batch)
                batch = []
        await self._fill(work, batch)

    async def _fill(self, work: WriteWork, batch: list[AnyChange]) -> None:
        await self._services.writer.run_inside(work, batch)
        faults = [fault for update in batch for fault in update.faults]
        if faults:
            first = next(update for update in batch if update.faults)
            raise Error("plan_refused", f"{first.entity} {first.id} stays invalid.", faults=faults[:SAMPLE])


def _stays_invalid(model: EntityModel, old: EntityModel, record: Record, missing: Record) -> bool:
    """Whether a record was invalid before and would be so with the defaults: it is left as it is."""
    return bool(model.validate({**record, **missing}) and old.validate(record))


async def _store(tx: Tx, change: Proposed, caller: Caller, now: str) -> None:
    if change.change == "drift":
        await documents.set_file_hash(tx, change.kind, change.name, change.file_hash)
    if change.is_told_only:
        return
    if change.body is None:
        with_file = change.origin == "file"
        await documents.remove(tx, change.kind, change.name, at=now, by=caller.id, with_file=with_file)
        return
    document = StoredDocument(change.kind, change.name, change.body, change.file_hash, change.origin, now, caller.id)
    await documents.put(tx, document, change.change)
