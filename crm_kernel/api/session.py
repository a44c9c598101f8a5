"""`/api/session`: log in, who am I, log out, change the password (floor 9)."""

from __future__ import annotations

from litestar import delete, get, post, put

from crm_kernel.api.answer import Answer
from crm_kernel.api.cookies import refuse_foreign_origin, session_id, set_cookie
from crm_kernel.api.peers import peer_of
from crm_kernel.api.request import ApiRequest
from crm_kernel.callers import read_only
from crm_kernel.errors import Error
from crm_kernel.operations.answers import encode
from crm_kernel.operations.credentials import Credential
from crm_kernel.operations.sessions import Browser, Opened, who


@post("/api/session", status_code=200)
async def log_in(request: ApiRequest) -> Answer:
    """A new session for who knows his password, or has a token to set a new one."""
    request.parameters()
    kernel, headers = request.kernel, request.headers_by_name
    refuse_foreign_origin(kernel, request.scope, headers)
    browser = Browser(_peer(request), request.header(b"user-agent"), session_id(kernel, request.scope, headers))
    return _opened(request, await kernel.log_in.with_body(await request.value(), browser))


@get("/api/session")
async def who_am_i(request: ApiRequest) -> Answer:
    """Who sends the request, by whatever credential."""
    request.parameters()
    return Answer(encode(who(request.credential)))


@delete("/api/session", status_code=200)
async def log_out(request: ApiRequest) -> Answer:
    """The end of this session."""
    request.parameters()
    session = _session(request, "DELETE /api/tokens/{id} ends a token.")
    await request.kernel.sessions.end(request.caller, session.id)
    return Answer(status=204, headers=(_cookie(request, None),))


@put("/api/session/password", status_code=200)
async def change_password(request: ApiRequest) -> Answer:
    """Another password, for who knows the one he has; his other sessions end."""
    request.parameters()
    session = _session(request, "`crm user password` sets it without a session.")
    opened = await request.kernel.log_in.change_password(await request.value(), session, _peer(request))
    return _opened(request, opened)


ROUTES = (log_in, who_am_i, log_out, change_password)


def _session(request: ApiRequest, hint: str) -> Credential:
    """The session of the request. Raises `Error("read_only_token" | "forbidden")` where it came with a token."""
    if request.caller.read_only:
        raise read_only()
    if request.credential.csrf is None:
        raise Error("forbidden", "This is for sessions; the request came with a token.", hint=hint)
    return request.credential


def _opened(request: ApiRequest, opened: Opened) -> Answer:
    return Answer(encode(opened.who), headers=(_cookie(request, opened.id),))


def _cookie(request: ApiRequest, id: str | None) -> tuple[bytes, bytes]:
    return set_cookie(request.kernel, request.scope, request.headers_by_name, id)


def _peer(request: ApiRequest) -> str:
    return peer_of(request.scope, request.headers_by_name, request.kernel.settings.server.trusted_proxies)
