"""`/api/plugins`: state of the plugins, and the end of a quarantine, for administrators (floor 9)."""

from __future__ import annotations

from litestar import get, post

from crm_kernel.api.answer import Answer
from crm_kernel.api.request import ApiRequest
from crm_kernel.errors import Error
from crm_kernel.operations.answers import encode
from crm_kernel.operations.plugin_states import plugin_states


@get("/api/plugins")
async def list_plugins(request: ApiRequest) -> Answer:
    """The plugins in their order, with state, hooks and faults."""
    request.parameters()
    if not request.caller.unrestricted:
        raise Error("forbidden", "The state of plugins is for administrators.")
    return Answer(encode({"items": await plugin_states(request.kernel)}))


@post("/api/plugins/{name:str}/reset", status_code=200)
async def reset_plugin(request: ApiRequest) -> Answer:
    """The end of a plugin's quarantine in all processes; its state then."""
    request.parameters()
    return Answer(encode(await request.kernel.quarantines.reset(request.path_params["name"], request.caller)))


ROUTES = (list_plugins, reset_plugin)
