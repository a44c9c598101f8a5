"""`/api/plugins`: state of the plugins, for administrators (floor 9)."""

from __future__ import annotations

from litestar import get

from crm_kernel.api.answer import Answer
from crm_kernel.api.request import ApiRequest
from crm_kernel.errors import Error
from crm_kernel.operations.answers import encode


@get("/api/plugins")
async def list_plugins(request: ApiRequest) -> Answer:
    """The plugins in their order, with state, hooks and faults."""
    request.parameters()
    if not request.caller.unrestricted:
        raise Error("forbidden", "The state of plugins is for administrators.")
    return Answer(encode({"items": await request.kernel.plugin_states()}))


ROUTES = (list_plugins,)
