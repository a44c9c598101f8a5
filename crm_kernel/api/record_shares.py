"""`/api/records/{entity}/{id}/shares`: one record shared with users (floor 9)."""

from __future__ import annotations

from litestar import delete, get, post

from crm_kernel.api.answer import Answer
from crm_kernel.api.once import do_once
from crm_kernel.api.request import ApiRequest
from crm_kernel.operations.answers import encode
from crm_kernel.operations.outcomes import Also, Outcome
from crm_kernel.storage.ports import Reads


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
    entity, id, body = request.path_params["entity"], request.record_id, await request.value()
    shares, key = request.kernel.shares, request.once_key
    if key is None:
        return Answer(encode(await shares.give(entity, id, body, request.caller)), 201)

    async def write(keep: Also) -> None:
        await shares.give(entity, id, body, request.caller, also=keep)

    return await do_once(request, key, write, _answer)


@delete("/api/records/{entity:str}/{id:str}/shares/{share:str}", status_code=200)
async def end_share(request: ApiRequest) -> Answer:
    """The end of a share."""
    request.parameters()
    entity, id, share = request.path_params["entity"], request.record_id, request.path_params["share"]
    shares, key = request.kernel.shares, request.once_key
    if key is None:
        await shares.end(entity, id, share, request.caller)
        return Answer(status=204)

    async def write(keep: Also) -> None:
        await shares.end(entity, id, share, request.caller, also=keep)

    return await do_once(request, key, write, _answer)


async def _answer(outcomes: list[Outcome], _: Reads) -> Answer:
    (made,) = outcomes
    return Answer(b"" if made.record is None else encode(made.record), made.status)


ROUTES = (list_shares, share_record, end_share)
