"""`/api/records/{entity}/{id}/shares`: one record shared with users (floor 9)."""

from __future__ import annotations

from litestar import delete, get, post

from crm_kernel.api.answer import Answer
from crm_kernel.api.request import ApiRequest
from crm_kernel.operations.answers import encode


@get("/api/records/{entity:str}/{id:str}/shares")
async def list_shares(request: ApiRequest) -> Answer:
    """With whom a record is shared."""
    request.parameters()
    entity: str = request.path_params["entity"]
    return Answer(encode({"items": await request.kernel.shares.listed(entity, request.record_id, request.caller)}))


@post("/api/records/{entity:str}/{id:str}/shares")
async def share_record(request: ApiRequest) -> Answer:
    """A record shared with a user."""
    request.parameters()
    entity: str = request.path_params["entity"]
    made = await request.kernel.shares.give(entity, request.record_id, await request.value(), request.caller)
    return Answer(encode(made), 201)


@delete("/api/records/{entity:str}/{id:str}/shares/{share:str}", status_code=200)
async def end_share(request: ApiRequest) -> Answer:
    """The end of a share."""
    request.parameters()
    entity, share = request.path_params["entity"], request.path_params["share"]
    await request.kernel.shares.end(entity, request.record_id, share, request.caller)
    return Answer(status=204)


ROUTES = (list_shares, share_record, end_share)
