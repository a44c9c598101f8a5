"""`/api/reports`: stored reports, and one that is not stored (floor 9)."""

from __future__ import annotations

from typing import Any

from litestar import get, post

from crm_kernel.api.answer import CSV, Answer
from crm_kernel.api.request import ApiRequest, choice, no_object
from crm_kernel.operations.answers import encode
from crm_kernel.operations.report_csv import report_csv

FORMATS = ("json", "csv")


@get("/api/reports/{name:str}")
async def stored_report(request: ApiRequest) -> Answer:
    """The answer of a stored report; its parameters are in the query string."""
    return await _run(request, request.path_params["name"])


@post("/api/reports/run")
async def unsaved_report(request: ApiRequest) -> Answer:
    """The answer of a report that is sent along. It changes nothing, so a read-only token may do it."""
    body = await request.value()
    if not isinstance(body, dict):
        raise no_object(body, "a report document")
    return await _run(request, body)


ROUTES = (stored_report, unsaved_report)


async def _run(request: ApiRequest, report: str | dict[str, Any]) -> Answer:
    parameters = request.parameters(None)
    form = choice(parameters, "format", FORMATS)
    parameters.pop("format", None)
    answer = await request.kernel.reports.run(report, parameters, request.caller)
    if form == "json":
        return Answer(encode(answer))
    name = str(answer["report"] or "report")
    disposition = (b"content-disposition", f'attachment; filename="{name}.csv"'.encode())
    return Answer(report_csv(answer).encode(), headers=(disposition,), media=CSV)
