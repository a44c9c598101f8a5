"""What stands in a path is a value, whatever it holds; and what is hidden is answered like what never was."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.security.cases import Operation, hostile
from tests.security.conftest import Fort

NAMES = {
    "a quote": "'",
    "SQL that is always true": "' OR '1'='1",
    "SQL that drops a table": "x'; DROP TABLE e_contact; --",
    "SQL that joins": "x' UNION SELECT hash FROM crm_secret --",
    "a name in quotes": '"e_contact"',
    "a NUL": "x\x00y",
    "a line break": "x\r\nSet-Cookie: a=b",
    "wildcards": "%_*",
    "a path": "../../../etc/passwd",
    "a path of Windows": "..\\..\\windows",
    "a template": "{{7*7}}${7*7}{0.__class__}",
    "a script": "<script>alert(1)</script>",
    "2,000 letters": "x" * 2000,
    "letters of everywhere": "ā\u202e\U0001f600\ufeff",
    "a number": "0",
    "null": "null",
    "a UUID in braces": "{00000000-0000-0000-0000-000000000000}",
    "JSON": '{"$ne": null}',
    "a list": "a,b",
    "a parent of Python": "__class__",
}


@hostile(3, NAMES)
def test_names_in_paths_are_values(fort: Fort, case: str) -> None:
    for operation in fort.routes:
        for name in ("id", "kind", "name", "entity"):
            if f"{{{name}}}" in operation.path:
                path = fort.address(operation, **{name: case})
                body = {"json": {}} if operation.body else {}
                answer = fort.send("ann", operation.method, path, **body)
                assert answer.status_code in (400, 404, 409, 422), (operation.name, answer.text)
                if name == "id":
                    assert answer.status_code == 404, (operation.name, answer.text)
                assert "49" not in answer.text.replace(case, "")


HIDDEN: dict[str, Any] = {
    "a record of somebody else": lambda fort: {"contact": fort.ids["contact"]},
    "a record with a denied field": lambda fort: {"contact": fort.ids["denied"]},
    "a deleted record of somebody else": lambda fort: {"contact": gone(fort)},
    "a record of an entity without a grant": lambda fort: {n: fort.ids[n] for n in ("activity", "company")},
    "an import of somebody else": lambda fort: {"jobs": fort.ids["jobs"]},
    "a token of somebody else": lambda fort: {"tokens": fort.ids["tokens"]},
    "a session of somebody else": lambda fort: {"sessions": fort.ids["sessions"]},
}


def gone(fort: Fort) -> str:
    """A contact of Ann's that is deleted."""
    id = str(fort.contact("ann")["id"])
    assert fort.send("ann", "DELETE", f"/api/records/contact/{id}").status_code == 204
    return id


@pytest.mark.contract("http-api.md#hidden-is-404")
@hostile(1, HIDDEN)
def test_what_is_hidden_is_answered_like_what_never_was(fort: Fort, case: Any) -> None:
    asked = 0
    for key, id in case(fort).items():
        for operation in fort.all:
            if f"/{key}/{{id}}" in operation.path:
                hidden, never = (ask(fort, operation, one) for one in (id, str(uuid4())))
                assert hidden == never, operation.name
                assert hidden[0] == 404, operation.name
                asked += 1
    assert asked > 0


def ask(fort: Fort, operation: Operation, id: str) -> tuple[int, str]:
    """What Bob is answered, its id taken out."""
    body: dict[str, Any] = {"json": {"to": "signed", "version": 1, "bank": "x"}} if operation.body else {}
    answer: httpx.Response = fort.send("bob", operation.method, fort.address(operation, id=id), **body)
    return answer.status_code, answer.text.replace(id, "ID")


READERS = {
    "an agent": "bob",
    "another agent": "eve",
    "a clerk with a denied field": "cid",
    "a person without a role": "dan",
    "a token for other entities": "scoped",
    "an administrator who only reads": "reader",
}


@pytest.mark.contract("security.md#noninterference")
@hostile(2, READERS)
def test_what_is_hidden_changes_no_byte_of_what_is_read(fort: Fort, case: str) -> None:
    before = read_all(fort, case)
    id = fort.ids["contact"]
    path = f"/api/records/contact/{id}"
    number = next(fort.numbers)
    changed = {"first_name": f"canaryrow-{number}", "budget": 73645127, "code": f"canaryrow-{number}"}
    assert fort.send("ann", "PATCH", path, json=changed).status_code == 200
    fort.contact("ann", first_name="canaryrow-new")
    after = read_all(fort, case)
    assert set(before) == set(after)
    differ = [name for name, text in after.items() if before[name] != text]
    assert bool(differ) == (case == "reader"), differ  # she may see it: the reading does show what changed


def read_all(fort: Fort, who: str) -> dict[str, str]:
    """What somebody is answered to each reading of each entity, but for what tells of himself and when."""
    found: dict[str, str] = {}
    for operation in fort.all:
        if not operation.changes and not operation.path.startswith(("/api/tokens", "/api/sessions")):
            asked = {"q": "canaryrow"} if operation.path == "/api/search" else {}
            answer = fort.send(who, "GET", fort.address(operation), params=asked)
            if "/export" in operation.path and answer.status_code == 200:
                asked = {"format": "jsonl"}
            found[operation.name] = "\n".join(line for line in (answer.text,) if '"as_of"' not in line)
            if {"count", "filter", "q"} <= set(operation.queries):
                for more in ({"count": "exact"}, {"filter": "id is not null"}, {"q": "canaryrow"}, {"sort": "id"}):
                    found[f"{operation.name} {more}"] = fort.send(who, "GET", fort.address(operation), params=more).text
    return found


@hostile(4, {"what is read only": "reader"})
def test_a_token_that_only_reads_changes_nothing(fort: Fort, case: str) -> None:
    before = fort.oracles.written()
    for operation in fort.all:
        if operation.changes and not operation.open:
            body: dict[str, Any] = {"json": {"first_name": "A", "name": "A", "login": "a"}} if operation.body else {}
            fort.send(case, operation.method, fort.address(operation), **body)
    assert fort.oracles.written() == before


@hostile(1, {"a person without a role": "dan", "a clerk": "cid"})
def test_who_may_not_change_changes_no_record(fort: Fort, case: str) -> None:
    for operation in fort.all:
        if operation.changes and operation.path.startswith("/api/records/") and "import" not in operation.path:
            body: dict[str, Any] = {"json": {"number": "A", "to": "signed", "version": 1}} if operation.body else {}
            answer = fort.send(case, operation.method, fort.address(operation), **body)
            assert answer.status_code in (403, 404, 422), operation.name
