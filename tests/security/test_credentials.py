"""Who is nobody gets at nothing, by no route; and no other site sends what changes something."""

from __future__ import annotations

from typing import Any

import pytest

from tests.security.cases import hostile
from tests.security.conftest import Fort


def stored(fort: Fort, table: str) -> str:
    """A hash as it is stored."""
    return str(fort.database(f"SELECT hash FROM {table} ORDER BY created_at LIMIT 1")[0][0])


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def cookie(text: str) -> dict[str, str]:
    return {"Cookie": f"crm_session={text}; __Host-crm_session={text}"}


def ended(fort: Fort) -> dict[str, str]:
    """The cookie of a session that was ended."""
    headers = fort.log_in("eve")
    assert fort.send(None, "DELETE", "/api/session", headers=headers).status_code == 204
    return headers


NOBODY: dict[str, Any] = {
    "nothing": lambda _: {},
    "an unknown token": lambda _: bearer("crm_" + "A" * 43),
    "no token": lambda _: {"Authorization": "Bearer"},
    "a name and a password": lambda _: {"Authorization": "Basic YW5uOmFubg=="},
    "another scheme": lambda fort: {"Authorization": f"Token {fort.tokens['ann']}"},
    "a token with its last letter changed": lambda fort: bearer(fort.tokens["ann"][:-1] + "!"),
    "a token cut short": lambda fort: bearer(fort.tokens["ann"][:-1]),
    "two tokens in one": lambda fort: bearer(f"{fort.tokens['ann']}, {fort.tokens['bob']}"),
    "a token of 7,000 letters": lambda _: bearer("x" * 7_000),
    "SQL for a token": lambda _: bearer("' OR '1'='1' --"),
    "a NUL and bytes for a token": lambda _: {"Authorization": b"Bearer \xff\xfe\xc3"},
    "the stored hash of a token": lambda fort: bearer(stored(fort, "crm_token")),
    "an expired token": lambda fort: bearer(fort.tokens["expired"]),
    "a revoked token": lambda fort: bearer(fort.tokens["revoked"]),
    "the token of a disabled user": lambda fort: bearer(fort.tokens["disabled"]),
    "the token of a deleted user": lambda fort: bearer(fort.tokens["gone"]),
    "a token for a cookie": lambda fort: cookie(fort.tokens["ann"]),
    "an unknown session": lambda _: cookie("A" * 43),
    "the stored hash of a session": lambda fort: cookie(stored(fort, "crm_session")),
    "a session that was ended": ended,
    "a false token beside a session": lambda fort: {**fort.sessions["ann"], **bearer("crm_x")},
    "a CSRF token without a session": lambda fort: {"X-CSRF-Token": fort.sessions["ann"]["X-CSRF-Token"]},
    "the user as a proxy tells him": lambda _: {"X-Forwarded-User": "ann", "Remote-User": "ann", "X-User": "ann"},
    "another path as a proxy tells it": lambda _: {"X-Original-URL": "/health/live", "X-Rewrite-URL": "/health/live"},
    "an address within": lambda _: {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1", "Forwarded": "for=::1"},
}


@pytest.mark.contract("security.md#guest")
@hostile(4, NOBODY)
def test_nobody_gets_at_nothing(fort: Fort, case: Any) -> None:
    headers = case(fort)
    found = fort.all if not headers else fort.routes
    closed = [operation for operation in found if not operation.open]
    fort.each(closed, lambda o: fort.send(None, o.method, fort.address(o), headers=headers), 401)


PATHS = {
    "below what is open": "/health/..{}",
    "below what is open, escaped": "/health/%2e%2e{}",
    "below what is open, escaped twice": "/health/%252e%252e{}",
    "two slashes": "/{}",
    "a slash at the end": "{}/",
    "a parameter in the path": "/health/live;{}",
    "a NUL": "/health/live%00{}",
    "a whole address": "http://localhost{}",
    "a token in the address": "{}?access_token=TOKEN&token=TOKEN&api_key=TOKEN",
    "capital letters": "/API{}",
}


@hostile(4, PATHS)
def test_no_path_leads_around_the_door(fort: Fort, case: str) -> None:
    for operation in fort.routes:
        if not operation.open:
            path = fort.address(operation)
            shown = path.removeprefix("/api") if case.startswith("/API") else path
            target = case.format(shown).replace("TOKEN", fort.tokens["ann"])
            answer = fort.send(None, operation.method, path, extensions={"target": target.encode()})
            assert answer.status_code in (400, 401, 404), (target, answer.text)


FORGED: dict[str, Any] = {
    "no CSRF token": {"X-CSRF-Token": ""},
    "another CSRF token": {"X-CSRF-Token": "A" * 43},
    "a CSRF token cut short": lambda csrf, _: {"X-CSRF-Token": csrf[:-1]},
    "the CSRF token of another session": lambda _, other: {"X-CSRF-Token": other},
    "the CSRF token in the cookie": lambda csrf, _: {"X-CSRF-Token": "", "X-XSRF-Token": csrf},
    "another site": {"Origin": "https://evil.example"},
    "no site": {"Origin": "null"},
    "a site that begins like ours": {"Origin": "http://127.0.0.1.evil.example"},
    "another port": {"Origin": "http://127.0.0.1:1"},
    "what a browser says of another site": {"Sec-Fetch-Site": "cross-site"},
    "what a browser says of a neighbour": {"Sec-Fetch-Site": "same-site"},
    "a host that is believed for no origin": {"Origin": "https://evil.example", "X-Forwarded-Host": "evil.example"},
}


@pytest.mark.contract("security.md#csrf")
@hostile(4, FORGED)
def test_no_other_site_changes_anything(fort: Fort, case: Any) -> None:
    session, other = fort.sessions["ann"], fort.sessions["bob"]
    forged = case(session["X-CSRF-Token"], other["X-CSRF-Token"]) if callable(case) else case
    changing = [operation for operation in fort.routes if operation.changes and not operation.open]
    headers = {**session, **forged}
    fort.each(changing, lambda o: fort.send(None, o.method, fort.address(o), headers=headers, json={}), 403)
    if not any("csrf" in name.lower() for name in forged):  # a log-in is nobody's yet: it has no CSRF token to show
        body = {"login": "ann", "password": "x"}
        assert fort.send(None, "POST", "/api/session", headers=forged, json=body).status_code == 403


SENT_ALONG: dict[str, dict[str, str]] = {
    "another method in a header": {"X-HTTP-Method-Override": "PURGE", "X-Method-Override": "PURGE"},
    "a request id with a line break": {"X-Request-Id": "a b\tSet-Cookie: x=1"},
    "a request id that is a script": {"X-Request-Id": "<script>alert(1)</script>"},
    "a request id of 2,000 letters": {"X-Request-Id": "x" * 2000},
    "another host": {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example;proto=javascript"},
    "another site that reads": {"Origin": "https://evil.example"},
    "a range": {"Range": "bytes=0-1"},
    "languages without end": {"Accept-Language": ",".join(["lv;q=0.1"] * 500), "Accept": "*/*," * 500},
    "cookies without end": {"Cookie": ";".join(f"a{n}=b" for n in range(500))},
    "a trace": {"Traceparent": "x" * 500, "X-Debug": "please", "X-Forwarded-Prefix": "//evil.example"},
}


@hostile(4, SENT_ALONG)
def test_headers_change_no_answer(fort: Fort, case: dict[str, str]) -> None:
    for operation in fort.routes:
        if not operation.changes:
            path = fort.address(operation)
            plain, answer = fort.send("ann", "GET", path), fort.send("ann", "GET", path, headers=case)
            assert answer.status_code == plain.status_code, path
            told = str(answer.headers) + answer.text
            assert not [text for text in case.values() if text in told], path
            assert "evil.example" not in told
