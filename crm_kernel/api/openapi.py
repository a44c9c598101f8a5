"""`/openapi.json`: this installation as it is now, and as far as the caller may see it (floor 9).

The document is our own, built from the registry: Litestar builds its description once and can take nothing back.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from litestar import get

from crm_kernel.access import Access
from crm_kernel.api.answer import Answer
from crm_kernel.api.openapi_document_routes import DOCUMENT_ROUTES
from crm_kernel.api.openapi_document_schemas import document_schemas
from crm_kernel.api.openapi_parts import headers, parameters, security_schemes
from crm_kernel.api.openapi_people_routes import PEOPLE_ROUTES
from crm_kernel.api.openapi_people_schemas import people_schemas
from crm_kernel.api.openapi_plugin_routes import plugin_paths
from crm_kernel.api.openapi_record_routes import RECORD_ROUTES
from crm_kernel.api.openapi_routes import ROUTES as SINGLE_ROUTES
from crm_kernel.api.openapi_routes import Route, fault_responses, operation
from crm_kernel.api.openapi_schemas import entity_schemas, shared_schemas
from crm_kernel.api.request import ApiRequest
from crm_kernel.callers import Caller
from crm_kernel.documents import KINDS
from crm_kernel.kernel import Kernel
from crm_kernel.operations.answers import encode

MAX_KEPT = 64
"""How many descriptions are kept: one for each set of roles, token scope and language."""

_CHANGING = ("create", "update", "delete", "move")


class Descriptions:
    """The encoded descriptions of one registry; dropped as soon as another one is in force."""

    def __init__(self) -> None:
        self._version = 0
        self._kept: dict[Any, bytes] = {}

    def of(self, kernel: Kernel, caller: Caller) -> bytes:
        """The description for a caller."""
        registry = kernel.registry
        if registry.version != self._version or len(self._kept) >= MAX_KEPT:
            self._version, self._kept = registry.version, {}
        key = (caller.roles, caller.entities, caller.read_only, caller.locale)
        if key not in self._kept:
            self._kept[key] = encode(describe(kernel, caller))
        return self._kept[key]


@get("/openapi.json")
async def openapi(request: ApiRequest) -> Answer:
    """The OpenAPI 3.1 description."""
    request.parameters()
    kept: Descriptions = request.app.state["descriptions"]
    return Answer(kept.of(request.kernel, request.caller))


ROUTES = (openapi,)


def describe(kernel: Kernel, caller: Caller) -> dict[str, Any]:
    """The OpenAPI 3.1 document of what the caller may see: entities, fields, actions, reports."""
    registry = kernel.registry
    access = registry.access(caller)
    known = [name for name in registry.entities if access.knows(name)]
    reports = registry.reports_for(access)
    schemas = shared_schemas() | document_schemas() | people_schemas()
    for name in known:
        schemas |= entity_schemas(name, kernel.reader.schema(name, caller))
    there = parameters(known, reports, KINDS)
    paths: dict[str, Any] = {}
    for route in (*SINGLE_ROUTES, *DOCUMENT_ROUTES, *PEOPLE_ROUTES):
        if caller.unrestricted or not route.admin:
            paths.setdefault(route.path, {})[route.method] = operation(route, there)
    paths |= plugin_paths(kernel.routes.all, caller)
    for name in known:
        for route in _shown(name, access, caller, has_pipeline=bool(registry.entities[name].pipelines)):
            item = paths.setdefault(route.path.replace("{entity}", name), {"x-crm-route": route.path})
            item[route.method] = operation(route, there, name)
    return {
        "openapi": "3.1.0",
        "info": {"title": kernel.settings.app.name, "version": version("crm-kernel")},
        "security": [{"token": []}, {"session": []}],
        "tags": [
            *({"name": name, "description": registry.entities[name].plural} for name in known),
            *({"name": name, "description": f"Routes of the plugin {name}"} for name in _with_routes(kernel)),
        ],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": fault_responses(),
            "headers": headers(),
            "securitySchemes": security_schemes(),
        },
    }


def _with_routes(kernel: Kernel) -> list[str]:
    return list(dict.fromkeys(plugin for plugin, _ in kernel.routes.all))


def _shown(entity: str, access: Access, caller: Caller, *, has_pipeline: bool) -> Iterator[Route]:
    """The routes of an entity that can answer this caller something else than a refusal."""
    for route in RECORD_ROUTES:
        if route.changes and caller.read_only:
            continue
        if route.needs == "batch":
            shown = any(access.allows(entity, action) for action in _CHANGING)
        elif route.needs == "moves":
            shown = has_pipeline and access.allows(entity, "read")
        elif route.needs == "update":
            shown = access.allows(entity, "update") or (has_pipeline and access.allows(entity, "move"))
        else:
            shown = (has_pipeline or route.needs != "move") and access.allows(entity, route.needs)
        if shown:
            yield route
