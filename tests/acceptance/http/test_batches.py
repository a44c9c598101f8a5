"""Batches: all or none, or each for itself; every kind of change; limits."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.acceptance.http.conftest import World

CONTACTS = "/api/records/contact"
LEASES = "/api/records/lease"


def batch(world: World, *changes: dict[str, Any], entity: str = "contact", **members: Any) -> Any:
    return world.send("bob", "POST", f"/api/records/{entity}/batch", json={"changes": changes, **members})


@pytest.mark.contract("http-api.md#batch", "http-api.md#batch-kinds")
def test_every_kind_of_change_in_order(world: World) -> None:
    one, two, three = world.lease(rent=1), world.lease(), world.lease()
    world.send("bob", "DELETE", f"{LEASES}/{three['id']}")
    answer = batch(
        world,
        {"create": {"values": {"number": "b-1"}}},
        {"update": {"id": one["id"], "version": 1, "values": {"rent": 7}}},
        {"update": {"id": one["id"], "values": {"rent": 7}}},
        {"move": {"id": one["id"], "to": "signed", "values": {"rent": 8}}},
        {"upsert": {"on": ["number"], "values": {"number": "b-1", "rent": 3}}},
        {"upsert": {"on": ["number"], "values": {"number": "b-2", "rent": 4}}},
        {"delete": {"id": two["id"]}},
        {"restore": {"id": three["id"]}},
        entity="lease",
    )
    assert answer.status_code == 200, answer.text
    counts = answer.json()["counts"]
    assert counts == {"created": 2, "updated": 3, "unchanged": 1, "deleted": 1, "moved": 1, "failed": 0}
    results = answer.json()["results"]
    assert [r["row"] for r in results] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [r["status"] for r in results] == [201, 200, 200, 200, 200, 201, 204, 200]
    assert results[0]["id"] == results[4]["id"]
    first = world.get("bob", f"{LEASES}/{one['id']}")
    assert (first["stage"], first["rent"], first["version"]) == ("signed", 8, 3)


@pytest.mark.contract("http-api.md#batch-atomic")
def test_one_fault_and_nothing_is_written(world: World) -> None:
    changes = [{"create": {"values": {"name": "A", "source": "atomic"}}}, {"create": {"values": {"budget": -1}}}]
    changes += [{"create": {"values": {"bank": "x" * 90}}}]
    answer = batch(world, *changes)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert [(e["row"], e["pointer"]) for e in answer.json()["errors"]] == [(2, "/budget"), (3, "/bank")]
    assert world.get("bob", CONTACTS, filter="source = 'atomic'")["items"] == []


@pytest.mark.contract("http-api.md#batch-atomic", "http-api.md#status-wins")
def test_the_status_of_a_batch_is_the_first_that_wins(world: World) -> None:
    bad = {"create": {"values": {"budget": -1}}}
    stale = {"update": {"id": world.contact()["id"], "version": 9, "values": {}}}
    gone = {"delete": {"id": str(uuid4())}}
    taken = {"create": {"values": {"name": "A", "code": "batch-taken"}}}
    world.contact(code="batch-taken")
    assert batch(world, bad, stale, gone).status_code == 404
    assert batch(world, bad, stale).status_code == 412
    assert batch(world, bad, taken).status_code == 422
    assert batch(world, taken).status_code == 409


@pytest.mark.contract("http-api.md#batch-partial")
def test_each_for_itself(world: World) -> None:
    good = {"create": {"values": {"name": "A", "source": "partial"}}}
    bad = {"create": {"values": {"budget": -1}}}
    answer = batch(world, good, bad, {"delete": {"id": str(uuid4())}}, good, atomic=False)
    assert answer.status_code == 200
    assert answer.json()["counts"] == {
        **dict.fromkeys(("updated", "unchanged", "deleted", "moved"), 0),
        "created": 2,
        "failed": 2,
    }
    assert [(r["status"], r.get("code")) for r in answer.json()["results"]] == [
        (201, None),
        (422, "invalid"),
        (404, "not_found"),
        (201, None),
    ]
    assert len(world.get("bob", CONTACTS, filter="source = 'partial'")["items"]) == 2


@pytest.mark.contract("http-api.md#batch-limit")
def test_too_many_changes(world: World) -> None:
    answer = batch(world, *[{"delete": {"id": "x"}}] * 10_001)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/changes"),
        ({"changes": [], "atomic": "no"}, "/atomic"),
        ({"changes": [], "all": True}, "/all"),
        ({"changes": ["x"]}, ""),
        ({"changes": [{"create": {}, "delete": {}}]}, ""),
        ({"changes": [{"update": {"values": {}}}]}, "/update/id"),
        ({"changes": [{"update": {"id": 5, "values": {}}}]}, "/update/id"),
        ({"changes": [{"upsert": {"on": [], "values": {}}}]}, "/upsert/on"),
        ({"changes": [{"move": {"id": "x", "to": "y", "why": 1}}]}, "/move/why"),
        ({"changes": [{"upsert": {"on": ["nothing"], "values": {}}}]}, "/on/nothing"),
    ],
)
def test_a_batch_that_is_none(world: World, body: Any, pointer: str) -> None:
    answer = world.send("bob", "POST", f"{CONTACTS}/batch", json=body)
    assert answer.status_code == 422
    assert pointer in [fault["pointer"] for fault in answer.json()["errors"]]
