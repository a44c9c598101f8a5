"""One record: what it looks like, how it is made, changed, deleted, taken back and removed."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.acceptance.http.conftest import World

CONTACTS = "/api/records/contact"
LEASES = "/api/records/lease"


@pytest.mark.contract("http-api.md#record-flat", "http-api.md#money-number", "http-api.md#get")
def test_a_record_is_flat_with_every_field(world: World) -> None:
    contact = world.contact(wish={"amount": 250000.5, "currency": "EUR"}, exact=12.3, budget=7)
    names = set(world.get("bob", "/api/schema/contact")["properties"])
    assert set(contact) == names
    assert (contact["bank"], contact["deleted_at"], contact["labels"]) == (None, None, None)
    assert (contact["wish"], contact["exact"], contact["budget"]) == ({"amount": 250000.5, "currency": "EUR"}, 12.3, 7)
    answer = world.send("bob", "GET", f"{CONTACTS}/{contact['id']}")
    assert answer.json() == contact
    assert answer.headers["ETag"] == '"1"'


@pytest.mark.contract("http-api.md#create")
def test_create_says_where_the_record_is(world: World) -> None:
    answer = world.send("bob", "POST", CONTACTS, json={"first_name": "Ilze"})
    assert (answer.status_code, answer.headers["ETag"]) == (201, '"1"')
    assert answer.headers["Location"] == f"{CONTACTS}/{answer.json()['id']}"
    assert world.get("bob", answer.headers["Location"]) == answer.json()


@pytest.mark.contract("http-api.md#create-id")
def test_an_id_may_be_given_once(world: World) -> None:
    id = str(uuid4())
    assert world.contact(id=id)["id"] == id
    taken = world.send("bob", "POST", CONTACTS, json={"id": id, "first_name": "A"})
    assert (taken.status_code, taken.json()["code"]) == (409, "unique")
    hidden = world.contact("ann")["id"]
    assert world.send("bob", "POST", CONTACTS, json={"id": hidden, "first_name": "A"}).status_code == 409
    for wrong in ("1", "", None, 5, id + "0", {"a": 1}):
        answer = world.send("bob", "POST", CONTACTS, json={"id": wrong, "first_name": "A"})
        assert answer.status_code in (201, 422), wrong


@pytest.mark.contract("http-api.md#patch")
def test_a_patch_is_a_merge_patch(world: World) -> None:
    contact = world.contact(budget=5, bank="SEB", place={"city": "Rīga", "street": "Brīvības"}, scores=[1, 2])
    body = {"budget": None, "place": {"street": None, "zip": "LV-1010"}, "scores": [3]}
    patched = world.send("bob", "PATCH", f"{CONTACTS}/{contact['id']}", json=body).json()
    assert (patched["budget"], patched["bank"], patched["scores"]) == (None, "SEB", [3])
    assert patched["place"] == {"city": "Rīga", "zip": "LV-1010"}
    assert patched["version"] == 2


@pytest.mark.contract("http-api.md#if-match")
def test_if_match(world: World) -> None:
    path = f"{CONTACTS}/{world.contact()['id']}"
    for tag, status in (
        ('"1"', 200),
        ('"1"', 412),
        ('W/"2"', 200),
        ("*", 200),
        ('"x"', 412),
        ("4", 400),
        ('"4"', 200),
    ):
        answer = world.send("bob", "PATCH", path, json={"bank": str(uuid4())}, headers={"If-Match": tag})
        assert answer.status_code == status, tag
    assert world.send("bob", "DELETE", path, headers={"If-Match": '"1"'}).json()["code"] == "stale"
    version = world.get("bob", path)["version"]
    assert world.send("bob", "DELETE", path, headers={"If-Match": f'"{version}"'}).status_code == 204


@pytest.mark.contract("http-api.md#delete", "http-api.md#restore")
def test_a_deleted_record_is_gone_until_it_is_restored(world: World) -> None:
    path = f"{CONTACTS}/{world.contact()['id']}"
    gone = world.send("bob", "DELETE", path)
    assert (gone.status_code, gone.content) == (204, b"")
    for method, tail in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/history")):
        assert world.send("bob", method, f"{path}{tail}", json={}).status_code == 404, (method, tail)
    back = world.send("bob", "POST", f"{path}/restore")
    assert (back.status_code, back.json()["deleted_at"]) == (200, None)
    assert world.get("bob", path) == back.json()
    assert world.send("bob", "POST", f"{path}/restore").status_code == 404


def test_a_restore_may_name_its_version(world: World) -> None:
    path = f"{CONTACTS}/{world.deleted()['id']}/restore"
    assert world.send("bob", "POST", path, headers={"If-Match": '"1"'}).json()["code"] == "stale"
    assert world.send("bob", "POST", path, headers={"If-Match": '"2"'}).status_code == 200


@pytest.mark.contract("http-api.md#restore")
def test_restore_into_a_taken_value(world: World) -> None:
    first = world.contact(code="taken-1")
    world.send("bob", "DELETE", f"{CONTACTS}/{first['id']}")
    world.contact(code="taken-1")
    answer = world.send("bob", "POST", f"{CONTACTS}/{first['id']}/restore")
    assert (answer.status_code, answer.json()["code"]) == (409, "unique")


@pytest.mark.contract("http-api.md#purge")
def test_purge_is_for_good_and_never_of_what_is_referred_to(world: World) -> None:
    contact = world.contact()
    lease = world.lease(tenant=contact["id"])
    path = f"{CONTACTS}/{contact['id']}"
    assert world.send("bob", "DELETE", f"{path}?purge=true").status_code == 403
    referenced = world.send("ann", "DELETE", f"{path}?purge=true")
    assert (referenced.status_code, referenced.json()["code"]) == (409, "referenced")
    assert world.send("ann", "DELETE", f"{LEASES}/{lease['id']}?purge=true").status_code == 204
    assert world.send("ann", "DELETE", f"{path}?purge=true").status_code == 204
    assert world.send("ann", "POST", f"{path}/restore").status_code == 404


@pytest.mark.contract("http-api.md#history")
def test_history_is_newest_first_without_unreadable_fields(world: World) -> None:
    contact = world.contact(language="lv", budget=1)
    path = f"{CONTACTS}/{contact['id']}"
    world.send("bob", "PATCH", path, json={"budget": 2, "bank": "SEB"})
    items = world.get("bob", f"{path}/history")["items"]
    assert [item["action"] for item in items] == ["update", "create"]
    assert items[0]["changes"] == {"budget": {"old": 1, "new": 2}, "bank": {"old": None, "new": "SEB"}}
    assert (items[0]["actor"]["name"], items[0]["channel"], items[0]["version"]) == ("bob", "api", 2)
    assert world.get("cid", f"{path}/history")["items"][0]["changes"] == {"bank": {"old": None, "new": "SEB"}}


@pytest.mark.contract("http-api.md#move", "http-api.md#moves")
def test_moves_tell_what_a_move_needs(world: World) -> None:
    path = f"{LEASES}/{world.lease()['id']}"
    answer = world.get("bob", f"{path}/moves")
    signed = next(move for move in answer["moves"] if move["to"] == "signed")
    assert (signed["allowed"], signed["missing"]) == (False, ["/rent"])
    (guard,) = [fault for fault in signed["refused"] if fault["code"] == "guard"]
    assert (guard["expression"], guard["source"]["kind"]) == ("rent > 0", "pipeline")
    refused = world.send("bob", "POST", f"{path}/move", json={"to": "signed"})
    assert {(e["pointer"], e["code"]) for e in refused.json()["errors"]} == {("/stage", "guard"), ("/rent", "required")}
    moved = world.send("bob", "POST", f"{path}/move", json={"to": "signed", "values": {"rent": 5}})
    assert (moved.status_code, moved.json()["stage"], moved.json()["rent"]) == (200, "signed", 5)
    (entry, _) = world.get("bob", f"{path}/history")["items"]
    assert (entry["action"], entry["move"]["from"], entry["move"]["to"]) == ("move", "draft", "signed")


@pytest.mark.parametrize("version", [1, 2, None])
def test_a_move_may_name_its_version(world: World, version: int | None) -> None:
    path = f"{LEASES}/{world.lease(rent=1)['id']}/move"
    headers: dict[str, Any] = {} if version is None else {"If-Match": f'"{version}"'}
    answer = world.send("bob", "POST", path, json={"to": "signed"}, headers=headers)
    assert answer.status_code == (412 if version == 2 else 200)
