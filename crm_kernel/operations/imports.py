"""Importing a file: every row passes the write door, each exactly once however often the import is interrupted.

The position in the file, the counts and the refused rows are stored in the transaction that stores the rows of a
batch. So whoever gives the same command again goes on behind the last batch that was stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

from crm_kernel.access import not_found
from crm_kernel.callers import Caller
from crm_kernel.clock import Clock
from crm_kernel.errors import Error
from crm_kernel.fields.base import Faulty
from crm_kernel.mappings import ImportMapping
from crm_kernel.operations.changes import AnyChange
from crm_kernel.operations.import_changes import QUIET, Duplicates, Row, Size, batches, result, to_change
from crm_kernel.operations.import_job import NO_COUNTS, Job, Progress, Task, advance, answer, open_errors, write_errors
from crm_kernel.operations.import_mapping import Column, settle
from crm_kernel.operations.import_rows import CsvFile
from crm_kernel.operations.outcomes import Outcome
from crm_kernel.operations.write import Writer
from crm_kernel.registry import Registry
from crm_kernel.storage import jobs
from crm_kernel.storage.jobs import StoredJob
from crm_kernel.storage.ports import Database, Tx
from crm_kernel.storage.store import Store


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


@dataclass
class _Batch:
    """Rows of one transaction: all, those that are sent, and the changes they ask for once these are made."""

    rows: list[Row]
    sent: list[Row]
    changes: list[AnyChange] | None = None


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
        on_duplicate: Duplicates = "error",
        dry_run: bool = False,
        errors_path: Path | None = None,
        progress: Progress | None = None,
    ) -> dict[str, Any]:
        """Import all rows of a CSV file; the answer is a `job` (http-api.md) with the first faults in `errors`.

        Without a mapping the headers are field names, and each must be one. A dry run does all this to a copy of the
        database. `errors_path` gets the refused rows. Raises `Error`: not_found, forbidden, bad_value (the file is not
        CSV in its encoding), invalid (mapping and file, or mapping and entity, do not fit), in_progress (another
        process runs the same import), busy, disk_full; `ConfigError` where a file cannot be opened.
        """
        access = self._services.registry.access(caller)
        if not access.knows(entity):
            raise not_found(entity)
        if not access.allows(entity, "import"):
            raise Error("forbidden", f"You may not import {entity} records.")
        mapping = mapping or ImportMapping(unmapped="error")
        file = CsvFile(path, mapping)
        survey = await asyncio.to_thread(file.survey)
        registry = self._services.registry
        seen = {name: access.seen(name) for name in registry.entities}
        plan = settle(mapping, survey.header, seen[entity], seen, registry.value_context)
        task = Task(entity, file, survey, plan, mapping, caller, on_duplicate, errors_path, progress)
        if not dry_run:
            return await self._run(task, self._services.database, self._services.writer)
        async with self._services.database.scratch() as copy:
            return await self._run(task, copy, self._services.writer.on(copy)) | {"id": None}

    async def _run(self, task: Task, database: Database, writer: Writer) -> dict[str, Any]:
        with ExitStack() as opened:
            file = open_errors(task)
            if file is not None:
                opened.enter_context(file)
            job = await self._all_batches(task, database, writer)
            if file is not None:
                await write_errors(file, task, database, job.id)
        return await answer(job, database)

    async def _all_batches(self, task: Task, database: Database, writer: Writer) -> Job:
        job = await self._begin(task, database)
        size = Size()
        source = batches(task.file.rows(job.position), task.plan, size)
        batch = await self._next_batch(task, source, database, writer)
        while batch is not None:
            written, begun, rows = asyncio.Event(), monotonic(), len(batch.rows)
            stored = asyncio.create_task(self._batch(task, job, batch, database, writer, written))
            stored.add_done_callback(lambda _, written=written: written.set())
            await written.wait()  # while its COMMIT reaches the disk, the next rows are made ready
            try:
                batch = await self._next_batch(task, source, database, writer)
            finally:
                job = await stored
            now = monotonic()
            size.took(rows, now - begun, shared=now - database.others_wrote < QUIET)
            if task.progress is not None:
                task.progress(job.position, job.rows)
        return job

    async def _begin(self, task: Task, database: Database) -> Job:
        """The unfinished job of the same command, else a new one."""
        fingerprint = task.fingerprint()
        known = await jobs.unfinished(database, fingerprint)
        if known is not None:
            return Job(known.id, **known.body)
        job = Job(self._services.store.new_id(), task.entity, task.file.name, task.survey.rows, 0, dict(NO_COUNTS))
        now = self._services.clock.now_text()
        stored = StoredJob(job.id, "import", job.state, fingerprint, task.caller.id, job.body(), now, now)
        await database.write(lambda tx: jobs.add(tx, stored))
        return job

    async def _next_batch(
        self, task: Task, source: Iterator[list[Row]], database: Database, writer: Writer
    ) -> _Batch | None:
        """The next rows as far as they can be made ready before those ahead of them are stored."""
        rows = next(source, None)
        if rows is None:
            return None
        batch = _Batch(rows, [row for row in rows if "" not in row.faults])
        if not task.plan.refers_to_itself:
            await self._ready(task, batch, database, writer)
        return batch

    async def _ready(self, task: Task, batch: _Batch, database: Database, writer: Writer) -> None:
        for column in task.plan.columns:
            if column.match is not None:
                await self._match(task, column, batch.sent, database)
        batch.changes = [to_change(task.plan, row, task.on_duplicate) for row in batch.sent]
        writer.prepare(batch.changes, task.caller)

    async def _batch(
        self, task: Task, job: Job, batch: _Batch, database: Database, writer: Writer, written: asyncio.Event
    ) -> Job:
        """One transaction: the rows, and how far the job is with them."""
        if batch.changes is None:
            await self._ready(task, batch, database, writer)
        rows, sent, changes = batch.rows, batch.sent, batch.changes or []
        reached = job

        async def note(tx: Tx, outcomes: list[Outcome]) -> None:
            nonlocal reached
            done = result(rows, sent, outcomes)
            reached = job.after(rows[-1].number, done)
            await advance(tx, job, reached, done, self._services.clock.now_text())
            written.set()

        await writer.write(changes, task.caller, atomic=False, also=note)
        return reached

    async def _match(self, task: Task, column: Column, rows: list[Row], database: Database) -> None:
        """Put ids in the place of what names other records, found in one statement."""
        name, match = column.field.name, column.match
        if match is None:
            return
        registry = self._services.registry
        target = registry.entities[str(column.field.options.reference)]
        keys: dict[str, Any] = {}
        for text in {row.values[name] for row in rows if isinstance(row.values[name], str)}:
            try:
                keys[text] = match.type.canonical(match.type.parse(text, task.plan.context), task.plan.context)
            except Faulty:
                keys[text] = None
        found = await self._services.store.records.find_by_key(
            database, target, (match.name,), [(k,) for k in keys.values()]
        )
        visible = await self._visible(task.caller, target.name, match.name, set(found.values()), database)
        for row in rows:
            text = row.values[name]
            if isinstance(text, str) and f"/{name}" not in row.faults:
                id = found.get((keys[text],))
                if id in visible:
                    row.values[name] = id
                else:
                    row.fail(column, "reference", f"There is no {target.name} with {match.name} {text[:80]!r} for you.")

    async def _visible(self, caller: Caller, entity: str, field: str, ids: set[str], database: Database) -> set[str]:
        """Those of `ids` that he may read together with the field they were found by."""
        registry, store = self._services.registry, self._services.store
        access = registry.access(caller)
        environment = registry.environment(caller, self._services.clock.now())
        if field not in access.readable(entity):
            return set()
        for rule in (access.rows(entity), access.field_rows(entity, field)):
            if rule is not None and ids:
                ids = await store.lookups.visible_ids(database, registry.entities[entity], ids, rule, environment)
        return ids
