"""Nobody gives himself or others what he does not have; the last administrator stays; secrets are written only."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.http.test_routes_jobs import ended, form
from tests.security.cases import hostile
from tests.security.conftest import PASSWORD, Fort, browser

USERS = "/api/records/user"
HR = {
    "kind": "role",
    "name": "hr",
    "grants": [{"entity": "user", "actions": ["read", "create", "update", "delete"]}],
}


@pytest.fixture(scope="module")
def hr(fort: Fort) -> str:
    """A person who may change users, and is no administrator."""
    assert fort.send("ann", "PUT", "/api/documents/role/hr", json=HR).status_code == 200
    made = fort.send("ann", "POST", USERS, json={"login": "hal", "name": "Hal", "roles": ["hr"]})
    assert made.status_code == 201, made.text
    fort.sessions["hal"] = fort.log_in("hal")
    return "hal"


def batch(*changes: Any) -> dict[str, Any]:
    return {"changes": list(changes)}


TAKEN: dict[str, Any] = {
    "an administrator is made": lambda _: ("POST", USERS, {"login": "x", "name": "X", "roles": ["admin"]}),
    "another role is given": lambda f: ("PATCH", f"{USERS}/{f.person('hal')}", {"roles": ["hr", "agent"]}),
    "he is made an administrator": lambda f: ("PATCH", f"{USERS}/{f.person('hal')}", {"roles": ["admin"]}),
    "another is": lambda f: ("PATCH", f"{USERS}/{f.person('dan')}", {"roles": ["admin"]}),
    "in a batch": lambda f: (
        "POST",
        f"{USERS}/batch",
        batch({"update": {"id": f.person("dan"), "values": {"roles": ["admin"]}}}),
    ),
    "in an upsert": lambda _: (
        "POST",
        f"{USERS}/batch",
        batch({"upsert": {"on": ["login"], "values": {"login": "dan", "roles": ["admin"]}}}),
    ),
    "in a batch, each for itself": lambda _: (
        "POST",
        f"{USERS}/batch",
        {**batch({"create": {"values": {"login": "x", "name": "X", "roles": ["admin"]}}}), "atomic": False},
    ),
    "a role is written": lambda _: ("PUT", "/api/documents/role/hr", HR),
    "a role is taken away": lambda _: ("DELETE", "/api/documents/role/clerk", None),
    "a password is set": lambda f: ("PATCH", f"{USERS}/{f.person('ann')}", {"password": PASSWORD}),
    "another's password is changed": lambda _: ("PUT", "/api/session/password", {"current": "x", "new": PASSWORD}),
    "a reset is guessed": lambda _: (
        "POST",
        "/api/session",
        {"login": "ann", "reset": "x" * 43, "password": PASSWORD},
    ),
    "another's question is asked": lambda _: (
        "POST",
        "/api/explain/access",
        {"user": "ann", "action": "read", "entity": "user"},
    ),
    "a token for what he does not have": lambda _: ("POST", "/api/tokens", {"name": "x", "entities": ["lease"]}),
    "an id is taken": lambda f: ("POST", USERS, {"id": f.person("ann"), "login": "x", "name": "X"}),
    "a login is taken": lambda f: ("PATCH", f"{USERS}/{f.person('hal')}", {"login": "ann"}),
}


@pytest.mark.contract("security.md#own-grants")
@hostile(8, TAKEN)
def test_nobody_takes_what_he_does_not_have(fort: Fort, hr: str, case: Any) -> None:
    method, path, body = case(fort)
    before = rights(fort)
    answer = fort.send(None, method, path, headers=fort.sessions[hr], **({} if body is None else {"json": body}))
    if answer.status_code == 200:  # the answer of a batch tells of each change
        assert [result["status"] for result in answer.json()["results"]] == [422]
    else:
        assert answer.status_code in (401, 403, 404, 409, 422), answer.text
    assert rights(fort) == before


def rights(fort: Fort) -> list[Any]:
    """Who has which roles, and may sign in."""
    return sorted(fort.database("SELECT login, CAST(roles AS text), active, deleted_at IS NULL FROM e_user"))


LAST: dict[str, Any] = {
    "disabled": lambda id: ("PATCH", f"{USERS}/{id}", {"active": False}),
    "without roles": lambda id: ("PATCH", f"{USERS}/{id}", {"roles": []}),
    "with roles of null": lambda id: ("PATCH", f"{USERS}/{id}", {"roles": None}),
    "with another role": lambda id: ("PATCH", f"{USERS}/{id}", {"roles": ["agent"]}),
    "deleted": lambda id: ("DELETE", f"{USERS}/{id}", None),
    "purged": lambda id: ("DELETE", f"{USERS}/{id}?purge=true", None),
    "deleted in a batch": lambda id: ("POST", f"{USERS}/batch", batch({"delete": {"id": id}})),
    "disabled in an upsert": lambda _: (
        "POST",
        f"{USERS}/batch",
        batch({"upsert": {"on": ["login"], "values": {"login": "ann", "active": False}}}),
    ),
    "made and gone in one batch": lambda id: (
        "POST",
        f"{USERS}/batch",
        batch(
            {"create": {"values": {"login": "y", "name": "Y", "roles": ["admin"], "active": False}}},
            {"update": {"id": id, "values": {"roles": []}}},
        ),
    ),
}


@pytest.mark.contract("cli.md#user-admin")
@hostile(8, LAST)
def test_the_last_administrator_stays(fort: Fort, case: Any) -> None:
    method, path, body = case(fort.ids["user"])
    before = rights(fort)
    answer = fort.send("ann", method, path, **({} if body is None else {"json": body}))
    assert answer.status_code in (409, 422), answer.text
    assert rights(fort) == before


@hostile(8, {"by an import": "login,active\nann,false\n"})
def test_no_file_takes_the_last_administrator_away(fort: Fort, case: str) -> None:
    sent = form(case, mapping={"key": ["login"]}, on_duplicate="update")
    answer = fort.send("ann", "POST", f"{USERS}/import", **sent)
    if answer.status_code == 202:
        assert ended(fort, answer.headers["Location"])["counts"]["refused"] == 1
    assert fort.get("ann", f"{USERS}/{fort.ids['user']}")["active"] is True


SECRETS = {
    "as a field": {"fields": "name,password"},
    "as a filter": {"filter": "password is not null"},
    "as an order": {"sort": "password"},
    "as a hash": {"fields": "hash"},
    "as what is expanded": {"expand": "secret"},
    "as a token": {"fields": "tokens.hash"},
}


@hostile(8, SECRETS)
def test_secrets_are_written_only(fort: Fort, case: dict[str, str]) -> None:
    for path in (USERS, f"{USERS}/export"):
        if path == USERS or "expand" not in case:
            answer = fort.send("ann", "GET", path, params=case)
            assert (answer.status_code, answer.json()["code"]) == (400, "unknown_field")
    assert not {"password", "hash", "secret"} & set(fort.get("ann", f"{USERS}/{fort.ids['user']}"))


FIXED: dict[str, dict[str, str]] = {
    "an id of his own": {"Cookie": "crm_session=" + "A" * 43},
    "an id of two names": {"Cookie": "__Host-crm_session=" + "B" * 43 + "; crm_session=" + "B" * 43},
    "no id": {"Cookie": "crm_session="},
    "an id that is SQL": {"Cookie": "crm_session=' OR 1=1 --"},
}


@pytest.mark.contract("security.md#session-not-adopted", "security.md#session-rotated")
@hostile(4, FIXED)
def test_no_session_is_planted(fort: Fort, case: dict[str, str]) -> None:
    answer = fort.send(None, "POST", "/api/session", json={"login": "ann", "password": PASSWORD}, headers=case)
    assert answer.status_code == 200
    cookie = browser(answer)["Cookie"]
    assert cookie.partition("=")[2] not in case["Cookie"]
    assert len(cookie.partition("=")[2]) >= 32
    planted = {"Cookie": case["Cookie"]}
    assert fort.send(None, "GET", "/api/session", headers=planted).status_code == 401
    assert fort.send(None, "GET", "/api/session", headers={"Cookie": cookie}).status_code == 200


LOG_INS = {
    "who is not there": {"login": "nobody", "password": PASSWORD},
    "a wrong password": {"login": "ann", "password": "wrong horse battery"},
    "who has no password": {"login": "dan", "password": PASSWORD},
    "who is disabled": {"login": "disabled", "password": PASSWORD},
    "who is deleted": {"login": "gone", "password": PASSWORD},
    "a login that is SQL": {"login": "ann' --", "password": PASSWORD},
    "a login in other letters": {"login": "a\u200bnn", "password": PASSWORD},
    "a login of wildcards": {"login": "%", "password": PASSWORD},
    "a reset that is none": {"login": "ann", "reset": "x", "password": PASSWORD},
}


@pytest.mark.contract("security.md#same-work")
@hostile(4, LOG_INS)
def test_no_log_in_tells_who_there_is(fort: Fort, case: dict[str, str]) -> None:
    reset = {"reset": "y"} if "reset" in case else {}
    unknown = {"login": f"nobody-{next(fort.numbers)}", "password": PASSWORD, **reset}
    texts: list[str] = []
    work: list[float] = []
    for body in (unknown, case):
        before = fort.oracles.cpu()
        answer = fort.send(None, "POST", "/api/session", json=body)
        work.append(fort.oracles.cpu() - before)
        assert answer.status_code == 401, answer.text
        texts.append(answer.text)
    assert texts[0] == texts[1]
    assert reset or min(work) >= 0.005, "no password was checked"  # argon2id takes some 50 ms, a clock tick 10
