"""`/api/search`: records of all entities (floor 9)."""

from __future__ import annotations

from litestar import get

from crm_kernel.api.answer import Answer
from crm_kernel.api.request import ApiRequest
from crm_kernel.errors import Error
from crm_kernel.operations.answers import encode
from crm_kernel.operations.search import search


@get("/api/search")
async def search_records(request: ApiRequest) -> Answer:
    """What has all the words."""
    asked = request.parameters({"q"})
    if "q" not in asked:
        raise Error("bad_value", "q is missing.", hint="Give the words to search for: /api/search?q=anna.")
    return Answer(encode(await search(request.kernel.reader, asked["q"], request.caller)))


ROUTES = (search_records,)
