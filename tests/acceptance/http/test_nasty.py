"""Whatever is sent, the answer is an answer: no 5xx, no traceback, nothing half-written, in time."""

from __future__ import annotations

import json
import socket
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from tests.acceptance.http.conftest import World

CONTACTS = "/api/records/contact"
LEASES = "/api/records/lease"

VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    1e308,
    -1e-308,
    2**53,
    2**64,
    -(2**70),
    "",
    " ",
    "x" * 300,
    "\x00",
    "a\x00b",
    "\u200b",
    "\U0001f600",
    "ā" * 50,
    "'; DROP TABLE e_contact; --",
    "2020-02-30",
    "2020-01-01T00:00:00",
    "2020-01-01T24:00:00Z",
    "9999-12-31T23:59:60+14:00",
    "EUR 5",
    "NaN",
    "00000000-0000-0000-0000-000000000000",
    [],
    [None],
    [[]],
    ["x", "x"],
    [1, "x", {}],
    {},
    {"a": 1},
    {"amount": 1},
    {"amount": "1e400", "currency": "EUR"},
    {"amount": 1, "currency": "EURO"},
    {"amount": {}, "currency": []},
    {"city": None},
    {"city": {"city": 1}},
    {"": ""},
    {"$ref": "#"},
]
TEXTS = [
    "",
    " ",
    "\x00",
    "%",
    "%zz",
    "'",
    '"',
    "\\",
    "--",
    "(",
    ")",
    ",",
    ",,",
    "-",
    "--name",
    "*",
    "@me",
    "@nothing",
    "null",
    "name",
    "name.",
    ".name",
    "owner.owner.owner.owner.owner.name",
    "place.city.street",
    "wish.amount",
    "wish.nothing",
    "activities",
    "any(leases, rent > 1)",
    "any(leases, any(leases, rent > 1))",
    "name matches ''",
    "* matches '%_\\'",
    "name = 'x' and " * 50 + "name = 'x'",
    "budget = 1e999",
    "budget = " + "9" * 400,
    "created_at > @now+99999999999d",
    "created_at > '0001-01-01T00:00:00+14:00'",
    "created_at = '2020-01-01'",
    "birthday < @today-9999y",
    "id = 'x'",
    "id in (@my_teams)",
    "not not not name = 'x'",
    "\ud7ff\ue000\U0010ffff",
    "x" * 9000,
]


@pytest.mark.contract("http-api.md#no-500")
@pytest.mark.parametrize("entity", ["contact", "lease", "activity", "company", "user"])
def test_nasty_values_in_every_field(world: World, entity: str) -> None:
    names = world.get("ann", f"/api/schema/{entity}")["properties"]
    required = {"contact": {"first_name": "A"}, "lease": {}, "company": {"name": "A"}}.get(entity, {})
    for name in names:
        changes = [{"create": {"values": {**required, name: value}}} for value in VALUES]
        body = {"atomic": False, "changes": changes}
        answer = world.send("ann", "POST", f"/api/records/{entity}/batch", content=json.dumps(body))
        assert answer.status_code == 200, (name, answer.text)
        assert {r["status"] for r in answer.json()["results"]} <= {201, 403, 409, 422}, name


@pytest.mark.contract("http-api.md#no-500")
def test_nasty_values_in_a_patch_and_a_move(world: World) -> None:
    contact, lease = world.contact()["id"], world.lease()["id"]
    for value in VALUES:
        for name in ("wish", "place", "scores", "owner", "id", "stage", "stage_reason", "labels", "exact", "phones"):
            body = json.dumps({name: value})
            assert world.send("bob", "PATCH", f"{CONTACTS}/{contact}", content=body).status_code in (200, 403, 409, 422)
        for name in ("to", "pipeline", "reason", "values"):
            answer = world.send(
                "bob", "POST", f"{LEASES}/{lease}/move", content=json.dumps({"to": "signed", name: value})
            )
            assert answer.status_code in (409, 422), (name, value)
        world.send("bob", "POST", "/api/reports/run", content=json.dumps({"entity": value, "measures": value}))
        world.send("ann", "PUT", "/api/documents/role/x?dry_run=true", content=json.dumps(value))
        world.send(
            "ann", "PUT", "/api/documents/role/x", content=json.dumps({"kind": "role", "name": "x", "grants": value})
        )
        world.send("bob", "POST", f"{CONTACTS}/batch", content=json.dumps({"changes": value}))


@pytest.mark.contract("http-api.md#no-500")
@pytest.mark.parametrize(
    "parameter", ["filter", "sort", "fields", "expand", "limit", "cursor", "count", "deleted", "x"]
)
def test_nasty_parameters(world: World, parameter: str) -> None:
    for text in TEXTS:
        answer = world.send("bob", "GET", CONTACTS, params={parameter: text})
        assert answer.status_code in (200, 400, 403), text
        bare = "".join(c for c in text if c.isprintable() and c != "#")[:50]
        assert world.send("bob", "GET", f"{CONTACTS}?{parameter}={bare}").status_code in (200, 400, 403), text


