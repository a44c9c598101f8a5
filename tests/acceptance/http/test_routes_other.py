"""Each route beside records with good, bad, unauthenticated and denied input."""

from __future__ import annotations

from typing import Any

from tests.acceptance.http.conftest import Case, World, cases

SCHEMA = "GET /api/schema"
ENTITY_SCHEMA = "GET /api/schema/{entity}"
SEARCH = "GET /api/search"
EVENTS = "GET /api/events"
REPORT = "GET /api/reports/{name}"
RUN = "POST /api/reports/run"
EXPLAIN = "POST /api/explain/access"
DOCUMENTS = "GET /api/documents"
GET_DOCUMENT = "GET /api/documents/{kind}/{name}"
PUT_DOCUMENT = "PUT /api/documents/{kind}/{name}"
DELETE_DOCUMENT = "DELETE /api/documents/{kind}/{name}"
PLAN = "POST /api/documents/plan"
APPLY = "POST /api/documents/apply"
VERSIONS = "GET /api/documents/{kind}/{name}/versions"
RESTORE = "POST /api/documents/{kind}/{name}/versions/{version}/restore"
PLUGINS = "GET /api/plugins"
RESET = "POST /api/plugins/{name}/reset"
METRICS = "GET /metrics"
OPENAPI = "GET /openapi.json"
LIVE = "GET /health/live"
READY = "GET /health/ready"

NOBODY: dict[str, Any] = {"who": None, "code": "unauthenticated"}
READ = {"action": "read", "entity": "contact"}
COUNT = {"entity": "contact", "measures": [{"count": "*", "as": "n"}]}
VIEW = {"kind": "view", "name": "mine", "entity": "contact", "label": "Mine", "columns": ["name"]}
PATH = "/api/documents/view/mine"


@cases(
    Case(SCHEMA, "good", 200),
    Case(SCHEMA, "bad", 400, path="/api/schema?entity=contact", code="unknown_parameter"),
    Case(SCHEMA, "unauthenticated", 401, **NOBODY),
)
def test_schema(world: World, case: Case) -> None:
    world.run(case)


@cases(Case(SCHEMA, "denied", 200, who="dan"))
def test_schema_without_a_role_shows_people_only(world: World, case: Case) -> None:
    assert {item["name"] for item in world.run(case).json()["items"]} == {"user", "team"}


@cases(
    Case(ENTITY_SCHEMA, "good", 200, path="/api/schema/contact", has={"title": "Contact"}),
    Case(ENTITY_SCHEMA, "bad", 404, path="/api/schema/nothing", code="not_found"),
    Case(ENTITY_SCHEMA, "unauthenticated", 401, path="/api/schema/contact", **NOBODY),
    Case(ENTITY_SCHEMA, "denied", 404, who="dan", path="/api/schema/contact", code="not_found"),
)
def test_entity_schema(world: World, case: Case) -> None:
    world.run(case)


@cases(
    Case(SEARCH, "good", 200, path="/api/search?q=%27%22+NEAR(*%00", has={"items": []}),
    Case(SEARCH, "bad", 400, path="/api/search", code="bad_value"),
    Case(SEARCH, "bad", 400, path="/api/search?q=a&limit=3", code="unknown_parameter"),
    Case(SEARCH, "unauthenticated", 401, path="/api/search?q=a", **NOBODY),
    Case(SEARCH, "denied", 200, who="dan", path="/api/search?q=lease", has={"items": []}),
)
def test_search(world: World, case: Case) -> None:
    world.run(case)


@cases(
    Case(EVENTS, "good", 200, path="/api/events?limit=1"),
    Case(EVENTS, "good", 200, path="/api/events?after=e999999999", has={"items": [], "next": "e999999999"}),
    Case(EVENTS, "bad", 400, path="/api/events?after=7", code="bad_cursor"),
    Case(EVENTS, "bad", 400, path="/api/events?limit=0", code="bad_value"),
    Case(EVENTS, "bad", 400, path="/api/events?since=1", code="unknown_parameter"),
    Case(EVENTS, "unauthenticated", 401, **NOBODY),
    Case(EVENTS, "denied", 200, who="dan", path="/api/events?after=e999999999", has={"items": []}),
)
def test_events(world: World, case: Case) -> None:
    world.run(case)


