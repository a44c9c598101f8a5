"""Taking a whole import back, batch by batch, newest first (floor 7).

What the import did to one record is one change, taken back by one opposite change through the write door; what was
changed again since stands against it, and is told. How far it is is stored with the records of each batch, so it can be
killed anywhere and goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from crm_kernel.callers import Caller
from crm_kernel.clock import Clock
from crm_kernel.errors import Error, Fault
from crm_kernel.operations.changes import AnyChange
from crm_kernel.operations.import_job import Job, Undoing, running
from crm_kernel.operations.outcomes import Outcome
from crm_kernel.operations.undoing import obstacles, opposite, told, undoing, whole
from crm_kernel.operations.write import Writer
from crm_kernel.registry import Registry
from crm_kernel.storage import history, jobs
from crm_kernel.storage.history import HistoryEntry
from crm_kernel.storage.jobs import RUNNING, UNDONE
from crm_kernel.storage.ports import Database, Tx
from crm_kernel.storage.store import Store

ENTRIES = 200
"""Entries of history that are taken back in one transaction."""


class Services(Protocol):
    """What it needs of its kernel."""

    @property
    def registry(self) -> Registry: ...
    @property
    def writer(self) -> Writer: ...
    @property
    def store(self) -> Store: ...
    @property
    def database(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...


class _Left(NamedTuple):
    """A record that stays as it is, and why."""

    entity: str
    record: str
    faults: Sequence[Fault]

    def body(self) -> dict[str, Any]:
        named = {"entity": self.entity, "record": self.record}
        return {**named, "errors": [{**msgspec.structs.replace(f, row=None).render(), **named} for f in self.faults]}


class ImportUndo:
    """Takes imports of one kernel back."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def run(self, job: Job, caller: Caller) -> Job:
        """Take back what is left of a job that is stored as running, as `caller`.

        Raises `Error`: conflict (the undoing was cancelled), in_progress (another process does it), busy, disk_full.
        """
        acting = undoing(caller, f"job {job.id}")
        while True:
            before = _state(job).before
            caused = job.caused(before)
            page = [] if caused is None else await history.of_cause(self._services.database, caused, limit=ENTRIES)
            changes, left = await self._opposites(job, page, caller)
            job = await self._write(job, page, changes, left, acting)
            if not page:
                return job

    async def _opposites(
        self, job: Job, page: Sequence[HistoryEntry], caller: Caller
    ) -> tuple[list[AnyChange], list[_Left]]:
        """The changes that take back what the newest entries of records on this page are the end of."""
        places = {(entry.entity, entry.record): place for place, entry in reversed(list(enumerate(page)))}
        by_entity: dict[str, list[str]] = {}
        for entity, record in places:
            by_entity.setdefault(entity, []).append(record)
        found: list[tuple[int, AnyChange | _Left]] = []
        for entity, ids in by_entity.items():
            for record, change in (await self._of_entity(job, entity, ids, caller, page)).items():
                found.append((places[entity, record], change))
        ordered = [change for _, change in sorted(found, key=lambda pair: pair[0])]
        return [c for c in ordered if not isinstance(c, _Left)], [c for c in ordered if isinstance(c, _Left)]

    async def _of_entity(
        self, job: Job, entity: str, ids: list[str], caller: Caller, page: Sequence[HistoryEntry]
    ) -> Mapping[str, AnyChange | _Left]:
        services, registry = self._services, self._services.registry
        model, caused = registry.entities.get(entity), job.caused()
        if model is None or caused is None:
            return {id: _Left(entity, id, [_fault(f"There is no entity {entity} any more.")]) for id in ids}
        entries: dict[str, list[HistoryEntry]] = {}
        for entry in await history.of_cause_on(services.database, caused, entity, ids):
            entries.setdefault(entry.record, []).append(entry)
        access = registry.access(caller)
        there = await services.store.lookups.visible_ids(
            services.database, model, ids, access.rows(entity), registry.environment(caller, services.clock.now())
        )
        loaded = {r["id"]: r for r in await services.store.records.load(services.database, model, there)}
        readable = access.readable(entity)
        result: dict[str, AnyChange | _Left] = {}
        for id, of_record in entries.items():
            if of_record[-1].seq > page[0].seq:
                continue  # it was met, as a whole, on an earlier page
            if id not in loaded:
                result[id] = _Left(entity, id, [_fault(f"There is no {entity} {id} for you any more.", "not_found")])
                continue
            one, faults = whole(of_record)
            faults = faults or obstacles(model, one, loaded[id])
            result[id] = _Left(entity, id, told(faults, readable)) if faults else opposite(model, one, loaded[id])
        return result

    async def _write(
        self, job: Job, page: Sequence[HistoryEntry], changes: list[AnyChange], left: list[_Left], caller: Caller
    ) -> Job:
        """One transaction: the records, and how far the undoing is."""
        reached = job

        async def note(tx: Tx, outcomes: list[Outcome]) -> None:
            nonlocal reached
            refused = [*left, *_refused(outcomes)]
            state, was = RUNNING, _state(await running(tx, job.id))
            if was.before != _state(job).before:
                raise Error("in_progress", "Another process undoes the same import.")
            now = msgspec.structs.replace(
                was,
                before=page[-1].seq if page else was.before,
                records=was.records + sum(1 for o in outcomes if o.error is None),
                refused=was.refused + len(refused),
            )
            if not page:
                state = UNDONE if now.records or not now.refused else now.state
            reached = msgspec.structs.replace(job, undoing=now)
            await jobs.advance(tx, job.id, state=state, body=reached.body(), at=self._services.clock.now_text())
            await jobs.add_faults(tx, job.id, [(0, r.body()) for r in refused])

        await self._services.writer.write(changes, caller, atomic=False, also=note)
        return reached


def _refused(outcomes: Iterable[Outcome]) -> list[_Left]:
    return [_Left(o.entity, str(o.id), o.error.faults) for o in outcomes if o.error is not None]


def _state(job: Job) -> Undoing:
    if job.undoing is None:
        raise Error("conflict", "Nobody asked to undo this job.")
    return job.undoing


def _fault(detail: str, code: str = "conflict", pointer: str = "") -> Fault:
    return Fault(pointer=pointer, code=code, detail=detail, status=409)
