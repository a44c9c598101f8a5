"""`POST /api/records/{entity}/import`: a file taken in, and a job that imports it (floor 9)."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from litestar import post

from crm_kernel.api.answer import Answer
from crm_kernel.api.auth import read_only
from crm_kernel.api.jobs import accepted
from crm_kernel.api.once import do_once
from crm_kernel.api.request import ApiRequest
from crm_kernel.api.upload import Form, read_form, store
from crm_kernel.errors import Error, Fault
from crm_kernel.operations.import_changes import Duplicates
from crm_kernel.operations.jobs import Sent, read_mapping
from crm_kernel.operations.outcomes import Also, Outcome
from crm_kernel.storage.ports import Reads

MEGABYTE = 1024 * 1024
PARTS = ("mapping", "format", "dry_run", "on_duplicate")
DUPLICATES = ("error", "skip", "update", "create")
FLAGS = ("false", "true")


@post("/api/records/{entity:str}/import", status_code=202)
async def import_records(request: ApiRequest) -> Answer:
    """A file of records, imported by a job."""
    entity: str = request.path_params["entity"]
    kernel = request.kernel
    request.parameters()
    kernel.imports.check(entity, request.caller)
    id, limit = kernel.store.new_id(), kernel.settings.imports.max_megabytes * MEGABYTE
    with kernel.jobs.files.draft(id) as file:
        form = await read_form(request, file, file_part="file", known=PARTS, limit=limit)
        await asyncio.to_thread(store, file)
        sent = _sent(id, form)
        if request.caller.read_only and not sent.dry_run:
            raise read_only()
        answer = await _take(request, entity, sent, form.digest)
    kernel.job_runner.wake()
    return answer


ROUTES = (import_records,)


async def _take(request: ApiRequest, entity: str, sent: Sent, digest: bytes) -> Answer:
    jobs, caller = request.kernel.jobs, request.caller
    cast("dict[str, Any]", request.scope)["body"] = digest  # the boundary of a form that is sent again is another one
    key = request.once_key
    if key is None:
        return accepted(await jobs.take(entity, sent, caller))

    async def write(keep: Also) -> None:
        await jobs.take(entity, sent, caller, keep=keep)

    async def render(_: list[Outcome], reads: Reads) -> Answer:
        return accepted(await jobs.get(sent.id, caller, reads=reads))

    return await do_once(request, key, write, render)


def _sent(id: str, form: Form) -> Sent:
    """What the parts of a form say. Raises `Error("invalid")`."""
    faults: list[Fault] = []
    duplicates = _word(form, "on_duplicate", DUPLICATES, faults)
    dry_run = _word(form, "dry_run", FLAGS, faults)
    part = form.parts.get("mapping")
    mapping = None
    if part is not None and part.content.strip():
        try:
            mapping = read_mapping(part.content, part.filename or "mapping")
        except Error as error:
            faults += error.faults
    if faults:
        raise Error("invalid", faults=faults)
    asked = form.parts.get("format")
    return Sent(
        id=id,
        name=form.filename or "",
        size=form.size,
        mapping=mapping,
        format=None if asked is None else asked.content.decode("utf-8", "replace").strip(),
        media=form.media,
        on_duplicate=cast("Duplicates", duplicates),
        dry_run=dry_run == "true",
    )


def _word(form: Form, name: str, allowed: tuple[str, ...], faults: list[Fault]) -> str:
    part = form.parts.get(name)
    word = allowed[0] if part is None else part.content.decode("utf-8", "replace").strip()
    if word not in allowed:
        detail = f"{name} is {word[:100]!r}; expected {' or '.join(allowed)}."
        faults.append(Fault(pointer=f"/{name}", code="enum", detail=detail))
    return word
