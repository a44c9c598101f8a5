"""`/api/jobs/{id}`: imports that were sent, how far they are, and what ends them (floor 9)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from litestar import get, post

from crm_kernel.api.answer import CSV, Answer
from crm_kernel.api.auth import read_only
from crm_kernel.api.request import ApiRequest
from crm_kernel.api.stream import Stream
from crm_kernel.operations.answers import encode


@get("/api/jobs/{id:str}")
async def get_job(request: ApiRequest) -> Answer:
    """How far a job is."""
    request.parameters()
    return Answer(encode(await request.kernel.jobs.get(request.record_id, request.caller)))


@post("/api/jobs/{id:str}/cancel", status_code=200)
async def cancel_job(request: ApiRequest) -> Answer:
    """A job ended where it is; what it wrote stays."""
    id = await _to_change(request)
    answer = await request.kernel.jobs.cancel(id, request.caller)
    request.kernel.job_runner.end(id)
    return Answer(encode(answer))


@post("/api/jobs/{id:str}/undo", status_code=202)
async def undo_job(request: ApiRequest) -> Answer:
    """All that an import wrote taken back, as far as nothing was changed since."""
    id = await _to_change(request)
    answer = accepted(await request.kernel.jobs.undo(id, request.caller))
    request.kernel.job_runner.wake()
    return answer


@get("/api/jobs/{id:str}/errors.csv")
async def job_errors(request: ApiRequest) -> Stream:
    """The refused rows of an import, and why."""
    request.parameters()
    lines = request.kernel.jobs.errors(request.record_id, request.caller)
    first = await anext(lines)  # whoever may not see the job is told before the answer begins

    async def body() -> AsyncGenerator[bytes]:
        yield first.encode()
        async for line in lines:
            yield line.encode()

    return Stream(body(), ((b"content-disposition", b'attachment; filename="errors.csv"'),), media=CSV)


ROUTES = (get_job, cancel_job, undo_job, job_errors)


def accepted(job: dict[str, Any]) -> Answer:
    """A job that will be done."""
    return Answer(encode(job), 202, ((b"location", f"/api/jobs/{job['id']}".encode()),))


async def _to_change(request: ApiRequest) -> str:
    """The id of the job in the path, for who may change something."""
    request.parameters()
    id = request.record_id
    if request.caller.read_only:
        await request.kernel.jobs.get(id, request.caller)
        raise read_only()
    return id
