"""Importing a file: every row passes the write door, each exactly once however often the import is interrupted.

The position in the file, the counts and the refused rows are stored in the transaction that stores the rows of a
batch. So whoever gives the same command again goes on behind the last batch that was stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import ExitStack, aclosing
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

import msgspec

from crm_kernel.access import not_found
from crm_kernel.callers import Caller
from crm_kernel.clock import Clock
from crm_kernel.errors import Error
from crm_kernel.mappings import ImportMapping
from crm_kernel.operations.calls import Calls
from crm_kernel.operations.crm import Crm
from crm_kernel.operations.import_changes import Duplicates, Size, pace
from crm_kernel.operations.import_job import (
    KIND,
    Job,
    Progress,
    Task,
    advance,
    answer,
    open_errors,
    possible_undo,
    running,
    write_errors,
)
from crm_kernel.operations.import_mapping import readable_part, settle
from crm_kernel.operations.import_rows import CsvFile, Survey
from crm_kernel.operations.import_sources import Asked, CsvSource, ItemSource, chosen
from crm_kernel.operations.outcomes import Outcome
from crm_kernel.operations.write import Writer
from crm_kernel.plugins import PluginHost
from crm_kernel.registry import Registry
from crm_kernel.storage import history, jobs
from crm_kernel.storage.jobs import StoredJob
from crm_kernel.storage.ports import Database, Tx
from crm_kernel.storage.store import Store

ANALYZED, GROWN = 1_000, 16
"""Rows after which the database looks at the table, and the times as many after which it does so again: PostgreSQL
takes a table that it never looked at for nearly empty, and reads all of it for each batch (1,000 rows/s of 100,000)."""
_TO_BEGIN = 0.001
"""Seconds in which a COMMIT in a thread begins: it waits for Python's lock, which is given away every 5 ms otherwise
(an import of 15 s was idle for 5.0 of them, 5.4 without)."""
MOST_KEPT = 100_000
"""Refused rows that are kept of a dry run."""


Batches = AsyncGenerator[list[Any]]
"""The rows of a file in batches."""


class Services(Protocol):
    """What imports need of their kernel."""

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
    @property
    def plugins(self) -> PluginHost: ...
    @property
    def calls(self) -> Calls: ...
    def crm_for(self, plugin: str, caller: Caller, *, writes: bool = True) -> Crm: ...


@dataclass
class _Batch:
    """Rows of one transaction, and the changes they ask for once these are made."""

    rows: list[Any]
    asked: Asked | None = None


class Imports:
    """Imports of one kernel."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def run(
        self,
        entity: str,
        path: Path,
        mapping: ImportMapping | None,
        *,
        caller: Caller,
        format: str | None = None,
        on_duplicate: Duplicates = "error",
        dry_run: bool = False,
        errors_path: Path | None = None,
        progress: Progress | None = None,
    ) -> dict[str, Any]:
        """Import all rows of a file; the answer is a `job` (http-api.md) with the first faults in `errors`.

        `format` names the importer of a plugin; without it, and without a mapping, the suffix of the file may mean
        one; else it is CSV. Without a mapping its headers are field names, and each must be one. A dry run does all
        this to a copy of the database. `errors_path` gets the refused rows. Raises `Error`: not_found, forbidden,
        bad_value (the file is not CSV in its encoding), invalid (mapping and file, or mapping and entity, do not fit;
        no such format), in_progress (another process runs the same import), busy, disk_full; `ConfigError` where a
        file cannot be opened.
        """
        task = await self.settled(entity, path, mapping, caller, on_duplicate, format=format)
        task = task._replace(errors_path=errors_path, progress=progress)
        if not dry_run:
            job = await self._run(task, None, self._services.database, self._services.writer)
            undo = await possible_undo(job, job.state, self._services.database)
            return await answer(job, job.state, self._services.database, undo=undo)
        async with self._services.database.scratch() as copy:
            job = await self._run(task, None, copy, self._services.writer.on(copy))
            return await answer(job, job.state, copy) | {"id": None, "errors_url": None, "dry_run": True}

    def check(self, entity: str, caller: Caller) -> None:
        """Raise `Error`, not_found or forbidden, where the caller may not import records of an entity."""
        access = self._services.registry.access(caller)
        if not access.knows(entity):
            raise not_found(entity)
        if not access.allows(entity, "import"):
            raise Error("forbidden", f"You may not import {entity} records.")

    async def settled(
        self,
        entity: str,
        path: Path,
        mapping: ImportMapping | None,
        caller: Caller,
        on_duplicate: Duplicates,
        *,
        format: str | None = None,
        media: str | None = None,
        name: str | None = None,
        whole: bool = True,
    ) -> Task:
        """What is to be done with a file, all of it checked but its rows; nothing is begun.

        Without `whole` only the header is looked at (then the number of rows is not known). Raises as `run`.
        """
        self.check(entity, caller)
        name = name or path.name
        found = chosen(self._services.plugins, entity, name, format, media, mapped=mapping is not None)
        if found is not None:
            plugin, importer = found
            items = ItemSource(self._services, plugin, importer, path, caller, name=name)
            survey = await items.survey() if whole else Survey("", [], 0)
            return Task(entity, items, survey, ImportMapping(), importer.name, caller, on_duplicate)
        mapping = mapping or ImportMapping(unmapped="error")
        file = CsvFile(path, mapping, name)
        survey = await asyncio.to_thread(file.survey if whole else file.head)
        registry = self._services.registry
        model = readable_part(registry.entities, entity, registry.access(caller))
        plan = settle(mapping, survey.header, model[entity], model, registry.value_context)
        source = CsvSource(self._services, file, plan, caller, on_duplicate)
        return Task(entity, source, survey, mapping, None, caller, on_duplicate)

    async def go_on(self, task: Task, job: Job) -> Job:
        """Do what is left of a job that is stored as running; of a dry run all, and only what came of it is stored."""
        if not job.is_dry:
            return await self._run(task, job, self._services.database, self._services.writer)
        async with self._services.database.scratch() as copy:
            tried = await self._run(task, job, copy, self._services.writer.on(copy))
            await self._take_over(tried, copy)
        return tried

    async def _take_over(self, tried: Job, copy: Database) -> None:
        """Store what came of a dry run."""
        refused = await jobs.faults(copy, tried.id, limit=MOST_KEPT)
        now = self._services.clock.now_text()

        async def work(tx: Tx) -> None:
            await running(tx, tried.id)
            await jobs.advance(tx, tried.id, state=tried.state, body=tried.body(), at=now)
            await jobs.add_faults(tx, tried.id, [(fault.row, fault.body) for fault in refused])

        await self._services.database.write(work)

    async def _run(self, task: Task, job: Job | None, database: Database, writer: Writer) -> Job:
        with ExitStack() as opened:
            file = open_errors(task)
            if file is not None:
                opened.enter_context(file)
            job = await self._all_batches(task, job or await self._begin(task, database), database, writer)
            if file is not None:
                await write_errors(file, task, database, job.id)
        return job

    async def _all_batches(self, task: Task, job: Job, database: Database, writer: Writer) -> Job:
        task = task._replace(caller=msgspec.structs.replace(task.caller, cause=job.cause))
        size = Size()
        async with aclosing(task.source.batches(job.position, size)) as source:
            return await self._store_all(task, job, source, size, database, writer)

    async def _store_all(
        self, task: Task, job: Job, source: Batches, size: Size, database: Database, writer: Writer
    ) -> Job:
        beside_server = job.upload is not None
        started, analyzed = monotonic(), ANALYZED
        batch = await self._next_batch(task, source, database, writer)
        while batch is not None:
            written, begun, rows = asyncio.Event(), monotonic(), len(batch.rows)
            stored = asyncio.create_task(self._batch(task, job, batch, database, writer, written))
            stored.add_done_callback(lambda _, written=written: written.set())
            await written.wait()  # while its COMMIT reaches the disk, the next rows are made ready
            try:
                await asyncio.sleep(_TO_BEGIN)
                batch = await self._next_batch(task, source, database, writer)
            finally:
                job = await stored
            if job.position >= analyzed:
                await self._services.store.records.analyze(database, self._services.registry.entities[task.entity])
                analyzed = GROWN * job.position
            now = monotonic()
            others = max(database.others_wrote, started) if beside_server else database.others_wrote
            size.took(rows, now - begun, pace(now - others, database.alone))
            if task.progress is not None:
                task.progress(job.position, job.rows)
        return job

    async def _begin(self, task: Task, database: Database) -> Job:
        """The unfinished job of the same command, else a new one."""
        fingerprint = task.fingerprint()
        known = await jobs.unfinished(database, fingerprint)
        if known is not None:
            return Job.of(known)
        first = await history.newest(database)
        id, survey = self._services.store.new_id(), task.survey
        job = Job(id=id, entity=task.entity, file=task.source.name, rows=survey.rows, header=survey.header, first=first)
        now = self._services.clock.now_text()
        stored = StoredJob(job.id, KIND, job.state, fingerprint, task.caller.id, job.body(), now, now)
        await database.write(lambda tx: jobs.add(tx, stored))
        return job

    async def _next_batch(self, task: Task, source: Batches, database: Database, writer: Writer) -> _Batch | None:
        """The next rows as far as they can be made ready before those ahead of them are stored."""
        rows = await anext(source, None)
        if rows is None:
            return None
        batch = _Batch(rows)
        if task.source.ahead:
            await self._ready(task, batch, database, writer)
        return batch

    async def _ready(self, task: Task, batch: _Batch, database: Database, writer: Writer) -> Asked:
        batch.asked = asked = await task.source.asked(batch.rows, database)
        writer.prepare(asked.changes, task.caller)
        return asked

    async def _batch(
        self, task: Task, job: Job, batch: _Batch, database: Database, writer: Writer, written: asyncio.Event
    ) -> Job:
        """One transaction: the rows, and how far the job is with them."""
        asked = batch.asked or await self._ready(task, batch, database, writer)
        rows, reached = batch.rows, job

        async def note(tx: Tx, outcomes: list[Outcome]) -> None:
            nonlocal reached
            done = task.source.result(rows, outcomes)
            reached = await advance(tx, job, job.after(rows[-1].number, done), done, self._services.clock.now_text())
            written.set()

        await writer.write(asked.changes, task.caller, atomic=False, groups=asked.groups, also=note)
        return reached