@cases(
    Case(REPORT, "good", 200, path="/api/reports/by-type?source=web", has={"report": "by-type"}),
    Case(REPORT, "bad", 404, path="/api/reports/nothing", code="not_found"),
    Case(REPORT, "bad", 400, path="/api/reports/by-type?sauce=web", code="unknown_parameter"),
    Case(REPORT, "bad", 400, path="/api/reports/by-type?format=pdf", code="bad_value"),
    Case(REPORT, "unauthenticated", 401, path="/api/reports/by-type", **NOBODY),
    Case(REPORT, "denied", 404, who="dan", path="/api/reports/by-type", code="not_found"),
)
def test_report(world: World, case: Case) -> None:
    world.run(case)


@cases(
    Case(RUN, "good", 200, body=COUNT, has={"report": None}),
    Case(RUN, "good", 200, who="reader", body=COUNT),
    Case(RUN, "bad", 422, body={"entity": "contact"}, code="invalid"),
    Case(RUN, "bad", 422, body=7, code="invalid"),
    Case(RUN, "unauthenticated", 401, body=COUNT, **NOBODY),
    Case(RUN, "denied", 422, who="dan", body=COUNT, code="invalid"),
)
def test_run(world: World, case: Case) -> None:
    world.run(case)


@cases(
    Case(EXPLAIN, "good", 200, body=READ, has={"allowed": True, "reason": None}),
    Case(EXPLAIN, "good", 200, who="reader", body=READ),
    Case(EXPLAIN, "good", 200, who="ann", body={**READ, "roles": []}, has={"allowed": False, "reason": "no_grant"}),
    Case(EXPLAIN, "bad", 422, body={"action": 5, "what": "x"}, code="invalid"),
    Case(EXPLAIN, "bad", 422, body=[], code="invalid"),
    Case(EXPLAIN, "bad", 422, who="ann", body={**READ, "roles": ["nobody"]}, code="invalid"),
    Case(EXPLAIN, "bad", 404, who="ann", body={**READ, "user": "nobody"}, code="not_found"),
    Case(EXPLAIN, "unauthenticated", 401, body=READ, **NOBODY),
    Case(EXPLAIN, "denied", 404, who="dan", body=READ, code="not_found"),
    Case(EXPLAIN, "denied", 403, body={**READ, "user": "ann"}, code="forbidden"),
    Case(EXPLAIN, "denied", 403, body={**READ, "roles": []}, code="forbidden"),
)
def test_explain(world: World, case: Case) -> None:
    world.run(case)


@cases(
    Case(DOCUMENTS, "good", 200, who="ann"),
    Case(DOCUMENTS, "bad", 400, who="ann", path="/api/documents?kind=role", code="unknown_parameter"),
    Case(DOCUMENTS, "unauthenticated", 401, **NOBODY),
    Case(DOCUMENTS, "denied", 403, code="forbidden"),
)
def test_documents(world: World, case: Case) -> None:
    world.run(case)


@cases(
    Case(GET_DOCUMENT, "good", 200, who="ann", path="/api/documents/role/agent", has={"kind": "role", "name": "agent"}),
    Case(GET_DOCUMENT, "bad", 404, who="ann", path="/api/documents/role/nobody", code="not_found"),
    Case(GET_DOCUMENT, "bad", 404, who="ann", path="/api/documents/rolle/agent", code="not_found"),
    Case(GET_DOCUMENT, "unauthenticated", 401, path="/api/documents/role/agent", **NOBODY),
    Case(GET_DOCUMENT, "denied", 403, path="/api/documents/role/agent", code="forbidden"),
)
def test_get_document(world: World, case: Case) -> None:
    world.run(case)


