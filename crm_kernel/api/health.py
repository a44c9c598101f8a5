"""`/health`: probes, the only routes without authentication (floor 9)."""

from __future__ import annotations

from litestar import get

from crm_kernel.api.answer import Answer
from crm_kernel.api.request import ApiRequest
from crm_kernel.operations.answers import encode


@get("/health/live")
async def live(request: ApiRequest) -> Answer:
    """The process answers."""
    request.parameters()
    return Answer(encode({"status": "live"}))


@get("/health/ready")
async def ready(request: ApiRequest) -> Answer:
    """The kernel is open; `pending` names what waits for an administrator."""
    request.parameters()
    # Anyone may ask, so it is told what waits and not why: that stands in the log and in `crm check`.
    pending = [{name: item[name] for name in ("kind", "name", "change")} for item in request.kernel.pending]
    return Answer(encode({"status": "ready", "pending": pending}))


ROUTES = (live, ready)
