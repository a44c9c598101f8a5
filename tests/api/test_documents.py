"""Documents over HTTP: for administrators, planned before they are applied."""

from __future__ import annotations

from typing import Any

import pytest

ROLE = {"kind": "role", "name": "guest", "grants": [{"entity": "lease", "actions": ["read"]}]}
PATH = "/api/documents/role/guest"


async def test_a_document_is_put_got_listed_and_deleted(office: Any) -> None:
    dry = await office("ann", "PUT", PATH, json=ROLE, params={"dry_run": "true"})
    assert (dry.status_code, dry.json()["applied"], dry.json()["plan"]["status"]) == (200, False, "ready")
    assert (await office("ann", "GET", PATH)).status_code == 404
    put = await office("ann", "PUT", PATH, json=ROLE)
    assert (put.status_code, put.json()["applied"]) == (200, True)
    assert (await office("ann", "GET", PATH)).json() == ROLE
    listed = (await office("ann", "GET", "/api/documents")).json()["items"]
    assert ("role", "guest") in {(d["kind"], d["name"]) for d in listed}
    assert (await office("ann", "DELETE", PATH, params={"dry_run": "true"})).json()["applied"] is False
    assert (await office("ann", "DELETE", PATH)).json()["applied"] is True
    assert (await office("ann", "DELETE", PATH)).status_code == 404


async def test_a_document_that_does_not_fit_is_refused_with_its_plan(office: Any) -> None:
    body = {**ROLE, "grants": [{"entity": "nothing", "actions": ["read"]}]}
    refused = await office("ann", "PUT", PATH, json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "plan_refused")
    assert refused.json()["plan"]["documents"][0]["errors"][0]["pointer"] == "/grants/0/entity"


@pytest.mark.parametrize("body", [[], {**ROLE, "name": "other"}, {**ROLE, "kind": "view"}])
async def test_a_body_that_is_not_that_document(office: Any, body: Any) -> None:
    assert (await office("ann", "PUT", PATH, json=body)).status_code == 422


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/api/documents"), ("GET", PATH), ("PUT", PATH), ("DELETE", PATH)]
)
async def test_documents_are_for_administrators(office: Any, method: str, path: str) -> None:
    answer = await office("bob", method, path, json=ROLE)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_a_read_only_token_may_plan(office: Any, method: str) -> None:
    await office("ann", "PUT", PATH, json=ROLE)
    answer = await office("reader", method, PATH, json=ROLE)
    assert answer.json()["code"] == "read_only_token"
    planned = await office("reader", method, PATH, json=ROLE, params={"dry_run": "true"})
    assert (planned.status_code, planned.json()["applied"]) == (200, False)
    assert (await office("ann", "GET", PATH)).json() == ROLE


async def test_parameters_are_checked(office: Any) -> None:
    assert (await office("ann", "PUT", PATH, json=ROLE, params={"dry-run": "true"})).json()[
        "code"
    ] == "unknown_parameter"
    assert (await office("ann", "DELETE", PATH, params={"dry_run": "1"})).json()["code"] == "bad_value"
    assert (await office("ann", "GET", "/api/documents", params={"kind": "role"})).status_code == 400


@pytest.mark.contract("documents.md#recompute")
async def test_the_answer_names_the_job_that_computes_stored_records(office: Any) -> None:
    assert (await office("ann", "POST", "/api/records/contact", json={"name": "Computed"})).status_code == 201
    body = {
        "kind": "fields", "name": "length", "entity": "contact",
        "schema": {"properties": {"name_length": {"type": "integer", "x-crm": {"formula": "length(name)"}}}},
    }  # fmt: skip
    path = "/api/documents/fields/length"
    assert (await office("ann", "PUT", path, json=body, params={"dry_run": "true"})).json()["job"] is None
    job = (await office("ann", "PUT", path, json=body)).json()["job"]
    found = await office("ann", "GET", f"/api/jobs/{job}")
    assert (found.status_code, found.json()["kind"], found.json()["fields"]) == (
        200,
        "recompute",
        ["contact.name_length"],
    )
    assert (await office("bob", "GET", f"/api/jobs/{job}")).status_code == 404
    assert (await office("ann", "POST", f"/api/jobs/{job}/cancel")).json()["code"] == "conflict"
    assert (await office("ann", "GET", f"/api/jobs/{job}/errors.csv")).status_code == 404
    await office("ann", "DELETE", path)