@cases(
    Case(PUT_DOCUMENT, "good", 200, who="ann", path=f"{PATH}?dry_run=true", body=VIEW, has={"applied": False}),
    Case(PUT_DOCUMENT, "good", 200, who="ann", path=PATH, body=VIEW, has={"applied": True}),
    Case(PUT_DOCUMENT, "bad", 422, who="ann", path=PATH, body=[], code="invalid"),
    Case(PUT_DOCUMENT, "bad", 422, who="ann", path=PATH, body={**VIEW, "name": "other"}, code="invalid"),
    Case(PUT_DOCUMENT, "bad", 409, who="ann", path=PATH, body={**VIEW, "columns": ["x"]}, code="plan_refused"),
    Case(PUT_DOCUMENT, "unauthenticated", 401, path=PATH, body=VIEW, **NOBODY),
    Case(PUT_DOCUMENT, "denied", 403, path=PATH, body=VIEW, code="forbidden"),
    Case(PUT_DOCUMENT, "denied", 403, who="reader", path=PATH, body=VIEW, code="read_only_token"),
)
def test_put_document(world: World, case: Case) -> None:
    world.run(case)


@cases(
    Case(DELETE_DOCUMENT, "good", 200, who="ann", path=PATH, has={"applied": True}),
    Case(DELETE_DOCUMENT, "bad", 404, who="ann", path="/api/documents/view/nothing", code="not_found"),
    Case(DELETE_DOCUMENT, "bad", 404, who="ann", path="/api/documents/entity/contact", code="not_found"),
    Case(DELETE_DOCUMENT, "unauthenticated", 401, path=PATH, **NOBODY),
    Case(DELETE_DOCUMENT, "denied", 403, path=PATH, code="forbidden"),
)
def test_delete_document(world: World, case: Case) -> None:
    world.send("ann", "PUT", PATH, json=VIEW)
    world.run(case)


SET: dict[str, Any] = {"documents": [VIEW], "remove": [{"kind": "role", "name": "nobody"}]}
BOTH = {"documents": [VIEW], "remove": [{"kind": "view", "name": "mine"}]}
ODD = {"documents": [1, {"kind": "view"}], "remove": {}, "on_invalid": "perhaps", "digest": 3, "more": 1}


@cases(
    Case(PLAN, "good", 200, who="ann", body={"documents": [VIEW]}, has={"status": "ready"}),
    Case(PLAN, "good", 200, who="ann", body=SET, has={"status": "refused"}),
    Case(PLAN, "good", 200, who="reader", body={"documents": [VIEW]}, has={"status": "ready"}),
    Case(PLAN, "bad", 422, who="ann", body=[], code="invalid"),
    Case(PLAN, "bad", 422, who="ann", body={}, code="invalid"),
    Case(PLAN, "bad", 422, who="ann", body=ODD, code="invalid"),
    Case(PLAN, "bad", 422, who="ann", body=BOTH, code="invalid"),
    Case(PLAN, "unauthenticated", 401, body={"documents": [VIEW]}, **NOBODY),
    Case(PLAN, "denied", 403, body={"documents": [VIEW]}, code="forbidden"),
)
def test_plan_documents(world: World, case: Case) -> None:
    world.run(case)


@cases(
    Case(APPLY, "good", 200, who="ann", body={"documents": [VIEW]}, has={"applied": True}),
    Case(APPLY, "good", 200, who="ann", body={"documents": []}, has={"applied": True}),
    Case(APPLY, "bad", 409, who="ann", body=SET, code="plan_refused"),
    Case(APPLY, "bad", 409, who="ann", body={"documents": [VIEW], "digest": "0"}, code="plan_changed"),
    Case(APPLY, "bad", 422, who="ann", body=ODD, code="invalid"),
    Case(APPLY, "unauthenticated", 401, body={"documents": [VIEW]}, **NOBODY),
    Case(APPLY, "denied", 403, body={"documents": [VIEW]}, code="forbidden"),
    Case(APPLY, "denied", 403, who="reader", body={"documents": [VIEW]}, code="read_only_token"),
)
def test_apply_documents(world: World, case: Case) -> None:
    world.run(case)
    world.send("ann", "DELETE", PATH)


@cases(
    Case(VERSIONS, "good", 200, who="ann", path=f"{PATH}/versions"),
    Case(VERSIONS, "good", 200, who="ann", path="/api/documents/entity/contact/versions", has={"items": []}),
    Case(VERSIONS, "bad", 404, who="ann", path="/api/documents/view/nothing/versions", code="not_found"),
    Case(VERSIONS, "bad", 400, who="ann", path=f"{PATH}/versions?limit=1", code="unknown_parameter"),
    Case(VERSIONS, "unauthenticated", 401, path=f"{PATH}/versions", **NOBODY),
    Case(VERSIONS, "denied", 403, path=f"{PATH}/versions", code="forbidden"),
)
def test_versions(world: World, case: Case) -> None:
    world.send("ann", "PUT", PATH, json=VIEW)
    world.run(case)


