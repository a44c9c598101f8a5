"""Faults of values: all at once, each with its keyword and pointer, in order; and which status wins."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.acceptance.http.conftest import World

CONTACTS = "/api/records/contact"


def faults(world: World, body: Any, who: str = "bob") -> list[tuple[str, str]]:
    """(pointer, code) of each fault of a create, as answered."""
    answer = world.send(who, "POST", CONTACTS, json=body)
    assert answer.status_code == 422, answer.text
    return [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]]


@pytest.mark.contract("http-api.md#all-faults", "http-api.md#fault-keyword", "http-api.md#fault-order")
def test_all_faults_at_once_in_order(world: World) -> None:
    body = {
        "budget": -1,
        "bank": "x" * 81,
        "purchase_type": "barter",
        "nothing": 1,
        "email": "no e-mail",
        "created_at": "2020-01-01T00:00:00Z",
        "company": str(uuid4()),
    }
    found = faults(world, body)
    assert found == sorted(found)
    assert {
        ("/bank", "maxLength"),
        ("/budget", "minimum"),
        ("/company", "reference"),
        ("/created_at", "read_only"),
        ("/email", "format"),
        ("/nothing", "unknown_field"),
        ("/purchase_type", "enum"),
    } == set(found)


@pytest.mark.contract("http-api.md#fault-pointer")
@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"place": {}}, [("/place/city", "required")]),
        ({"fee": 1.5}, [("/budget", "dependentRequired")]),
        ({"a/b": 1, "c~d": 2}, [("/a~1b", "unknown_field"), ("/c~0d", "unknown_field")]),
        ({"scores": [1, -1, "x"]}, [("/scores/1", "minimum"), ("/scores/2", "type")]),
    ],
)
def test_pointers_name_the_member(world: World, body: Any, found: list[tuple[str, str]]) -> None:
    assert faults(world, body) == found


@pytest.mark.contract("http-api.md#fault-branches")
def test_branches(world: World) -> None:
    assert faults(world, {"purchase_type": "mortgage"}) == [("/bank", "required")]
    assert faults(world, {"rank": "high"}) == [("", "anyOf")]


@pytest.mark.contract("http-api.md#fault-multiple-of")
@pytest.mark.parametrize(("fee", "fits"), [(0.07, True), (4.35, True), (1.1, True), (0.075, False), (1e-3, False)])
def test_multiple_of_is_exact(world: World, fee: float, fits: bool) -> None:
    if fits:
        assert world.contact(fee=fee, budget=1)["fee"] == fee
    else:
        assert faults(world, {"fee": fee, "budget": 1}) == [("/fee", "multipleOf")]


@pytest.mark.contract("http-api.md#read-only-field")
def test_a_read_only_field_may_be_repeated(world: World) -> None:
    path = f"{CONTACTS}/{world.contact()['id']}"
    answer = world.send("bob", "PATCH", path, json={"external_id": "x"})
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [("/external_id", "read_only")]
    assert world.send("ann", "PATCH", path, json={"external_id": "x-1"}).status_code == 200
    same = world.send("bob", "PATCH", path, json={"external_id": "x-1", "bank": "SEB"})
    assert (same.status_code, same.json()["bank"]) == (200, "SEB")


@pytest.mark.contract("http-api.md#read-only-system")
def test_system_fields_are_read_only_even_for_administrators(world: World) -> None:
    contact = world.contact("ann")
    path = f"{CONTACTS}/{contact['id']}"
    names = ("version", "created_at", "created_by", "updated_at", "updated_by", "deleted_at")
    sent = {"version": 9, "deleted_at": "2020-01-01T00:00:00Z", "created_at": "2020-01-01T00:00:00Z"}
    sent |= {"updated_at": "2020-01-01T00:00:00Z", "created_by": str(uuid4()), "updated_by": str(uuid4())}
    answer = world.send("ann", "PATCH", path, json=sent)
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [
        (f"/{n}", "read_only") for n in sorted(names)
    ]
    assert world.send("ann", "PATCH", path, json={"id": str(uuid4())}).json()["errors"][0]["code"] == "read_only"
    assert world.send("ann", "PATCH", path, json=contact).status_code == 200


@pytest.mark.contract("http-api.md#status-wins")
def test_which_status_wins(world: World) -> None:
    mine, hers = world.contact(code="wins"), world.contact("ann")
    seen = world.contact("ann", language="lv")
    bad: dict[str, Any] = {"budget": -1, "code": "wins"}
    old = {"If-Match": '"9"'}
    assert world.send(None, "PATCH", f"{CONTACTS}/{hers['id']}", json=bad, headers=old).status_code == 401
    assert world.send("cid", "PATCH", f"{CONTACTS}/{hers['id']}", json=bad, headers=old).status_code == 404
    assert world.send("cid", "PATCH", f"{CONTACTS}/{seen['id']}", json=bad, headers=old).status_code == 403
    assert world.send("bob", "PATCH", f"{CONTACTS}/{mine['id']}", json=bad, headers=old).status_code == 412
    other = world.contact()
    both = world.send("bob", "PATCH", f"{CONTACTS}/{other['id']}", json=bad)
    assert both.status_code == 422
    assert world.send("bob", "PATCH", f"{CONTACTS}/{other['id']}", json={"code": "wins"}).status_code == 409


@pytest.mark.contract("http-api.md#unknown-name-body")
def test_an_unknown_name_in_a_body_is_told_with_near_ones(world: World) -> None:
    answer = world.send("bob", "POST", CONTACTS, json={"budgett": 5})
    (fault,) = answer.json()["errors"]
    assert (fault["pointer"], fault["code"]) == ("/budgett", "unknown_field")
    assert "'budget'" in fault["detail"]


@pytest.mark.contract("http-api.md#problem-json")
def test_a_problem_says_what_and_what_to_do(world: World) -> None:
    answer = world.send("bob", "GET", f"{CONTACTS}?limit=0")
    problem = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["type"].endswith("bad_value")
    assert all(problem[name] for name in ("title", "status", "code", "detail", "hint"))
    assert problem["errors"] == []
