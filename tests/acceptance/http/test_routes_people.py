"""The routes of sessions and tokens with good, bad, unauthenticated and denied input."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.http.conftest import Case, World, cases, crm

LOG_IN = "POST /api/session"
WHO = "GET /api/session"
LOG_OUT = "DELETE /api/session"
PASSWORD = "PUT /api/session/password"
SESSIONS = "GET /api/sessions"
END = "DELETE /api/sessions/{id}"
TOKENS = "GET /api/tokens"
CREATE = "POST /api/tokens"
REVOKE = "DELETE /api/tokens/{id}"

NOBODY: dict[str, Any] = {"who": None, "code": "unauthenticated"}
CHANGE = {"current": "correct horse", "new": "battery staple"}


@pytest.fixture
def session(world: World) -> dict[str, str]:
    """The headers of a person who has just set his first password and is signed in; `id` names his session."""
    login = f"person-{next(world.numbers)}"
    crm(world.folder, "user", "add", login, "--role", "agent")
    reset = crm(world.folder, "user", "reset-password", login)
    body = {"login": login, "reset": reset, "password": "correct horse"}
    answer = world.run(Case(LOG_IN, "good", 200, who=None, body=body))
    world.client.cookies.clear()  # each request says itself who sends it
    cookie = answer.headers["set-cookie"].partition(";")[0]
    return {"Cookie": cookie, "X-CSRF-Token": answer.json()["csrf"]}


@pytest.mark.contract("http-api.md#session")
def test_a_session_from_log_in_to_log_out(world: World, session: dict[str, str]) -> None:
    me = world.run(Case(WHO, "good", 200, who=None, headers=session)).json()
    assert me["csrf"] == session["X-CSRF-Token"]
    assert me["roles"] == ["agent"]
    again = {"login": me["user"]["login"], "password": "correct horse"}
    world.run(Case(LOG_IN, "good", 200, who=None, body=again))
    world.client.cookies.clear()
    world.run(Case(LOG_OUT, "good", 204, who=None, headers=session))
    world.client.cookies.clear()
    world.run(Case(WHO, "bad", 401, who=None, headers=session, code="unauthenticated"))


@cases(
    Case(LOG_IN, "bad", 401, body={"login": "nobody", "password": "x"}, **NOBODY),
    Case(LOG_IN, "bad", 422, who=None, body={"login": "nobody", "pass": "x"}, code="invalid"),
    Case(LOG_IN, "bad", 422, who=None, body=[], code="invalid"),
    Case(LOG_IN, "bad", 400, who=None, path="/api/session?next=x", code="unknown_parameter"),
    Case(WHO, "good", 200, has={"csrf": None, "roles": ["agent"]}),
    Case(WHO, "bad", 400, path="/api/session?x=1", code="unknown_parameter"),
    Case(WHO, "unauthenticated", 401, **NOBODY),
    Case(WHO, "denied", 200, who="dan", has={"roles": []}),
    Case(LOG_OUT, "bad", 400, path="/api/session?x=1", code="unknown_parameter"),
    Case(LOG_OUT, "unauthenticated", 401, **NOBODY),
    Case(LOG_OUT, "denied", 403, code="forbidden"),
    Case(LOG_OUT, "denied", 403, who="reader", code="read_only_token"),
    Case(PASSWORD, "unauthenticated", 401, body=CHANGE, **NOBODY),
    Case(PASSWORD, "denied", 403, body=CHANGE, code="forbidden"),
)
def test_session(world: World, case: Case) -> None:
    world.run(case)


def test_password(world: World, session: dict[str, str]) -> None:
    wrong = {"current": "wrong", "new": "battery staple"}
    world.run(Case(PASSWORD, "bad", 422, who=None, headers=session, body=wrong, code="invalid"))
    world.run(Case(PASSWORD, "good", 200, who=None, headers=session, body=CHANGE))
    world.client.cookies.clear()
    world.run(Case(PASSWORD, "bad", 401, who=None, headers=session, body=CHANGE, code="unauthenticated"))


@pytest.mark.contract("http-api.md#sessions")
def test_sessions(world: World, session: dict[str, str]) -> None:
    (item,) = world.run(Case(SESSIONS, "good", 200, who=None, headers=session)).json()["items"]
    assert item["current"] is True
    path = f"/api/sessions/{item['id']}"
    world.run(Case(END, "denied", 404, path=path, code="not_found"))  # somebody else's
    no_csrf = {"Cookie": session["Cookie"]}
    world.run(Case(END, "denied", 403, who=None, headers=no_csrf, path=path, code="csrf"))
    world.run(Case(END, "good", 204, who=None, headers=session, path=path))
    world.client.cookies.clear()
    world.run(Case(END, "unauthenticated", 401, who=None, headers=session, path=path, code="unauthenticated"))


@cases(
    Case(SESSIONS, "good", 200, has={"items": []}),
    Case(SESSIONS, "bad", 400, path="/api/sessions?limit=1", code="unknown_parameter"),
    Case(SESSIONS, "unauthenticated", 401, **NOBODY),
    Case(SESSIONS, "denied", 403, who="scoped", code="forbidden"),
    Case(END, "bad", 404, path="/api/sessions/{never}", code="not_found"),
    Case(END, "bad", 404, path="/api/sessions/x%00y", code="not_found"),
    Case(END, "unauthenticated", 401, path="/api/sessions/{never}", **NOBODY),
    Case(END, "denied", 403, who="reader", path="/api/sessions/{never}", code="read_only_token"),
    Case(TOKENS, "good", 200),
    Case(TOKENS, "good", 200, who="reader"),
    Case(TOKENS, "bad", 400, path="/api/tokens?limit=1", code="unknown_parameter"),
    Case(TOKENS, "unauthenticated", 401, **NOBODY),
    Case(TOKENS, "denied", 403, who="scoped", code="forbidden"),
    Case(CREATE, "good", 201, body={"name": "laptop"}, has={"read_only": False, "entities": None}),
    Case(CREATE, "bad", 422, body={"name": "", "entities": ["nothing"], "x": 1}, code="invalid"),
    Case(CREATE, "bad", 422, body=7, code="invalid"),
    Case(CREATE, "unauthenticated", 401, body={"name": "x"}, **NOBODY),
    Case(CREATE, "denied", 403, who="reader", body={"name": "x"}, code="read_only_token"),
    Case(CREATE, "denied", 403, who="scoped", body={"name": "x"}, code="forbidden"),
    Case(REVOKE, "bad", 404, path="/api/tokens/{never}", code="not_found"),
    Case(REVOKE, "bad", 404, path="/api/tokens/x%00y", code="not_found"),
    Case(REVOKE, "unauthenticated", 401, path="/api/tokens/{never}", **NOBODY),
    Case(REVOKE, "denied", 403, who="scoped", path="/api/tokens/{never}", code="forbidden"),
)
def test_own(world: World, case: Case) -> None:
    world.run(case)


@pytest.mark.contract("http-api.md#tokens")
def test_revoke(world: World) -> None:
    made = world.send("bob", "POST", "/api/tokens", json={"name": "laptop"}).json()
    path = f"/api/tokens/{made['id']}"
    world.run(Case(REVOKE, "denied", 404, who="eve", path=path, code="not_found"))
    world.run(Case(REVOKE, "good", 204, path=path))


@pytest.mark.contract("security.md#guest")
def test_a_guest_gets_at_no_route(world: World) -> None:
    for path, item in world.description["paths"].items():
        for method, operation in item.items():
            if not method.startswith("x-") and operation.get("security") != []:
                answer = world.send(None, method.upper(), path.replace("{id}", "x"))
                assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), (method, path)
