"""`/api/events`: what has happened, as a feed (floor 9)."""

from __future__ import annotations

from litestar import get

from crm_kernel.api.answer import Answer
from crm_kernel.api.request import ApiRequest
from crm_kernel.operations.answers import encode
from crm_kernel.operations.feed import feed
from crm_kernel.operations.list_query import read_limit


@get("/api/events")
async def events(request: ApiRequest) -> Answer:
    """The next events behind a place."""
    asked = request.parameters({"after", "limit"})
    limit = read_limit(asked.get("limit"))
    kernel = request.kernel
    found = await feed(
        kernel.database, kernel.registry, kernel.reader, request.caller, asked.get("after") or None, limit
    )
    return Answer(encode(found))


ROUTES = (events,)
