"""Documents over HTTP: planned, applied, refused with reasons, and in force at once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.http.conftest import World


def document(kind: str, name: str, **members: Any) -> dict[str, Any]:
    return {"kind": kind, "name": name, **members}


PET = document("entity", "pet", title="{name}", schema={"properties": {"name": {"type": "string"}}})
COLLAR = document("fields", "pet-collar", entity="pet", schema={"properties": {"collar": {"enum": ["red", "blue"]}}})


def put(world: World, body: dict[str, Any], who: str = "ann", query: str = "") -> Any:
    return world.send(who, "PUT", f"/api/documents/{body['kind']}/{body['name']}{query}", json=body)


@pytest.mark.contract("http-api.md#openapi", "http-api.md#documents-put", "http-api.md#documents-delete")
def test_an_entity_of_a_document_is_like_any_other_at_once(world: World) -> None:
    assert put(world, PET).json()["applied"] is True
    assert put(world, COLLAR).json()["applied"] is True
    rex = world.new("pet", "ann", name="Rex", collar="red")
    assert world.get("ann", "/api/records/pet", filter="collar = 'red'")["items"] == [rex]
    described = world.get("ann", "/openapi.json")
    assert described["components"]["schemas"]["pet"]["properties"]["collar"]["enum"] == ["red", "blue"]
    assert "/api/records/pet/{id}" in described["paths"]
    assert "/api/records/pet" not in world.get("bob", "/openapi.json")["paths"]
    assert world.send("bob", "GET", "/api/records/pet").status_code == 404
    assert "pet" in {item["name"] for item in world.get("ann", "/api/schema")["items"]}
    assert world.send("ann", "DELETE", "/api/documents/fields/pet-collar").json()["applied"] is True
    assert "collar" not in world.get("ann", f"/api/records/pet/{rex['id']}")


@pytest.mark.contract("http-api.md#documents-refused")
@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (document("role", "unfit", grants=[{"entity": "nothing", "actions": ["read"]}]), "/grants/0/entity"),
        (
            document("role", "unfit", grants=[{"entity": "contact", "actions": ["read"], "where": "x = 1"}]),
            "/grants/0/where",
        ),
        (
            document("fields", "unfit", entity="contact", schema={"properties": {"id": {"type": "string"}}}),
            "/schema/properties/id",
        ),
        (
            document("fields", "unfit", entity="contact", schema={"properties": {"a": {"type": "text"}}}),
            "/schema/properties/a/type",
        ),
        (document("view", "unfit", entity="contact", label="X", columns=["nothing"]), "/columns/0"),
        (document("pipeline", "unfit", entity="nothing", label="X", stages=[{"name": "a", "type": "open"}]), "/entity"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_plan(world: World, body: dict[str, Any], pointer: str) -> None:
    for query, status in (("?dry_run=true", 200), ("", 409)):
        answer = put(world, body, query=query)
        assert answer.status_code == status, answer.text
        plan = answer.json()["plan"]
        assert plan["status"] == "refused"
        (planned,) = [d for d in plan["documents"] if (d["kind"], d["name"]) == (body["kind"], body["name"])]
        assert pointer in [fault["pointer"] for fault in planned["errors"]]
    assert answer.json()["code"] == "plan_refused"
    assert world.send("ann", "GET", f"/api/documents/{body['kind']}/unfit").status_code == 404


@pytest.mark.contract("http-api.md#documents-dry-run", "http-api.md#documents-get", "http-api.md#documents-list")
def test_a_dry_run_changes_nothing(world: World) -> None:
    body = document("role", "guest", grants=[{"entity": "lease", "actions": ["read"]}])
    before = world.oracles.written()
    answer = put(world, body, query="?dry_run=true")
    assert (answer.json()["applied"], answer.json()["plan"]["documents"][0]["change"]) == (False, "add")
    assert world.oracles.written() == before
    assert world.send("ann", "GET", "/api/documents/role/guest").status_code == 404
    put(world, body)
    assert world.get("ann", "/api/documents/role/guest") == body
    listed = {(d["kind"], d["name"]) for d in world.get("ann", "/api/documents")["items"]}
    assert {("role", "guest"), ("fields", "contact-buyer"), ("entity", "contact")} <= listed
    assert world.send("ann", "DELETE", "/api/documents/role/guest").status_code == 200


@pytest.mark.contract("http-api.md#documents-not-document")
@pytest.mark.parametrize("body", [[], "x", 1, {}, {"kind": "role"}, document("role", "y", grants=[])])
def test_a_body_that_is_not_this_document(world: World, body: Any) -> None:
    answer = world.send("ann", "PUT", "/api/documents/role/x", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


def test_a_role_that_is_changed_holds_for_the_next_request(world: World) -> None:
    agent = world.get("ann", "/api/documents/role/agent")
    narrower = {**agent, "grants": [grant for grant in agent["grants"] if grant["entity"] != "lease"]}
    assert put(world, narrower).status_code == 200
    assert world.send("eve", "GET", "/api/records/lease").status_code == 404
    assert put(world, agent).status_code == 200
    assert world.send("eve", "GET", "/api/records/lease").status_code == 200


@pytest.mark.contract("http-api.md#plugins")
def test_plugins_have_names_states_and_an_order(world: World) -> None:
    items = world.get("ann", "/api/plugins")["items"]
    assert [item["order"] for item in items if item["state"] == "active"] == [1]
    assert {"name", "title", "version", "source", "state", "reason", "order", "order_because"} <= set(items[0])


@pytest.mark.contract("http-api.md#reports-run", "http-api.md#reports-csv", "http-api.md#report-answer")
def test_reports(world: World) -> None:
    for kind, budget in (("cash", 1.5), ("cash", 2), (None, 4)):
        world.contact(source="report", purchase_type=kind, budget=budget)
    report = {"entity": "contact", "filter": "source = 'report'", "group_by": ["purchase_type"]}
    report["measures"] = [{"sum": "budget", "as": "total"}]
    answer = world.send("bob", "POST", "/api/reports/run", json=report).json()
    assert [c["name"] for c in answer["columns"]] == ["purchase_type", "total"]
    assert answer["rows"] == [{"purchase_type": "cash", "total": 3.5}, {"purchase_type": None, "total": 4}]
    assert (answer["totals"], answer["truncated"]) == ({"total": 7.5}, False)
    assert answer["as_of"].endswith("Z")
    as_csv = world.send("bob", "POST", "/api/reports/run?format=csv", json=report)
    assert as_csv.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert as_csv.text.splitlines() == ["purchase_type,total", "cash,3.5", ",4.0"]


@pytest.mark.contract("http-api.md#documents-versions", "http-api.md#documents-restore")
def test_a_version_comes_back_over_http(world: World) -> None:
    path, body = "/api/documents/view/of-mine", {"kind": "view", "name": "of-mine", "entity": "contact", "label": "A"}
    for label in ("A", "Ā"):
        assert world.send("ann", "PUT", path, json={**body, "label": label}).status_code == 200
    newest, oldest = world.get("ann", f"{path}/versions")["items"]
    assert (newest["version"], newest["by"]["name"], newest["change"]) == (2, "ann", "change")
    assert newest["diff"] == [{"pointer": "/label", "old": "A", "new": "Ā"}]
    assert (oldest["body"], oldest["change"]) == (body, "add")
    restored = world.send("ann", "POST", f"{path}/versions/1/restore").json()
    assert (restored["applied"], restored["plan"]["documents"][0]["change"]) == (True, "change")
    assert world.get("ann", path) == body
    assert [v["version"] for v in world.get("ann", f"{path}/versions")["items"]] == [3, 2, 1]
    assert world.send("ann", "DELETE", path).status_code == 200
    assert world.send("ann", "POST", f"{path}/versions/2/restore").json()["applied"] is True
    assert world.get("ann", path)["label"] == "Ā"
