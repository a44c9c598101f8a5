"""`/api/tokens`: one's own tokens, listed, made and ended (floor 9)."""

from __future__ import annotations

from litestar import delete, get, post

from crm_kernel.api.answer import Answer
from crm_kernel.api.request import ApiRequest
from crm_kernel.operations.answers import encode


@get("/api/tokens")
async def list_tokens(request: ApiRequest) -> Answer:
    """The caller's tokens, oldest first, without what they are proved by."""
    request.parameters()
    return Answer(encode({"items": await request.kernel.own_tokens.listed(request.caller)}))


@post("/api/tokens")
async def create_token(request: ApiRequest) -> Answer:
    """A new token of the caller, its text shown this once."""
    request.parameters()
    made = await request.kernel.own_tokens.create(await request.value(), request.credential)
    return Answer(encode(made), 201)


@delete("/api/tokens/{id:str}", status_code=200)
async def revoke_token(request: ApiRequest) -> Answer:
    """The end of one of the caller's tokens."""
    request.parameters()
    await request.kernel.own_tokens.revoke(request.caller, request.record_id)
    return Answer(status=204)


ROUTES = (list_tokens, create_token, revoke_token)
