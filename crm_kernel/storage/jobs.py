"""Long work that can be continued, and the rows it refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from crm_kernel.storage.jsontext import from_json, to_json
from crm_kernel.storage.ports import Reads, Tx
from crm_kernel.storage.tables import Job

QUEUED = "queued"
RUNNING = "running"
DONE = "done"
FAILED = "failed"
CANCELLED = "cancelled"
UNDONE = "undone"

_ADD_FAULT = "INSERT INTO crm_job_fault (job, row, body) VALUES (?, ?, ?)"
_FAULTS = "SELECT seq, row, body FROM crm_job_fault WHERE job = ? AND seq > ? AND row {} 0 ORDER BY seq LIMIT ?"


class StoredJob(NamedTuple):
    """One job. `fingerprint`: of what it does, so that the same again continues it; `body`: how far it is."""

    id: str
    kind: str
    state: str
    fingerprint: str
    user: str | None
    body: Mapping[str, Any]
    created_at: str
    updated_at: str


class RowFault(NamedTuple):
    """One refused row: its number in the file (0: a record that stays as it is when the job is undone), `body` what it
    was and what is wrong with it."""

    seq: int
    row: int
    body: Mapping[str, Any]


async def add(tx: Tx, job: StoredJob) -> None:
    """Store a new job."""
    row: dict[str, Any] = job._asdict() | {"body": to_json(job.body)}
    await tx.run(Job.insert(Job(**row)))


async def unfinished(reads: Reads, fingerprint: str) -> StoredJob | None:
    """The job of this fingerprint that was begun and has not ended."""
    query = Job.select().where(Job.fingerprint == fingerprint).where(Job.state == RUNNING)
    return _first(await reads.run(query))


async def live(reads: Reads, kind: str) -> list[StoredJob]:
    """The jobs of a kind that have not ended."""
    query = Job.select().where(Job.kind == kind).where(Job.state.is_in([QUEUED, RUNNING]))
    return [_stored(row) for row in await reads.run(query)]


async def get(reads: Reads, id: str) -> StoredJob | None:
    """A job by its id."""
    return _first(await reads.run(Job.select().where(Job.id == id)))


def _first(rows: list[dict[str, Any]]) -> StoredJob | None:
    return _stored(rows[0]) if rows else None


def _stored(row: dict[str, Any]) -> StoredJob:
    return StoredJob(**(row | {"body": from_json(row["body"])}))


async def advance(tx: Tx, id: str, *, state: str, body: Mapping[str, Any], at: str) -> None:
    """Note how far a job is, and in which state."""
    values: dict[Any, Any] = {Job.state: state, Job.body: to_json(body), Job.updated_at: at}
    await tx.run(Job.update(values).where(Job.id == id))


async def add_faults(tx: Tx, job: str, faults: Iterable[tuple[int, Mapping[str, Any]]]) -> None:
    """Store refused rows: (number of the row, what it was and what is wrong)."""
    await tx.executemany(_ADD_FAULT, [(job, row, to_json(body)) for row, body in faults])


async def faults(reads: Reads, job: str, *, after: int = 0, limit: int = 1000, of_undo: bool = False) -> list[RowFault]:
    """The refused rows of a job behind number `after`, in the order of the file; or what its undoing left."""
    rows = await reads.read(_FAULTS.format("=" if of_undo else ">"), (job, after, limit))
    return [RowFault(seq, row, from_json(body)) for seq, row, body in rows]


async def forget_faults_of_undo(tx: Tx, job: str) -> None:
    """Take away what an earlier undoing of a job left."""
    await tx.execute("DELETE FROM crm_job_fault WHERE job = ? AND row = 0", (job,))