@cases(
    Case(RESTORE, "good", 200, who="ann", path=f"{PATH}/versions/1/restore?dry_run=true", has={"applied": False}),
    Case(RESTORE, "good", 200, who="ann", path=f"{PATH}/versions/1/restore", has={"applied": True}),
    Case(RESTORE, "bad", 404, who="ann", path=f"{PATH}/versions/99/restore", code="not_found"),
    Case(RESTORE, "bad", 404, who="ann", path=f"{PATH}/versions/%C2%B2/restore", code="not_found"),
    Case(RESTORE, "bad", 404, who="ann", path=f"{PATH}/versions/{'9' * 5000}/restore", code="not_found"),
    Case(RESTORE, "bad", 404, who="ann", path="/api/documents/view/nothing/versions/1/restore", code="not_found"),
    Case(RESTORE, "unauthenticated", 401, path=f"{PATH}/versions/1/restore", **NOBODY),
    Case(RESTORE, "denied", 403, path=f"{PATH}/versions/1/restore", code="forbidden"),
    Case(RESTORE, "denied", 403, who="reader", path=f"{PATH}/versions/1/restore", code="read_only_token"),
)
def test_restore(world: World, case: Case) -> None:
    world.send("ann", "PUT", PATH, json=VIEW)
    world.run(case)


@cases(
    Case(PLUGINS, "good", 200, who="ann"),
    Case(PLUGINS, "bad", 400, who="ann", path="/api/plugins?name=base", code="unknown_parameter"),
    Case(PLUGINS, "unauthenticated", 401, **NOBODY),
    Case(PLUGINS, "denied", 403, code="forbidden"),
)
def test_plugins(world: World, case: Case) -> None:
    world.run(case)


@cases(
    Case(RESET, "good", 200, who="ann", path="/api/plugins/base/reset", has={"name": "base", "state": "active"}),
    Case(RESET, "bad", 404, who="ann", path="/api/plugins/nothing/reset", code="not_found"),
    Case(RESET, "bad", 400, who="ann", path="/api/plugins/base/reset?now=1", code="unknown_parameter"),
    Case(RESET, "unauthenticated", 401, path="/api/plugins/base/reset", **NOBODY),
    Case(RESET, "denied", 403, path="/api/plugins/base/reset", code="forbidden"),
    Case(RESET, "denied", 403, path="/api/plugins/nothing/reset", code="forbidden"),
)
def test_reset_plugin(world: World, case: Case) -> None:
    world.run(case)


@cases(
    Case(METRICS, "good", 200, who="ann"),
    Case(METRICS, "bad", 400, who="ann", path="/metrics?name=x", code="unknown_parameter"),
    Case(METRICS, "unauthenticated", 401, **NOBODY),
    Case(METRICS, "denied", 403, code="forbidden"),
)
def test_metrics(world: World, case: Case) -> None:
    world.run(case)


@cases(
    Case(OPENAPI, "good", 200, has={"openapi": "3.1.0"}),
    Case(OPENAPI, "bad", 400, path="/openapi.json?version=3", code="unknown_parameter"),
    Case(OPENAPI, "unauthenticated", 401, **NOBODY),
)
def test_openapi(world: World, case: Case) -> None:
    world.run(case)


@cases(Case(OPENAPI, "denied", 200, who="dan"))
def test_openapi_without_a_role_shows_people_only(world: World, case: Case) -> None:
    assert "/api/records/contact" not in world.run(case).json()["paths"]


@cases(
    Case(LIVE, "good", 200, who=None, has={"status": "live"}),
    Case(LIVE, "bad", 400, who=None, path="/health/live?x=1", code="unknown_parameter"),
    Case(READY, "good", 200, who=None, has={"status": "ready", "pending": []}),
    Case(READY, "bad", 400, who=None, path="/health/ready?x=1", code="unknown_parameter"),
)
def test_health(world: World, case: Case) -> None:
    world.run(case)
