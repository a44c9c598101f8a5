"""How far an import is: what is stored with each batch, and what is told of it (floor 7)."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import msgspec

from crm_kernel.callers import Caller
from crm_kernel.errors import ConfigError, Error
from crm_kernel.mappings import ImportMapping
from crm_kernel.operations.import_changes import BATCH, Duplicates, Result
from crm_kernel.operations.import_rows import Survey
from crm_kernel.operations.import_sources import Source
from crm_kernel.storage import history, jobs
from crm_kernel.storage.history import Caused
from crm_kernel.storage.jobs import CANCELLED, DONE, FAILED, QUEUED, RUNNING, StoredJob
from crm_kernel.storage.ports import Database, Reads, Tx

KIND = "import"
SHOWN = 100
"""Faults that an answer names; the file of refused rows names all."""

NO_COUNTS = {"created": 0, "updated": 0, "unchanged": 0, "skipped": 0, "refused": 0}

Progress = Callable[[int, int], None]
"""Called after each batch with the rows done so far and all rows of the file."""


class Task(NamedTuple):
    """What is to be done."""

    entity: str
    source: Source
    survey: Survey
    mapping: ImportMapping
    format: str | None
    caller: Caller
    on_duplicate: Duplicates
    errors_path: Path | None = None
    progress: Progress | None = None

    def fingerprint(self) -> str:
        """SHA-256 of file, mapping, format, entity, options and caller: the same command again has the same."""
        options = [self.survey.digest, self.mapping, self.entity, self.on_duplicate, self.caller.id]
        if self.format is not None:
            options.append(self.format)
        return hashlib.sha256(msgspec.json.encode(options, order="deterministic")).hexdigest()


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """What came with a file that was sent: the mapping, the options, and the scope of the token."""

    mapping: ImportMapping | None = None
    format: str | None = None
    on_duplicate: Duplicates = "error"
    dry_run: bool = False
    entities: list[str] | None = None


class Undoing(msgspec.Struct, frozen=True, kw_only=True):
    """Who takes the import back (None: the system), in which state it was, and how far he is.

    `before` is the history entry down to which all is done; None as long as nothing is.
    """

    user: str | None
    state: str
    entities: list[str] | None = None
    before: int | None = None
    records: int = 0
    refused: int = 0


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """How far a job is: `position` rows of `rows` are done.

    `first` and `last` are the newest entries of history before and after it (None in jobs from before they were kept).
    `failure` is the problem that ended it.
    """

    id: str
    entity: str
    file: str
    rows: int = 0
    position: int = 0
    counts: dict[str, int] = msgspec.field(default_factory=lambda: dict(NO_COUNTS))
    header: list[str] = []
    first: int | None = None
    last: int | None = None
    upload: Upload | None = None
    undoing: Undoing | None = None
    failure: dict[str, Any] | None = None

    @classmethod
    def of(cls, stored: StoredJob) -> Job:
        """What is stored of a job."""
        return msgspec.convert({**stored.body, "id": stored.id}, cls)

    @property
    def state(self) -> str:
        """running or done."""
        return DONE if self.position >= self.rows else RUNNING

    @property
    def is_dry(self) -> bool:
        """Whether it writes nothing."""
        return self.upload is not None and self.upload.dry_run

    @property
    def cause(self) -> dict[str, str]:
        """What history gives as the cause of its changes."""
        return {"job": self.id}

    def caused(self, before: int | None = None) -> Caused | None:
        """Its entries of history, or those older than `before`; None where nobody knows them."""
        if self.first is None or self.is_dry:
            return None
        last = 2**63 - 1 if self.last is None else self.last
        return Caused(self.first, last if before is None else before - 1, self.cause)

    def body(self) -> dict[str, Any]:
        """What is stored of it, so that it can be continued."""
        return {name: value for name, value in msgspec.to_builtins(self).items() if name != "id"}

    def after(self, position: int, done: Result) -> Job:
        """The job with one more batch done."""
        counts = {name: self.counts[name] + done.counts[name] for name in self.counts}
        return msgspec.structs.replace(self, position=position, counts=counts)


async def running(tx: Tx, id: str) -> Job:
    """The job as it is stored now. Raises `Error`: conflict (it was cancelled), in_progress (another ended it)."""
    await tx.lock(f"job {id}")
    stored = await jobs.get(tx, id)
    if stored is None or stored.state == CANCELLED:
        raise Error("conflict", "The job was cancelled.")
    if stored.state != RUNNING:
        raise Error("in_progress", "Another process runs the same job.")
    return Job.of(stored)


async def advance(tx: Tx, before: Job, after: Job, done: Result, now: str) -> Job:
    """Store how far the job is, in the transaction that stores its rows. Raises `Error`: conflict, in_progress."""
    if (await running(tx, before.id)).position != before.position:
        raise Error("in_progress", "Another process runs the same import.")
    if after.state == DONE:
        after = msgspec.structs.replace(after, last=await history.newest(tx))
    await jobs.advance(tx, after.id, state=after.state, body=after.body(), at=now)
    await jobs.add_faults(
        tx, after.id, [(r.number, {"cells": r.cells, "errors": [f.render() for f in r.faults]}) for r in done.refusals]
    )
    return after


async def answer(job: Job, state: str, reads: Reads, *, undo: str = "no") -> dict[str, Any]:
    """The `job` of http-api.md: with the first faults, of its undoing where there was one."""
    left = await jobs.faults(reads, job.id, limit=SHOWN, of_undo=job.undoing is not None)
    errors = [error for row in left for error in row.body["errors"]][:SHOWN]
    refused = bool(job.counts["refused"] or errors)
    told: dict[str, Any] = {
        "id": job.id,
        "kind": KIND,
        "state": state,
        "rows": job.rows,
        "counts": job.counts,
        "errors": errors if job.failure is None else [job.failure, *errors],
        "errors_url": f"/api/jobs/{job.id}/errors.csv" if refused else None,
        "undo": undo,
        "entity": job.entity,
        "file": job.file,
        "dry_run": job.is_dry,
        "done": job.position,
    }
    if job.undoing is not None:
        told["undone"] = {"records": job.undoing.records, "refused": job.undoing.refused}
    return told


async def possible_undo(job: Job, state: str, database: Database) -> str:
    """Whether the job can be undone: possible, partly (some of its records were changed since), no."""
    begun = job.undoing if state == CANCELLED else None  # then the rest of it is asked for
    caused = job.caused(None if begun is None else begun.before)
    written = job.counts["created"] + job.counts["updated"]
    if state not in (DONE, FAILED, CANCELLED) or caused is None or not written:
        return "no"
    if job.last is not None and job.last == caused.after + written == await history.newest(database):
        return "possible"  # nobody else wrote anything since it began
    try:
        if not await history.altered_since(database, caused, all_of_them=False):
            return "possible"
        return "no" if await history.altered_since(database, caused, all_of_them=True) else "partly"
    except Error as error:
        if error.code != "busy":
            raise
        return "partly"  # nobody can look through it in reasonable time; more is not promised


def is_waiting(state: str) -> bool:
    """Whether a job waits for a process, or has one."""
    return state in (QUEUED, RUNNING)


def open_errors(task: Task) -> TextIO | None:
    """The file for refused rows, opened before anything is imported. Raises `ConfigError` where that is impossible."""
    if task.errors_path is None:
        return None
    try:
        return task.errors_path.open("w", encoding=task.mapping.encoding, errors="replace", newline="")
    except OSError as error:
        raise ConfigError(f"{task.errors_path} cannot be written: {error.strerror}.", usage=True) from error


FAULT_COLUMNS = ("_row", "_pointer", "_code", "_detail")


def fault_cells(header: list[str], row: jobs.RowFault) -> list[Any]:
    """The cells of a refused row as they were, and what is wrong with it; several faults are parted by `; `."""
    cells = [*row.body.get("cells", ()), *[""] * len(header)][: len(header)]
    errors = row.body["errors"]
    why = ["; ".join(error[member] for error in errors) for member in ("pointer", "code", "detail")]
    return [*cells, row.row or "", *why]


async def write_errors(file: TextIO, task: Task, database: Database, job: str) -> None:
    """Write the refused rows of a job: the original columns and `_row _pointer _code _detail`, a line a row.

    Delimiter and encoding are those of the file, so that its rows can be mended and imported with the same mapping.
    """
    header = task.survey.header
    lines = csv.writer(file, delimiter=task.mapping.delimiter)
    lines.writerow([*header, *FAULT_COLUMNS])
    seq = 0
    while refused := await jobs.faults(database, job, after=seq, limit=BATCH):
        for row in refused:
            lines.writerow(fault_cells(header, row))
        seq = refused[-1].seq
