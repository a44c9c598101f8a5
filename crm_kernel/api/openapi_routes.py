"""What `/openapi.json` says of each route: parameters, bodies, and every status it can answer (floor 9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from crm_kernel.api.cookies import SAFE_METHODS
from crm_kernel.api.openapi_schemas import ref
from crm_kernel.errors import CATALOGUE

READS = (400, 401, 404)
WRITES = (400, 401, 403, 404, 409, 412, 422, 503, 507)

_STATUS_WORDS: Mapping[int, str] = {
    400: "The request cannot be read: JSON, filter, name, parameter or value",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not there, or hidden",
    409: "In conflict with what is stored",
    412: "Changed since it was read",
    413: "Too large",
    422: "Some values are not valid",
    429: "Too many attempts",
    503: "Busy; try again",
    507: "The disk is full",
}


class Route(NamedTuple):
    """One route. `entity` stands in path, schemas and words for the name of an entity.

    `needs` is the action without which an entity's route is not shown, "" for every entity and "moves" for one that
    has a pipeline; `admin` routes are shown to administrators; `changes` are not shown to who only reads,
    `open` ones answer anybody; those that are not `keyed` take no Idempotency-Key.
    """

    method: str
    path: str
    id: str
    summary: str
    answer: str | None
    status: int = 200
    faults: tuple[int, ...] = READS
    parameters: tuple[str, ...] = ()
    body: str | None = None
    headers: tuple[str, ...] = ()
    needs: str = ""
    admin: bool = False
    changes: bool = False
    open: bool = False
    keyed: bool = True
    tag: str = ""


ADMIN = (400, 401, 403, 404)
"""What a route for administrators may refuse."""

ROUTES = (
    Route("get", "/api/schema", "list_entities", "The entities", "Entities", faults=(400, 401), tag="schema"),
    Route(
        "get",
        "/api/schema/{entity}",
        "entity_schema",
        "The JSON Schema of what may be sent for one entity",
        "object",
        parameters=("entity",),
        tag="schema",
    ),
    Route(
        "get",
        "/api/search",
        "search",
        "Records of all entities that a search finds",
        "Search",
        faults=(400, 401),
        parameters=("searched",),
        tag="search",
    ),
    Route(
        "get",
        "/api/events",
        "events",
        "What has happened, in the order of its commit, as a feed that skips nothing",
        "Events",
        faults=(400, 401),
        parameters=("after", "limit"),
        tag="events",
    ),
    Route(
        "get",
        "/api/reports/{name}",
        "stored_report",
        "The answer of a stored report; its own parameters are in the query string too",
        "Report",
        faults=(400, 401, 403, 404, 422),
        parameters=("report", "format"),
        tag="reports",
    ),
    Route(
        "post",
        "/api/explain/access",
        "explain_access",
        "Why somebody may do something, or may not; anyone but oneself takes the role admin",
        "Explanation",
        faults=(400, 401, 403, 404, 413, 422),
        body="Question",
        tag="access",
    ),
    Route(
        "post",
        "/api/reports/run",
        "unsaved_report",
        "The answer of a report that is sent along",
        "Report",
        faults=(400, 401, 403, 404, 413, 422),
        parameters=("format",),
        body="object",
        tag="reports",
    ),
    Route(
        "get",
        "/api/plugins",
        "list_plugins",
        "State of the plugins",
        "Plugins",
        faults=(400, 401, 403),
        admin=True,
        tag="plugins",
    ),
    Route(
        "post",
        "/api/plugins/{name}/reset",
        "reset_plugin",
        "The end of a plugin's quarantine, in all processes; its state then",
        "Plugin",
        faults=(400, 401, 403, 404, 503, 507),
        parameters=("name",),
        admin=True,
        tag="plugins",
    ),
    Route(
        "get",
        "/metrics",
        "metrics",
        "How this process fares, in the text format of Prometheus",
        "text/plain",
        faults=(400, 401, 403),
        admin=True,
        tag="health",
    ),
    Route(
        "get",
        "/api/jobs/{id}",
        "get_job",
        "How far an import is that was sent",
        "Job",
        tag="jobs",
    ),
    Route(
        "post",
        "/api/jobs/{id}/cancel",
        "cancel_job",
        "A job ended where it is; what it wrote stays",
        "Job",
        faults=(400, 401, 403, 404, 409, 503, 507),
        tag="jobs",
    ),
    Route(
        "post",
        "/api/jobs/{id}/undo",
        "undo_job",
        "All that an import wrote taken back, as far as nothing was changed since",
        "Job",
        status=202,
        faults=(400, 401, 403, 404, 409, 503, 507),
        headers=("Location",),
        tag="jobs",
    ),
    Route(
        "get",
        "/api/jobs/{id}/errors.csv",
        "job_errors",
        "The refused rows of an import, and why",
        "text/csv",
        tag="jobs",
    ),
    Route("get", "/openapi.json", "openapi", "This description", "object", faults=(400, 401), tag="description"),
    Route("get", "/health/live", "live", "The process answers", "Live", faults=(400,), open=True, tag="health"),
    Route(
        "get",
        "/health/ready",
        "ready",
        "The kernel is open; what waits for an administrator",
        "Ready",
        faults=(400,),
        open=True,
        tag="health",
    ),
)


def operation(route: Route, parameters: Mapping[str, Any], entity: str | None = None) -> dict[str, Any]:
    """The OpenAPI operation of a route. `parameters` are those there are, by their names in `Route.parameters`."""

    def filled(text: str) -> str:
        return text.replace("{entity}", entity or "")

    repeatable = ("Idempotency-Key",) if route.changes and route.keyed else ()
    names = [*(name for name in ("id", "share") if f"/{{{name}}}" in route.path), *route.parameters, *repeatable]
    described: dict[str, Any] = {
        "operationId": filled(route.id) if entity else route.id,
        "summary": route.summary,
        "tags": [entity or route.tag],
        "parameters": [parameters[name] for name in names],
        "responses": {str(route.status): _success(route, filled)} | faults_of(sorted(route.faults)),
    }
    if route.body is not None:
        kind = "multipart/form-data" if route.body == "Import" else "application/json"
        described["requestBody"] = {"required": True, "content": {kind: _media(filled(route.body))}}
    return described | secured(route.method, is_open=route.open)


def faults_of(statuses: Iterable[int]) -> dict[str, Any]:
    """The responses of refusals by status."""
    return {str(status): {"$ref": f"#/components/responses/{_STATUS_NAMES[status]}"} for status in statuses}


def secured(method: str, *, is_open: bool) -> dict[str, Any]:
    """How a route wants its callers to authenticate, where that is not as usual."""
    if is_open:
        return {"security": []}
    if method.upper() in SAFE_METHODS:
        return {}
    return {"security": [{"token": []}, {"session": [], "csrf": []}]}


def _media(schema: str) -> dict[str, Any]:
    return {"schema": {"type": "object"} if schema == "object" else ref(schema)}


def _success(route: Route, filled: Any) -> dict[str, Any]:
    replayed = ("Idempotency-Replayed",) if route.changes else ()
    names = (*route.headers, *replayed, "X-Request-Id")
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    described: dict[str, Any] = {"description": route.summary, "headers": headers}
    if route.answer == "Export":
        text = {"schema": {"type": "string"}}
        described["content"] = {"text/csv": text, "application/jsonl": text}
    elif route.answer == "text/plain":
        described["content"] = {"text/plain": {"schema": {"type": "string"}}}
    elif route.answer not in (None, "text/csv"):
        described["content"] = {"application/json": _media(filled(route.answer))}
    if route.answer in ("Report", "text/csv"):
        described.setdefault("content", {})["text/csv"] = {"schema": {"type": "string"}}
    return described


_STATUS_HEADERS: Mapping[int, tuple[str, ...]] = {
    401: ("WWW-Authenticate",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}

_STATUS_NAMES: Mapping[int, str] = {
    400: "BadRequest",
    401: "Unauthenticated",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    412: "Stale",
    413: "TooLarge",
    422: "Invalid",
    429: "RateLimited",
    503: "Busy",
    507: "DiskFull",
}


def fault_responses() -> dict[str, Any]:
    """The component responses: a problem document for each status, with the codes it can carry."""
    responses: dict[str, Any] = {}
    for status, name in _STATUS_NAMES.items():
        codes = [code for code, entry in CATALOGUE.items() if entry.status == status]
        headers = [
            "X-Request-Id",
            *_STATUS_HEADERS.get(status, ()),
        ]
        responses[name] = {
            "description": f"{_STATUS_WORDS[status]}. Codes: {', '.join(codes)}.",
            "headers": {header: {"$ref": f"#/components/headers/{header}"} for header in headers},
            "content": {"application/problem+json": {"schema": ref("Problem")}},
        }
    return responses
