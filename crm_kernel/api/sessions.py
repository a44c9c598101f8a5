"""`/api/sessions`: one's own sessions, listed and ended (floor 9)."""

from __future__ import annotations

from litestar import delete, get

from crm_kernel.api.answer import Answer
from crm_kernel.api.cookies import set_cookie
from crm_kernel.api.request import ApiRequest
from crm_kernel.operations.answers import encode


@get("/api/sessions")
async def list_sessions(request: ApiRequest) -> Answer:
    """The caller's sessions, newest first."""
    request.parameters()
    return Answer(encode({"items": await request.kernel.sessions.listed(request.caller, request.credential)}))


@delete("/api/sessions/{id:str}", status_code=200)
async def end_session(request: ApiRequest) -> Answer:
    """The end of one of the caller's sessions."""
    request.parameters()
    id = request.record_id
    await request.kernel.sessions.end(request.caller, id)
    if id != request.credential.id:
        return Answer(status=204)
    return Answer(status=204, headers=(set_cookie(request.kernel, request.scope, request.headers_by_name, None),))


ROUTES = (list_sessions, end_session)
