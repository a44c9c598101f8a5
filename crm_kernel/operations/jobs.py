"""Imports that were sent to the server: taken, looked at, cancelled, undone, and done by a process of their own.

Whoever sent the file, and administrators, see its job; for others there is none (floor 7).
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from typing import Any, NamedTuple, Protocol

import msgspec

from crm_kernel.access import not_found
from crm_kernel.callers import Caller
from crm_kernel.clock import Clock
from crm_kernel.errors import ConfigError, Error, Fault
from crm_kernel.mapping_files import parse_mapping
from crm_kernel.mappings import ImportMapping
from crm_kernel.operations import recompute
from crm_kernel.operations.csv_text import csv_line
from crm_kernel.operations.import_changes import BATCH, Duplicates
from crm_kernel.operations.import_job import (
    FAULT_COLUMNS,
    KIND,
    Job,
    Undoing,
    Upload,
    answer,
    fault_cells,
    is_waiting,
    possible_undo,
    running,
)
from crm_kernel.operations.import_undo import ImportUndo
from crm_kernel.operations.imports import Imports
from crm_kernel.operations.job_files import JobFiles
from crm_kernel.operations.outcomes import Also
from crm_kernel.operations.write import Writer
from crm_kernel.registry import Registry
from crm_kernel.storage import history, jobs
from crm_kernel.storage.jobs import CANCELLED, FAILED, QUEUED, RUNNING, StoredJob
from crm_kernel.storage.ports import Database, Reads, Tx
from crm_kernel.storage.store import Store

SURVEYED = 8 * 1024 * 1024
"""Bytes of a file up to which all of it is looked through before it is taken; of a larger one only the header is."""

_ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

LATER = ("busy", "disk_full", "in_progress")
"""Refusals after which a job is tried again."""


class Services(Protocol):
    """What jobs need of their kernel."""

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
    def imports(self) -> Imports: ...
    def system(self, channel: str, plugin: str | None = None) -> Caller: ...
    async def caller_for(self, user: str, channel: str) -> Caller: ...


class Sent(NamedTuple):
    """A file that was sent, as the draft `id`, with what came along."""

    id: str
    name: str
    size: int
    mapping: ImportMapping | None = None
    format: str | None = None
    media: str | None = None
    on_duplicate: Duplicates = "error"
    dry_run: bool = False


class Jobs:
    """The jobs of one kernel."""

    def __init__(self, services: Services, files: JobFiles) -> None:
        self._services = services
        self.files = files
        self._undo = ImportUndo(services)

    async def take(self, entity: str, sent: Sent, caller: Caller, *, keep: Also | None = None) -> dict[str, Any]:
        """Check what was sent and let it wait for a process; the new job. `keep` runs in its transaction.

        Raises `Error`: not_found, forbidden, bad_value (no CSV, or not in its encoding), invalid (mapping and file, or
        mapping and entity, do not fit; pointers begin with `/mapping`), busy, disk_full.
        """
        services = self._services
        path = self.files.draft_path(sent.id)
        try:
            task = await services.imports.settled(
                entity,
                path,
                sent.mapping,
                caller,
                sent.on_duplicate,
                format=sent.format,
                media=sent.media,
                name=sent.name,
                whole=sent.size <= SURVEYED,
            )
        except Error as error:
            if error.code != "invalid":
                raise
            faults = [f if f.pointer == "/format" else f.at(prefix="/mapping") for f in error.faults]
            raise Error("invalid", hint=error.hint, faults=faults) from None
        scope = None if caller.entities is None else sorted(caller.entities)
        upload = Upload(
            mapping=sent.mapping,
            format=sent.format or task.format,
            on_duplicate=sent.on_duplicate,
            dry_run=sent.dry_run,
            entities=scope,
        )
        job = Job(
            id=sent.id,
            entity=entity,
            file=sent.name,
            rows=task.survey.rows,
            header=task.survey.header,
            first=await history.newest(services.database),
            upload=upload,
        )
        now = services.clock.now_text()
        stored = StoredJob(job.id, KIND, QUEUED, "", caller.id, job.body(), now, now)

        async def work(tx: Tx) -> None:
            await jobs.add(tx, stored)
            if keep is not None:
                await keep(tx, [])

        self.files.keep(sent.id)
        try:
            await services.database.write(work)
        except BaseException:
            self.files.forget(sent.id)
            raise
        return await answer(job, QUEUED, services.database)

    async def get(self, id: str, caller: Caller, *, reads: Reads | None = None) -> dict[str, Any]:
        """A job as http-api.md has it. Raises `Error("not_found")` for one that is not his."""
        computing = await self._recomputation(id, caller, reads or self._services.database)
        if computing is not None:
            return recompute.answer(computing)
        stored, job = await self._his(id, caller, reads or self._services.database)
        undo = "no" if reads is not None else await possible_undo(job, stored.state, self._services.database)
        return await answer(job, stored.state, reads or self._services.database, undo=undo)

    async def cancel(self, id: str, caller: Caller) -> dict[str, Any]:
        """End a job where it is; what it wrote stays. Raises `Error`: not_found, conflict (it has ended)."""

        async def work(tx: Tx) -> None:
            await tx.lock(f"job {id}")
            await self._refuse_recomputation(id, caller, tx)
            stored, job = await self._his(id, caller, tx)
            if not is_waiting(stored.state):
                raise Error("conflict", f"The job is {stored.state}: there is nothing to cancel.", hint="")
            await self._put(tx, job, CANCELLED)

        await self._services.database.write(work)
        self.files.forget(id)
        return await self.get(id, caller)

    async def undo(self, id: str, caller: Caller, *, here: bool = False) -> dict[str, Any]:
        """Let all that an import wrote be taken back, as far as nothing was changed since; the job.

        `here`: by this process, which calls `work`. Raises `Error`: not_found, conflict (why it cannot be undone).
        """
        await self._refuse_recomputation(id, caller, self._services.database)
        stored, job = await self._his(id, caller, self._services.database)
        if here and is_waiting(stored.state) and job.undoing is not None:
            return await self.get(id, caller)  # begun by a process that was ended
        if await possible_undo(job, stored.state, self._services.database) == "no":
            raise Error("conflict", _why_not(job, stored.state), hint="GET /api/jobs/{id} says whether it is possible.")

        async def work(tx: Tx) -> None:
            await tx.lock(f"job {id}")
            now, job = await self._his(id, caller, tx)
            if now.state != stored.state:
                raise Error("conflict", f"The job is {now.state} meanwhile.", hint="")
            await self._put(tx, await self._asked(tx, job, now.state, caller), QUEUED)

        if not here:
            self.files.mark_undo(id)
        await self._services.database.write(work)
        return await self.get(id, caller)

    async def _asked(self, tx: Tx, job: Job, state: str, caller: Caller) -> Job:
        scope = None if caller.entities is None else sorted(caller.entities)
        begun = job.undoing
        if begun is not None and state == CANCELLED:
            undoing = msgspec.structs.replace(begun, user=caller.id, entities=scope)
        else:
            await jobs.forget_faults_of_undo(tx, job.id)
            undoing = Undoing(user=caller.id, state=state, entities=scope)
        return msgspec.structs.replace(job, undoing=undoing, failure=None)

    async def errors(self, id: str, caller: Caller) -> AsyncGenerator[str]:
        """The refused rows of a job as lines of CSV that a spreadsheet does not run, then what its undoing left."""
        _, job = await self._his(id, caller, self._services.database)
        yield csv_line([*job.header, *FAULT_COLUMNS])
        for of_undo in (False, True):
            seq = 0
            while page := await jobs.faults(
                self._services.database, id, after=seq, limit=BATCH, of_undo=of_undo
            ):  # fmt: skip
                yield "".join(csv_line(fault_cells(job.header, row)) for row in page)
                seq = page[-1].seq

    async def waits(self, id: str) -> bool | None:
        """Whether a job waits for a process or has one; None where there is no such job."""
        stored = await jobs.get(self._services.database, id)
        return None if stored is None else is_waiting(stored.state)

    async def work(self, id: str) -> None:
        """Do what a job waits for, to its end; a job that has ended is left alone.

        Raises `Error`: one of `LATER` where it is to be tried again. Any other refusal is what the job ends with.
        """
        job = await self._services.database.write(lambda tx: self._begin(tx, id))
        if job is None:
            return
        try:
            await (self._undone(job) if job.undoing is not None else self._imported(job))
        except Error as error:
            if error.code in LATER:
                raise
            await self.fail(id, error.render())
        except ConfigError as error:
            await self.fail(id, Error("bad_value", "; ".join(error.problems)).render())

    async def _begin(self, tx: Tx, id: str) -> Job | None:
        await tx.lock(f"job {id}")
        stored = await jobs.get(tx, id)
        if stored is None or not is_waiting(stored.state):
            return None
        job = Job.of(stored)
        await self._put(tx, job, RUNNING)
        return job

    async def _imported(self, job: Job) -> None:
        services, upload = self._services, job.upload or Upload()
        owner = await jobs.get(services.database, job.id)
        caller = await self._caller(None if owner is None else owner.user, upload.entities, "import")
        path = self.files.path(job.id)
        task = await services.imports.settled(
            job.entity, path, upload.mapping, caller, upload.on_duplicate, format=upload.format, name=job.file
        )  # fmt: skip
        surveyed = msgspec.structs.replace(job, rows=task.survey.rows, header=task.survey.header)

        async def work(tx: Tx) -> None:
            await running(tx, job.id)
            await self._put(tx, surveyed, surveyed.state)

        await services.database.write(work)
        if surveyed.state == RUNNING:
            await services.imports.go_on(task, surveyed)

    async def _undone(self, job: Job) -> None:
        if job.undoing is not None:
            caller = await self._caller(job.undoing.user, job.undoing.entities, "undo")
            await self._undo.run(job, caller)

    async def _caller(self, user: str | None, entities: list[str] | None, channel: str) -> Caller:
        """Who asked for it, with the rights he has now, in the scope of the token he came with."""
        if user is None:
            return self._services.system(channel)
        caller = await self._services.caller_for(user, channel)
        return caller if entities is None else msgspec.structs.replace(caller, entities=frozenset(entities))

    async def fail(self, id: str, problem: dict[str, Any]) -> None:
        """End a job that waits or runs with a problem; what it wrote stays."""
        fault = Fault(pointer="", code=problem["code"], detail=problem["detail"]).render()

        async def work(tx: Tx) -> None:
            await tx.lock(f"job {id}")
            stored = await jobs.get(tx, id)
            if stored is not None and is_waiting(stored.state):
                await self._put(tx, msgspec.structs.replace(Job.of(stored), failure=fault), FAILED)

        await self._services.database.write(work)

    async def _put(self, tx: Tx, job: Job, state: str) -> None:
        await jobs.advance(tx, job.id, state=state, body=job.body(), at=self._services.clock.now_text())

    async def _recomputation(self, id: str, caller: Caller, reads: Reads) -> StoredJob | None:
        """The job if it is one that computes fields anew, for whom may change documents."""
        may_see = caller.system or (caller.is_admin and caller.entities is None)
        stored = await jobs.get(reads, id) if may_see and _ID.fullmatch(id) else None
        return stored if stored is not None and stored.kind == recompute.KIND else None

    async def _refuse_recomputation(self, id: str, caller: Caller, reads: Reads) -> None:
        if await self._recomputation(id, caller, reads) is not None:
            raise Error("conflict", "Fields are being computed anew: that is neither cancelled nor undone.", hint="")

    async def _his(self, id: str, caller: Caller, reads: Reads) -> tuple[StoredJob, Job]:
        stored = await jobs.get(reads, id) if _ID.fullmatch(id) else None
        if stored is not None and stored.kind == KIND:
            job = Job.of(stored)
            owns = caller.system or caller.is_admin or (caller.id is not None and caller.id == stored.user)
            if owns and (caller.entities is None or job.entity in caller.entities):
                return stored, job
        raise not_found("job", id)


def read_mapping(raw: bytes, name: str) -> ImportMapping:
    """The mapping that was sent, JSON or TOML. Raises `Error("invalid")`, pointers begin with `/mapping`."""
    mapping, problems = parse_mapping(raw, name)
    if mapping is None:
        faults = [
            Fault(pointer=f"/mapping{p.pointer or ''}", code=p.code or "format", detail=p.sentence()) for p in problems
        ]
        raise Error("invalid", faults=faults)
    return mapping


def _why_not(job: Job, state: str) -> str:
    if is_waiting(state):
        return f"The job is {state}: cancel it, or wait for its end."
    if job.is_dry:
        return "It was a dry run: nothing was written."
    if state not in (FAILED, CANCELLED, "done"):
        return f"The job is {state}."
    if job.caused() is None or not job.counts["created"] + job.counts["updated"]:
        return "It wrote nothing that could be undone."
    return "All that it wrote was changed since."
