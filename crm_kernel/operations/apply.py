"""Carries out a plan: columns, documents and their versions, moved and filled records, in one transaction."""

from __future__ import annotations

from typing import Any, Protocol

from crm_kernel.callers import Caller
from crm_kernel.clock import Clock
from crm_kernel.errors import Error
from crm_kernel.operations.changes import AnyChange, Change
from crm_kernel.operations.following import Following
from crm_kernel.operations.impact import StageUse
from crm_kernel.operations.plan import Plan, Proposed
from crm_kernel.operations.work import WriteWork
from crm_kernel.operations.write import Writer
from crm_kernel.operations.write_computed import compute, roll_up
from crm_kernel.operations.write_store import store as store_changes
from crm_kernel.registry import Registry
from crm_kernel.storage import documents, meta, scan
from crm_kernel.storage.documents import StoredDocument
from crm_kernel.storage.evolution import APPLYING, apply_steps, build_indexes, is_empty
from crm_kernel.storage.ports import Database, NotUnique, Tx
from crm_kernel.storage.records import unique_error
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
            context = WriteWork(tx, services.store, plan.registry, caller, services.clock.now())
            for use in plan.stages:
                await self._remap(context, use)
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

    async def _remap(self, work: WriteWork, use: StageUse) -> None:
        """Put records into the stage that the document names; no rule of a move applies, history tells of it."""
        model = work.model(use.entity)
        ids = await scan.ids_in_stage(work.tx, model, use.stage or None)
        for start in range(0, len(ids), AT_ONCE):
            records = await work.store.records.load(work.tx, model, ids[start : start + AT_ONCE])
            changes = [_restaged(work, use, record) for record in records]
            for change in changes:
                compute(work, change)
            await store_changes(work, changes)
            await roll_up(work, changes)

    async def _backfill(self, work: WriteWork, change: Proposed) -> None:
        """Write a new field's default where the field is null; what stays invalid refuses the plan."""
        body = change.body or {}
        entity = str(body.get("entity", change.name))
        defaults = {
            name: schema["default"]
            for name, schema in body["schema"].get("properties", {}).items()
            if isinstance(schema, dict) and "default" in schema
        }
        model = work.model(entity)
        async for record in scan.live_records(work.tx, work.store.records, model):
            missing = {name: value for name, value in defaults.items() if record.get(name) is None}
            if not missing and not model.validate(record):
                continue
            update: AnyChange = Change.update(entity, record["id"], missing)
            update.trusted = True
            await self._services.writer.run_inside(work, [update])
            if update.faults:
                raise Error("plan_refused", f"{entity} {record['id']} stays invalid.", faults=update.faults)


async def _store(tx: Tx, change: Proposed, caller: Caller, now: str) -> None:
    if change.change == "drift" and change.file_hash is not None:
        await documents.set_file_hash(tx, change.kind, change.name, change.file_hash)
    if change.is_told_only:
        return
    if change.body is None:
        await documents.remove(tx, change.kind, change.name, at=now, by=caller.id)
        return
    document = StoredDocument(change.kind, change.name, change.body, change.file_hash, change.origin, now, caller.id)
    await documents.put(tx, document, change.change)


def _restaged(work: WriteWork, use: StageUse, record: dict[str, Any]) -> AnyChange:
    change: AnyChange = Change.update(use.entity, record["id"], {})
    change.model = work.model(use.entity)
    change.kind, change.old = "move", record
    change.new = {**record, "pipeline": use.pipeline, "stage": use.target, "stage_since": work.now}
    change.changed = ["pipeline", "stage", "stage_since"]
    change.move_record = {"from": record["stage"], "to": use.target, "reason": None, "seconds": None}
    return change
