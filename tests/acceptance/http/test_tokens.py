"""Tokens: what they give, and that they end at once, whoever ends them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.http.conftest import World, crm

SCHEMA = "/api/schema"


@pytest.fixture
def person(world: World) -> Iterator[str]:
    """A new agent with a token of his own name."""
    login = f"person-{next(world.numbers)}"
    crm(world.folder, "user", "add", login, "--role", "agent")
    world.tokens[login] = crm(world.folder, "token", "create", login, "--name", "test")
    yield login
    del world.tokens[login]


@pytest.mark.contract("http-api.md#bearer")
@pytest.mark.parametrize("sent", ["", "Bearer", "Bearer x", "Basic YTpi", "Token abc", "bearer\tx"])
def test_what_names_nobody(world: World, sent: str) -> None:
    answer = world.send(None, "GET", SCHEMA, headers={"Authorization": sent})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.contract("http-api.md#token-revoked")
def test_a_token_revoked_by_another_process_ends_at_once(world: World, person: str) -> None:
    assert world.send(person, "GET", SCHEMA).status_code == 200
    listed = crm(world.folder, "token", "list", person, "--json")
    id = listed.partition('"id":"')[2].partition('"')[0]
    crm(world.folder, "token", "revoke", id)
    assert world.send(person, "GET", SCHEMA).status_code == 401


@pytest.mark.contract("http-api.md#token-revoked")
def test_a_disabled_user_is_out_at_once(world: World, person: str) -> None:
    assert world.send(person, "GET", SCHEMA).status_code == 200
    crm(world.folder, "user", "disable", person)
    assert world.send(person, "GET", SCHEMA).status_code == 401


@pytest.mark.contract("http-api.md#token-scope")
def test_a_token_has_the_rights_of_now(world: World, person: str) -> None:
    assert world.send(person, "GET", "/api/records/lease").status_code == 200
    users = world.get("ann", "/api/records/user", filter=f"login = '{person}'")["items"]
    path = f"/api/records/user/{users[0]['id']}"
    assert world.send("ann", "PATCH", path, json={"roles": []}).status_code == 200
    assert world.send(person, "GET", "/api/records/lease").status_code == 404
    assert world.send("ann", "PATCH", path, json={"roles": ["admin"]}).status_code == 200
    assert world.send(person, "GET", "/api/documents").status_code == 200


@pytest.mark.contract("http-api.md#token-scope")
def test_a_scope_takes_the_other_entities_away(world: World) -> None:
    assert world.send("scoped", "GET", "/api/records/lease").status_code == 200
    for path in ("/api/records/contact", "/api/schema/contact", "/api/reports/by-type"):
        assert world.send("scoped", "GET", path).status_code == 404
    lease = world.lease(tenant=world.contact()["id"])
    seen = world.get("scoped", f"/api/records/lease/{lease['id']}", expand="tenant")
    assert seen["tenant"] == {"id": lease["tenant"], "hidden": True}


@pytest.mark.contract("http-api.md#token-read-only")
def test_a_read_only_token_reads_runs_and_plans(world: World) -> None:
    count = {"entity": "contact", "measures": [{"count": "*", "as": "n"}]}
    role = {"kind": "role", "name": "guest", "grants": []}
    path = f"/api/records/contact/{world.contact()['id']}"
    assert world.send("reader", "GET", path).status_code == 200
    assert world.send("reader", "POST", "/api/reports/run", json=count).status_code == 200
    assert world.send("reader", "PUT", "/api/documents/role/guest?dry_run=true", json=role).status_code == 200
    for method, target, body in (
        ("POST", "/api/records/contact", {"first_name": "A"}),
        ("PATCH", path, {"bank": "x"}),
        ("DELETE", path, None),
        ("POST", "/api/records/contact/batch", {"changes": []}),
        ("PUT", "/api/documents/role/guest", role),
        ("DELETE", "/api/documents/role/agent", None),
    ):
        answer = world.send("reader", method, target, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "read_only_token"), (method, target)