@pytest.mark.contract("http-api.md#no-500")
@pytest.mark.parametrize("template", ["/{}", "/api/records/{}", f"{CONTACTS}/{{}}", f"{CONTACTS}/{{}}/history"])
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE", "PUT", "OPTIONS", "TRACE"])
def test_nasty_paths(world: World, template: str, method: str) -> None:
    for text in (*TEXTS[:12], "..", "%2F", "%00", "ā", "\U0001f600", "x" * 2000, "con tact", "contact;a=b", "Contact"):
        answer = world.send("bob", method, template.format(quote(text, safe="%")), json={})
        assert answer.status_code in (200, 204, 400, 404, 405, 422), text


@pytest.mark.contract("http-api.md#bad-json")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"a": }',
        b"\xff\xfe{}",
        b'{"first_name": "\xff"}',
        b"\x00",
        b"{} {}",
        b"NaN",
        b'{"budget": Infinity}',
        b"{'a': 1}",
        b"[" * 65 + b"]" * 65,
        b'{"a":' * 65 + b"1" + b"}" * 65,
        b'{"first_name": "' + b"\\" * 99 + b'"}',
        b'{"first_name": "\\ud800"}',
        b"[" * 1_000_000,
        b'{"a":' * 300_000,
        b'["' + b"[" * 1_000_000,
    ],
)
@pytest.mark.parametrize("path", [CONTACTS, f"{CONTACTS}/batch", "/api/reports/run"])
def test_a_body_that_is_not_json(world: World, path: str, body: bytes) -> None:
    answer = world.send("bob", "POST", path, content=body)
    if b"ud800" in body and path != "/api/reports/run":
        assert answer.status_code == 422
    else:
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_json")


@pytest.mark.contract("http-api.md#no-500")
@pytest.mark.parametrize("name", ["first_name", "owner", "rank", "wish", "labels", "place", "budget", "code", "\ud800"])
@pytest.mark.parametrize("value", ["\ud800", ["\udfff"], {"\ud800": 1}, {"amount": "\ud800", "currency": "EUR"}])
def test_half_of_a_surrogate_pair_is_a_fault_of_its_field(world: World, name: str, value: Any) -> None:
    record = {"first_name": "A", name: value}
    answer = world.send("ann", "POST", CONTACTS, content=json.dumps(record))
    assert answer.status_code == 422
    changes = [
        {"create": {"values": record}},
        {"upsert": {"on": [name], "values": record}},
        {"delete": {"id": "\ud800"}},
    ]
    answer = world.send("ann", "POST", f"{CONTACTS}/batch", content=json.dumps({"atomic": False, "changes": changes}))
    assert [r["status"] for r in answer.json()["results"]] == [422, 422, 404]


def test_64_levels_are_read(world: World) -> None:
    deep = b'{"place":{"city":"x","more":' + b"[" * 62 + b"]" * 62 + b"}}"
    assert world.send("bob", "POST", CONTACTS, content=deep).status_code in (201, 422)
    brackets_in_a_text = json.dumps({"first_name": "[" * 100, "bank": '\\"[' * 20})
    assert world.send("bob", "POST", CONTACTS, content=brackets_in_a_text).json()["first_name"] == "[" * 100


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_body_of_another_kind(world: World, kind: str) -> None:
    answer = world.send("bob", "POST", CONTACTS, content=b'{"first_name": "A"}', headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_json")
    assert "Content-Type" in answer.json()["hint"]


@pytest.mark.contract("http-api.md#too-large")
@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CONTACTS, b'{"bank": "' + b"x" * (9 * 1024 * 1024) + b'"}'),
        (f"{CONTACTS}/batch", b'{"changes": "' + b"x" * (33 * 1024 * 1024) + b'"}'),
        (CONTACTS, b'{"scores": [' + b"1," * 500_000 + b"1]}"),
        (CONTACTS, b'{"scores": [' + b"[]," * 2_000_000 + b"1]}"),
        (f"{CONTACTS}/batch", b'{"changes": [' + b"{}," * 10_000 + b"{}]}"),
    ],
)
def test_a_body_that_is_too_large_is_refused_and_not_kept(world: World, path: str, body: bytes) -> None:
    answer = world.send("bob", "POST", path, content=body)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_bytes_that_are_hardly_http(world: World) -> None:
    at = urlsplit(str(world.client.base_url))
    for sent in (
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /api/schema?\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /api/schema HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"GET /api/schema HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \xff\xfe\r\n\r\n",
        b"GET /api/schema HTTP/1.1\r\nHost: a\r\nX-Request-Id: \xc4\x81\r\n\r\n",
        b"POST /api/schema HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n",
        b"nonsense\r\n\r\n",
    ):
        with socket.create_connection((str(at.hostname), int(at.port or 0)), timeout=10) as line:
            line.sendall(sent)
            answer = line.recv(4096)
        assert b" 500 " not in answer[:20]
        assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 401")), (sent, answer)
    assert world.get("bob", "/api/schema")
