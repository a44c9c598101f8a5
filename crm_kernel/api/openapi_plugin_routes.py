"""What `/openapi.json` says of the routes that plugins bring (floor 9)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from crm_kernel.api.openapi_routes import faults_of, secured
from crm_kernel.callers import Caller
from crm_kernel.doors import Route
from crm_kernel.operations.routes import PREFIX

FAULTS = (400, 401, 403, 404, 409, 413, 422, 503)


def plugin_paths(routes: Iterable[tuple[str, Route]], caller: Caller) -> dict[str, Any]:
    """The path items of the routes that can answer the caller something else than a refusal."""
    paths: dict[str, Any] = {}
    for plugin, route in routes:
        if route.public or not (route.writes and caller.read_only):
            item = paths.setdefault(f"{PREFIX}{plugin}{route.path}", {})
            item[route.method.lower()] = _operation(plugin, route)
    return paths


def _operation(plugin: str, route: Route) -> dict[str, Any]:
    names = [segment[1:-1] for segment in route.segments if segment.startswith("{")]
    text = {"type": "string"}
    parameters: list[dict[str, Any]] = [{"name": n, "in": "path", "required": True, "schema": text} for n in names]
    if route.writes:
        parameters.append({"name": "Idempotency-Key", "in": "header", "schema": {**text, "maxLength": 255}})
    described: dict[str, Any] = {
        "operationId": "_".join([plugin, route.method.lower(), *re.findall("[A-Za-z0-9_]+", route.path)]),
        "summary": route.summary,
        "tags": [plugin],
        "parameters": parameters,
        "responses": {"2XX": {"description": route.summary}}
        | faults_of([status for status in FAULTS if status != 401 or not route.public]),
    }
    if route.method in ("POST", "PUT", "PATCH"):
        described["requestBody"] = {"content": {route.accepts: {}}}
    return described | secured(route.method, is_open=route.public)
