"""Importing a file: every row passes the write door, each exactly once however often the import is interrupted.

The position in the file, the counts and the refused rows are stored in the transaction that stores the rows of a
batch. So whoever gives the same command again goes on behind the last batch that was stored.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import msgspec

from crm_kernel.access import not_found
from crm_kernel.callers import Caller
from crm_kernel.clock import Clock
from crm_kernel.errors import ConfigError, Error
from crm_kernel.fields.base import Faulty
from crm_kernel.mappings import ImportMapping
from crm_kernel.operations.import_changes import BATCH, Duplicates, Result, Row, batches, result, to_change
from crm_kernel.operations.import_mapping import Column, Plan, settle
from crm_kernel.operations.import_rows import CsvFile, Survey
from crm_kernel.operations.outcomes import Outcome
from crm_kernel.operations.write import Writer
from crm_kernel.registry import Registry
from crm_kernel.storage import jobs
from crm_kernel.storage.jobs import DONE, RUNNING, StoredJob
from crm_kernel.storage.ports import Database, Tx
from crm_kernel.storage.store import Store

SHOWN = 100
"""Faults that an answer names; the file of refused rows names all."""

_NO_COUNTS = {"created": 0, "updated": 0, "unchanged": 0, "skipped": 0, "refused": 0}

Progress = Callable[[int, int], None]
"""Called after each batch with the rows done so far and all rows of the file."""


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
        plan = settle(mapping, survey.header, registry.entities[entity], registry.entities, registry.value_context)
        task = _Task(entity, file, survey, plan, mapping, caller, on_duplicate, errors_path, progress)
        if not dry_run:
            return await self._run(task, self._services.database, self._services.writer)
        async with self._services.database.scratch() as copy:
            return await self._run(task, copy, self._services.writer.on(copy)) | {"id": None}

    async def _run(self, task: _Task, database: Database, writer: Writer) -> dict[str, Any]:
        job = await self._begin(task, database)
        source = batches(task.file.rows(job.position), task.plan)
        rows = next(source, None)
        while rows is not None:
            stored = asyncio.create_task(self._batch(task, job, rows, database, writer))
            await asyncio.sleep(0)  # it goes as far as its COMMIT; while that reaches the disk, the next rows are read
            try:
                rows = next(source, None)
            finally:
                job = await stored
            if task.progress is not None:
                task.progress(job.position, job.rows)
        if task.errors_path is not None:
            await write_errors(task.errors_path, task, database, job.id)
        return await _answer(job, database)

    async def _begin(self, task: _Task, database: Database) -> _Job:
        """The unfinished job of the same command, else a new one."""
        fingerprint = task.fingerprint()
        known = await jobs.unfinished(database, fingerprint)
        if known is not None:
            return _Job(known.id, **known.body)
        job = _Job(self._services.store.new_id(), task.entity, task.file.name, task.survey.rows, 0, dict(_NO_COUNTS))
        now = self._services.clock.now_text()
        stored = StoredJob(job.id, "import", job.state, fingerprint, task.caller.id, job.body(), now, now)
        await database.write(lambda tx: jobs.add(tx, stored))
        return job

    async def _batch(self, task: _Task, job: _Job, rows: list[Row], database: Database, writer: Writer) -> _Job:
        """One transaction: the rows, and how far the job is with them."""
        sent = [row for row in rows if "" not in row.faults]
        for column in task.plan.columns:
            if column.match is not None:
                await self._match(task, column, sent, database)
        reached = job

        async def note(tx: Tx, outcomes: list[Outcome]) -> None:
            nonlocal reached
            done = result(rows, sent, outcomes)
            reached = job.after(rows[-1].number, done)
            await _advance(tx, job, reached, done, self._services.clock.now_text())

        changes = [to_change(task.plan, row, task.on_duplicate) for row in sent]
        await writer.write(changes, task.caller, atomic=False, also=note)
        return reached

    async def _match(self, task: _Task, column: Column, rows: list[Row], database: Database) -> None:
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
        visible = await self._visible(task.caller, target.name, set(found.values()), database)
        for row in rows:
            text = row.values[name]
            if isinstance(text, str) and f"/{name}" not in row.faults:
                id = found.get((keys[text],))
                if id in visible:
                    row.values[name] = id
                else:
                    row.fail(column, "reference", f"There is no {target.name} with {match.name} {text[:80]!r} for you.")

    async def _visible(self, caller: Caller, entity: str, ids: set[str], database: Database) -> set[str]:
        registry = self._services.registry
        rows = registry.access(caller).rows(entity)
        if rows is None or not ids:
            return ids
        environment = registry.environment(caller, self._services.clock.now())
        return await self._services.store.lookups.visible_ids(
            database, registry.entities[entity], ids, rows, environment
        )


class _Task(NamedTuple):
    """What is to be done."""

    entity: str
    file: CsvFile
    survey: Survey
    plan: Plan
    mapping: ImportMapping
    caller: Caller
    on_duplicate: Duplicates
    errors_path: Path | None
    progress: Progress | None

    def fingerprint(self) -> str:
        """SHA-256 of file, mapping, entity, options and caller: the same command again has the same."""
        options = [self.survey.digest, self.mapping, self.entity, self.on_duplicate, self.caller.id]
        return hashlib.sha256(msgspec.json.encode(options, order="deterministic")).hexdigest()


class _Job(NamedTuple):
    """How far a job is: `position` rows of `rows` are done."""

    id: str
    entity: str
    file: str
    rows: int
    position: int
    counts: dict[str, int]

    @property
    def state(self) -> str:
        return DONE if self.position >= self.rows else RUNNING

    def body(self) -> dict[str, Any]:
        return {name: value for name, value in self._asdict().items() if name != "id"}

    def after(self, position: int, done: Result) -> _Job:
        counts = {name: self.counts[name] + done.counts[name] for name in self.counts}
        return self._replace(position=position, counts=counts)


async def _advance(tx: Tx, before: _Job, after: _Job, done: Result, now: str) -> None:
    """Store how far the job is, in the transaction that stores its rows."""
    if await jobs.position(tx, before.id) != before.position:
        raise Error("in_progress", "Another process runs the same import.")
    await jobs.advance(tx, after.id, state=after.state, body=after.body(), at=now)
    await jobs.add_faults(
        tx, after.id, [(r.number, {"cells": r.cells, "errors": [f.render() for f in r.faults]}) for r in done.refusals]
    )


async def _answer(job: _Job, database: Database) -> dict[str, Any]:
    refused = await jobs.faults(database, job.id, limit=SHOWN)
    return {
        "id": job.id,
        "kind": "import",
        "state": job.state,
        "rows": job.rows,
        "counts": job.counts,
        "errors": [error for row in refused for error in row.body["errors"]][:SHOWN],
        "errors_url": None,
        "undo": "no",
    }


async def write_errors(path: Path, task: _Task, database: Database, job: str) -> None:
    """Write the refused rows of a job: the original columns and `_row _pointer _code _detail`, a line a row.

    Delimiter and encoding are those of the file, so that its rows can be mended and imported with the same mapping;
    several faults of a row are parted by `; `. Raises `ConfigError` where the file cannot be written.
    """
    header, mapping = task.survey.header, task.mapping
    try:
        file = path.open("w", encoding=mapping.encoding, errors="replace", newline="")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}.", usage=True) from error
    with file:
        lines = csv.writer(file, delimiter=mapping.delimiter)
        lines.writerow([*header, "_row", "_pointer", "_code", "_detail"])
        seq = 0
        while refused := await jobs.faults(database, job, after=seq, limit=BATCH):
            for row in refused:
                cells = [*row.body["cells"], *[""] * len(header)][: len(header)]
                errors = row.body["errors"]
                why = ["; ".join(error[member] for error in errors) for member in ("pointer", "code", "detail")]
                lines.writerow([*cells, row.row, *why])
            seq = refused[-1].seq
