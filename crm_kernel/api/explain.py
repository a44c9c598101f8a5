"""`/api/explain`: why somebody may do something, or may not (floor 9)."""

from __future__ import annotations

from litestar import post

from crm_kernel.api.answer import Answer
from crm_kernel.api.request import ApiRequest, no_object
from crm_kernel.operations.answers import encode


@post("/api/explain/access")
async def explain_access(request: ApiRequest) -> Answer:
    """What the access rules say. It changes nothing, so a read-only token may ask."""
    request.parameters()
    body = await request.value()
    if not isinstance(body, dict):
        raise no_object(body, "a question about access")
    return Answer(encode(await request.kernel.explain.access(body, request.caller)))


ROUTES = (explain_access,)
