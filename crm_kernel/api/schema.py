"""`/api/schema`: the entities, and what may be sent for one (floor 9)."""

from __future__ import annotations

from litestar import get

from crm_kernel.api.answer import Answer
from crm_kernel.api.request import ApiRequest
from crm_kernel.operations.answers import encode


@get("/api/schema")
async def list_entities(request: ApiRequest) -> Answer:
    """The entities that the caller knows."""
    request.parameters()
    return Answer(encode(request.kernel.reader.schema(None, request.caller)))


@get("/api/schema/{entity:str}")
async def entity_schema(request: ApiRequest) -> Answer:
    """The JSON Schema of what the caller may send for one entity."""
    request.parameters()
    return Answer(encode(request.kernel.reader.schema(request.path_params["entity"], request.caller)))


ROUTES = (list_entities, entity_schema)
