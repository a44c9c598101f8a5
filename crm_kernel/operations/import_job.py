"""How far an import is: what is stored with each batch, and what is told in the end (floor 7)."""

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
from crm_kernel.operations.import_mapping import Plan
from crm_kernel.operations.import_rows import CsvFile, Survey
from crm_kernel.storage import jobs
from crm_kernel.storage.jobs import DONE, RUNNING
from crm_kernel.storage.ports import Database, Tx

SHOWN = 100
"""Faults that an answer names; the file of refused rows names all."""

NO_COUNTS = {"created": 0, "updated": 0, "unchanged": 0, "skipped": 0, "refused": 0}

Progress = Callable[[int, int], None]
"""Called after each batch with the rows done so far and all rows of the file."""


class Task(NamedTuple):
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


class Job(NamedTuple):
    """How far a job is: `position` rows of `rows` are done."""

    id: str
    entity: str
    file: str
    rows: int
    position: int
    counts: dict[str, int]

    @property
    def state(self) -> str:
        """running or done."""
        return DONE if self.position >= self.rows else RUNNING

    def body(self) -> dict[str, Any]:
        """What is stored of it, so that it can be continued."""
        return {name: value for name, value in self._asdict().items() if name != "id"}

    def after(self, position: int, done: Result) -> Job:
        """The job with one more batch done."""
        counts = {name: self.counts[name] + done.counts[name] for name in self.counts}
        return self._replace(position=position, counts=counts)


async def advance(tx: Tx, before: Job, after: Job, done: Result, now: str) -> None:
    """Store how far the job is, in the transaction that stores its rows."""
    if await jobs.position(tx, before.id) != before.position:
        raise Error("in_progress", "Another process runs the same import.")
    await jobs.advance(tx, after.id, state=after.state, body=after.body(), at=now)
    await jobs.add_faults(
        tx, after.id, [(r.number, {"cells": r.cells, "errors": [f.render() for f in r.faults]}) for r in done.refusals]
    )


async def answer(job: Job, database: Database) -> dict[str, Any]:
    """The `job` of http-api.md, with the first faults."""
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


def open_errors(task: Task) -> TextIO | None:
    """The file for refused rows, opened before anything is imported. Raises `ConfigError` where that is impossible."""
    if task.errors_path is None:
        return None
    try:
        return task.errors_path.open("w", encoding=task.mapping.encoding, errors="replace", newline="")
    except OSError as error:
        raise ConfigError(f"{task.errors_path} cannot be written: {error.strerror}.", usage=True) from error


async def write_errors(file: TextIO, task: Task, database: Database, job: str) -> None:
    """Write the refused rows of a job: the original columns and `_row _pointer _code _detail`, a line a row.

    Delimiter and encoding are those of the file, so that its rows can be mended and imported with the same mapping;
    several faults of a row are parted by `; `.
    """
    header = task.survey.header
    lines = csv.writer(file, delimiter=task.mapping.delimiter)
    lines.writerow([*header, "_row", "_pointer", "_code", "_detail"])
    seq = 0
    while refused := await jobs.faults(database, job, after=seq, limit=BATCH):
        for row in refused:
            cells = [*row.body["cells"], *[""] * len(header)][: len(header)]
            errors = row.body["errors"]
            why = ["; ".join(error[member] for error in errors) for member in ("pointer", "code", "detail")]
            lines.writerow([*cells, row.row, *why])
        seq = refused[-1].seq
