"""Moves: the shape of the body, and what is possible."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

LEASES = "/api/records/lease"


async def test_a_move_answers_the_record(office: Any) -> None:
    path = f"{LEASES}/{(await office.lease(rent=5))['id']}"
    moved = await office("bob", "POST", f"{path}/move", json={"to": "signed"}, headers={"If-Match": 'W/"1"'})
    assert (moved.status_code, moved.json()["stage"], moved.headers["ETag"]) == (200, "signed", '"2"')
    body = {"to": "ended", "reason": "term", "pipeline": None, "values": {"rent": 6}}
    ended = (await office("bob", "POST", f"{path}/move", json=body)).json()
    assert (ended["stage"], ended["stage_reason"], ended["rent"]) == ("ended", "term", 6)


async def test_what_is_refused_is_told_at_once(office: Any) -> None:
    path = f"{LEASES}/{(await office.lease())['id']}"
    refused = await office("bob", "POST", f"{path}/move", json={"to": "ended"})
    assert (refused.status_code, refused.json()["code"]) == (409, "move_refused")
    assert {e["code"] for e in refused.json()["errors"]} == {"no_transition", "reason"}
    assert (await office("cid", "POST", f"{path}/move", json={"to": "signed"})).status_code == 403
    assert (await office("reader", "POST", f"{path}/move", json={"to": "signed"})).json()["code"] == "read_only_token"
    stale = await office("bob", "POST", f"{path}/move", json={"to": "signed"}, headers={"If-Match": '"9"'})
    assert stale.status_code == 412


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({}, {("/to", "required")}),
        ({"to": None}, {("/to", "type")}),
        ({"to": " "}, {("/to", "minLength")}),
        ({"to": "signed", "reasons": "x", "values": []}, {("/reasons", "unknown_field"), ("/values", "type")}),
        ({"too/m~any": 1}, {("/to", "required"), ("/too~1m~0any", "unknown_field")}),
        (["signed"], {("", "type")}),
    ],
)
async def test_a_body_that_is_no_move(office: Any, body: Any, faults: set[tuple[str, str]]) -> None:
    path = f"{LEASES}/{(await office.lease())['id']}/move"
    answer = await office("bob", "POST", path, json=body)
    assert answer.status_code == 422
    assert {(e["pointer"], e["code"]) for e in answer.json()["errors"]} == faults
    assert (await office("cid", "POST", path, json=body)).status_code == 403
    assert (await office("dan", "POST", path, json=body)).status_code == 404


async def test_moves_says_what_is_possible(office: Any) -> None:
    id = (await office.lease())["id"]
    answer = (await office("bob", "GET", f"{LEASES}/{id}/moves")).json()
    assert (answer["pipeline"], answer["stage"], answer["version"]) == ("letting", "draft", 1)
    signed, ended = answer["moves"]
    assert (signed["to"], signed["allowed"], signed["missing"]) == ("signed", False, ["/rent"])
    assert (ended["to"], ended["allowed"], ended["reasons"]) == ("ended", False, ["term", "notice"])
    assert (await office("bob", "GET", f"{LEASES}/{uuid4()}/moves")).status_code == 404
    contact = (await office.contact())["id"]
    assert (await office("bob", "GET", f"/api/records/contact/{contact}/moves")).status_code == 404
