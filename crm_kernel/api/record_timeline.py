"""`/api/records/{entity}/{id}/timeline`: activities, moves and changes of one record (floor 9)."""

from __future__ import annotations

from litestar import get

from crm_kernel.api.answer import Answer
from crm_kernel.api.records import HISTORY_PARAMETERS
from crm_kernel.api.request import ApiRequest
from crm_kernel.operations.answers import encode
from crm_kernel.operations.list_query import read_limit
from crm_kernel.operations.timeline import timeline


@get("/api/records/{entity:str}/{id:str}/timeline")
async def record_timeline(request: ApiRequest) -> Answer:
    """What happened to one record and around it, newest first."""
    entity: str = request.path_params["entity"]
    asked = request.parameters(HISTORY_PARAMETERS)
    limit, cursor = read_limit(asked.get("limit")), asked.get("cursor") or None
    found = await timeline(request.kernel.reader, entity, request.record_id, request.caller, limit=limit, cursor=cursor)
    return Answer(encode(found))


ROUTES = (record_timeline,)
