"""What an administrator writes for the machine cannot make it wait, fetch, run code, or speak SQL of its own."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.security.cases import hostile
from tests.security.conftest import Fort


def fields(property: Any, **more: Any) -> dict[str, Any]:
    """A document with one field of contacts."""
    schema = {"properties": {"odd": property}, **more}
    return {"kind": "fields", "name": "odd", "entity": "contact", "schema": schema}


def pattern(text: str) -> dict[str, Any]:
    return fields({"type": "string", "pattern": text})


def entity(**members: Any) -> dict[str, Any]:
    schema = {"properties": {"word": {"type": "string"}}}
    return {"kind": "entity", "name": "odd", "plural": "Odd", "title": "{word}", "schema": schema, **members}


def report(**members: Any) -> dict[str, Any]:
    count = [{"count": "*", "as": "n"}]
    return {"kind": "report", "name": "odd", "label": "Odd", "entity": "contact", "measures": count, **members}


def role(**grant: Any) -> dict[str, Any]:
    return {"kind": "role", "name": "odd", "grants": [{"entity": "contact", "actions": ["read"], **grant}]}


SQL = 'x" INTEGER); DROP TABLE e_contact; --'
REFUSED: dict[str, dict[str, Any]] = {
    "a pattern that looks back": pattern(r"(a)\1"),
    "a pattern that looks ahead": pattern(r"^(?=a+$)b"),
    "a pattern that looks behind": pattern(r"(?<=a)b"),
    "a pattern in atoms": pattern(r"(?>a+)b"),
    "a pattern that is none": pattern("("),
    "a pattern that is too large": pattern("((a{1000}){1000}){1000}"),
    "a name that is SQL": {**fields({}), "schema": {"properties": {SQL: {"type": "string"}}}},
    "a name with a quote": {**fields({}), "schema": {"properties": {'a"b': {"type": "string"}}}},
    "a name of Python": {**fields({}), "schema": {"properties": {"__class__": {"type": "string"}}}},
    "a name of a column beside": {**fields({}), "schema": {"properties": {"bank__fold": {"type": "string"}}}},
    "a name of a system field": {**fields({}), "schema": {"properties": {"owner": {"type": "string"}}}},
    "a name of 200 letters": {**fields({}), "schema": {"properties": {"a" * 200: {"type": "string"}}}},
    "an entity that is SQL": {**entity(), "name": SQL},
    "an entity that is a table": {**entity(), "name": "crm_secret"},
    "a report by SQL": report(group_by=["name); drop table e_contact"]),
    "a measure named as SQL": report(measures=[{"count": "*", "as": SQL}]),
    "a measure of a column beside": report(measures=[{"sum": "wish__amount", "as": "n"}]),
    "a filter that is SQL": report(filter="1=1) or (1=1"),
    "a filter of 10,000 brackets": report(filter="(" * 10_000 + "id is null" + ")" * 10_000),
    "an order that is SQL": report(order=["1; drop table e_contact"]),
    "a rule that is SQL": role(where="owner = @me) or (1=1"),
    "a rule on nothing": role(where="nothing = 1"),
    "a rule on an unknown entity": role(entity="crm_secret"),
    "a pipeline of a stage that is SQL": {
        "kind": "pipeline",
        "name": "odd",
        "entity": "lease",
        "label": "Odd",
        "stages": [{"name": SQL, "type": "open"}],
    },
    "a reference to a table": fields({"type": "string", "x-crm": {"reference": "crm_secret"}}),
    "a kind that is none": {"kind": "plugin", "name": "odd", "code": "import os"},
    "a type that is none": fields({"type": "nothing"}),
}


@hostile(5, REFUSED)
def test_a_document_that_is_hostile_is_refused(fort: Fort, case: dict[str, Any]) -> None:
    path = f"/api/documents/{case['kind']}/odd"
    answer = fort.send("ann", "PUT", path, json=case)
    assert answer.status_code in (404, 409, 422), answer.text
    assert fort.send("ann", "GET", path).status_code == 404


TITLES = {
    "a parent of Python": "{word.__class__}",
    "a format": "{word:>999999999}",
    "a conversion": "{word!r}",
    "an index": "{0}{word[0]}",
    "a template": "{{word}}${word}<%= word %>",
    "a script": "<script>{word}</script>",
}


@hostile(5, TITLES)
def test_a_title_is_text_with_fields(fort: Fort, case: str) -> None:
    title = f"{{word}} {case}"
    put = fort.send("ann", "PUT", "/api/documents/entity/odd", json=entity(title=title))
    if put.status_code == 409:  # what stands in braces is no field
        assert {e["pointer"] for d in put.json()["plan"]["documents"] for e in d["errors"]} == {"/title"}, put.text
        return
    assert put.status_code == 200
    word = f"titled{next(fort.numbers)}"
    fort.new("odd", "ann", word=word)
    (found,) = (item for item in fort.get("ann", "/api/search", q=word)["items"] if item["entity"] == "odd")
    told = found["title"].removeprefix(word)
    assert told != found["title"]
    assert len(told) <= len(title) + len(word)  # nothing was made wide
    assert f"'{word}'" not in told
    assert "class '" not in told
    assert fort.send("ann", "GET", "/api/records/odd").status_code == 200


@pytest.fixture(scope="module")
def trap() -> Iterator[socket.socket]:
    """A server that nobody has reason to speak to."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


FETCHING: dict[str, Any] = {
    "$ref over HTTP": lambda url: fields({"$ref": f"{url}/schema.json"}),
    "$ref below": lambda url: fields({"type": "object", "properties": {"a": {"$ref": f"{url}/schema.json#/a"}}}),
    "$dynamicRef": lambda url: fields({"$dynamicRef": f"{url}/schema.json"}),
    "$schema": lambda url: fields({"type": "string"}, **{"$schema": f"{url}/meta.json"}),
    "$id": lambda url: fields({"type": "string"}, **{"$id": f"{url}/schema.json"}),
    "$id and $ref beside it": lambda url: fields({"$id": f"{url}/a/", "$ref": "b.json"}),
    "a file": lambda _: fields({"$ref": "file:///etc/passwd"}),
    "a path": lambda _: fields({"$ref": "../../../etc/passwd"}),
    "an address of the cloud": lambda _: fields({"$ref": "http://169.254.169.254/latest/meta-data/"}),
    "a format that is an address": lambda url: fields({"type": "string", "format": f"{url}/format"}),
    "a report of an address": lambda url: report(entity=f"{url}/entity"),
    "a filter of an address": lambda url: report(filter=f"name = '{url}'"),
}


@hostile(6, FETCHING)
def test_a_document_makes_nobody_fetch_anything(fort: Fort, case: Any, trap: socket.socket) -> None:
    document = case(f"http://127.0.0.1:{trap.getsockname()[1]}")
    path = f"/api/documents/{document['kind']}/odd"
    fort.send("ann", "PUT", f"{path}?dry_run=true", json=document)
    if fort.send("ann", "PUT", path, json=document).status_code == 200:
        fort.send("ann", "POST", "/api/records/contact", json={"first_name": "A", "odd": "x"})
        assert fort.send("ann", "DELETE", path).status_code == 200
    with pytest.raises(BlockingIOError):
        trap.accept()


ADDRESSES: dict[str, Any] = {
    "in a field for addresses": lambda url: ("POST", "/api/records/company", {"name": "A", "website": url}),
    "in an e-mail address": lambda url: ("POST", "/api/records/contact", {"first_name": "A", "email": f"a@{url[7:]}"}),
    "in a text": lambda url: ("POST", "/api/records/contact", {"first_name": url, "bank": f"<img src={url}>"}),
    "in a question": lambda url: ("POST", "/api/explain/access", {"action": "read", "entity": url, "user": url}),
    "in a report": lambda url: ("POST", "/api/reports/run", {"entity": url, "measures": [{"count": "*", "as": "n"}]}),
}


@hostile(6, ADDRESSES)
def test_a_value_makes_nobody_fetch_anything(fort: Fort, case: Any, trap: socket.socket) -> None:
    method, path, body = case(f"http://127.0.0.1:{trap.getsockname()[1]}")
    fort.send("ann", method, path, json=body)
    with pytest.raises(BlockingIOError):
        trap.accept()


TEXTS = {
    "a script": "<script>alert(1)</script>",
    "a template": "{{7*7}} ${7*7} #{7*7} <%= 7*7 %> {0.__class__}",
    "a format": "%s%s%n {word} {}",
    "a direction": "\u202egnp.exe",
    "a pattern of a replacement": r"\1\g<0>",
}


@hostile(5, TEXTS)
def test_a_text_stays_what_it_is(fort: Fort, case: str) -> None:
    made = fort.contact("bob", first_name=case, bank=case)
    seen = fort.get("bob", f"/api/records/contact/{made['id']}")
    assert (seen["first_name"], seen["bank"], seen["name"]) == (case, case, case)
    answer = fort.send("bob", "POST", "/api/records/contact", json={"first_name": "A", case: 1})
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "unknown_field")
