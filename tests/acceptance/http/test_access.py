"""What somebody may not see does not leak: by no status, text, order, count or reference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from tests.acceptance.http.conftest import World

CONTACTS = "/api/records/contact"
LEASES = "/api/records/lease"
TAILS = {
    "": ("GET", "POST"),
    "/batch": ("POST",),
    "/ID": ("GET", "PATCH", "DELETE"),
    "/ID/restore": ("POST",),
    "/ID/move": ("POST",),
    "/ID/moves": ("GET",),
    "/ID/history": ("GET",),
}


def twins(world: World, method: str, tail: str, body: Any, who: str = "bob") -> Iterator[tuple[int, str]]:
    """The answers for a hidden row and for an id that never was, the ids taken out."""
    for id in (world.contact("ann")["id"], str(uuid4())):
        answer = world.send(who, method, f"{CONTACTS}/{id}{tail}", json=body)
        yield answer.status_code, answer.text.replace(id, "ID")


@pytest.mark.contract("http-api.md#hidden-is-404")
@pytest.mark.parametrize(
    ("method", "tail", "body"),
    [
        ("GET", "", None),
        ("GET", "?fields=name,owner.name&expand=owner", None),
        ("GET", "/history", None),
        ("PATCH", "", {"bank": "x"}),
        ("PATCH", "", {"budget": -1, "nothing": 1}),
        ("PATCH", "", "text"),
        ("DELETE", "", None),
        ("DELETE", "?purge=true", None),
        ("POST", "/restore", None),
    ],
)
def test_a_hidden_row_is_like_an_id_that_never_was(world: World, method: str, tail: str, body: Any) -> None:
    hidden, never = twins(world, method, tail, body)
    assert hidden == never
    assert hidden[0] == 404


@pytest.mark.contract("http-api.md#hidden-is-404")
@pytest.mark.parametrize("kind", ["update", "delete", "restore"])
@pytest.mark.parametrize("atomic", [True, False])
def test_so_it_is_in_a_batch(world: World, kind: str, atomic: bool) -> None:
    texts: list[str] = []
    for id in (world.contact("ann")["id"], str(uuid4())):
        members = {"id": id, "values": {"bank": "x"}} if kind == "update" else {"id": id}
        body = {"atomic": atomic, "changes": [{kind: members}]}
        answer = world.send("bob", "POST", f"{CONTACTS}/batch", json=body)
        assert answer.status_code == (404 if atomic else 200)
        texts.append(answer.text.replace(id, "ID"))
    assert texts[0] == texts[1]


@pytest.mark.contract("http-api.md#hidden-reference")
def test_a_reference_to_a_hidden_row_is_like_one_to_none(world: World) -> None:
    texts: list[str] = []
    deleted = world.deleted()["id"]
    for number, id in enumerate((world.contact("ann")["id"], str(uuid4()), deleted)):
        answer = world.send("bob", "POST", LEASES, json={"number": f"ref-{number}", "tenant": id})
        assert answer.status_code == 422
        (fault,) = answer.json()["errors"]
        assert (fault["pointer"], fault["code"]) == ("/tenant", "reference")
        texts.append(answer.text.replace(id, "ID"))
    assert len(set(texts)) == 1


@pytest.mark.contract("http-api.md#denied-403")
def test_denied_actions_and_images(world: World) -> None:
    seen = f"{CONTACTS}/{world.contact('ann', language='lv')['id']}"
    assert world.send("cid", "GET", seen).status_code == 200
    assert world.send("cid", "PATCH", seen, json={"bank": "x"}).status_code == 403
    assert world.send("cid", "DELETE", seen).status_code == 403
    mine = f"{CONTACTS}/{world.contact()['id']}"
    eve = world.get("ann", "/api/records/user", filter="login = 'eve'")["items"][0]["id"]
    given_away = world.send("bob", "PATCH", mine, json={"owner": eve})
    assert (given_away.status_code, given_away.json()["code"]) == (403, "forbidden")


@pytest.mark.contract("http-api.md#unknown-entity-404")
@pytest.mark.parametrize(
    ("method", "tail"),
    [(method, tail) for tail, methods in TAILS.items() for method in methods],
)
def test_an_entity_without_grant_is_like_none(world: World, method: str, tail: str) -> None:
    tail = tail.replace("ID", str(uuid4()))
    body = {"changes": []} if "batch" in tail else {"to": "signed"} if tail.endswith("move") else {}
    hidden = world.send("dan", method, f"/api/records/lease{tail}", json=body)
    unknown = world.send("dan", method, f"/api/records/lessa{tail}", json=body)
    assert hidden.status_code == unknown.status_code == 404
    assert hidden.text == unknown.text.replace("lessa", "lease")


@pytest.mark.contract("http-api.md#unknown-name-body", "http-api.md#unknown-name-query", "http-api.md#schema-hidden")
def test_a_hidden_field_is_like_none_everywhere(world: World) -> None:
    for who, field in (("cid", "budget"), ("bob", "national_id")):
        assert field not in str(world.get(who, "/api/schema/contact"))
        for name in (field, field[:-1], f"{field}s"):
            for query in ("filter={} is null", "sort={}", "fields=name,{}", "filter=any(leases, tenant.{} is null)"):
                answer = world.send(who, "GET", f"{CONTACTS}?{query.format(name)}")
                assert (answer.status_code, answer.json()["code"]) == (400, "unknown_field"), query
                assert f"'{field}'" not in answer.text.replace(f"unknown field '{field}'", "")
            answer = world.send(who, "POST", CONTACTS, json={"first_name": "A", name: 5})
            assert answer.status_code == 422
            (fault,) = answer.json()["errors"]
            assert (fault["pointer"], fault["code"]) == (f"/{name}", "unknown_field")
            assert f"'{field}'" not in fault["detail"].replace(f"unknown field '{field}'", "")
            upsert = {"changes": [{"upsert": {"on": [name], "values": {name: "x"}}}]}
            answer = world.send(who, "POST", f"{CONTACTS}/batch", json=upsert)
            assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "unknown_field")
            assert f"'{field}'" not in answer.text.replace(f"unknown field '{field}'", "")


@pytest.mark.contract("http-api.md#unique-hidden")
def test_a_hidden_record_holds_its_unique_value_without_being_named(world: World) -> None:
    hers = world.contact("ann", code="hidden-code", name="Secret Name")
    answer = world.send("bob", "POST", CONTACTS, json={"first_name": "A", "code": "hidden-code"})
    assert (answer.status_code, answer.json()["code"]) == (409, "unique")
    assert hers["id"] not in answer.text
    assert "Secret" not in answer.text


def test_a_result_that_is_hidden_is_answered_by_its_id(world: World) -> None:
    answer = world.send("cid", "POST", CONTACTS, json={"first_name": "A", "language": "ru"})
    assert (answer.status_code, list(answer.json())) == (201, ["id"])
    assert "ETag" not in answer.headers


@pytest.mark.contract("http-api.md#schema-list", "http-api.md#schema-entity", "http-api.md#schema-hidden")
def test_schemas_are_those_of_the_caller(world: World) -> None:
    items = {item["name"]: item for item in world.get("cid", "/api/schema")["items"]}
    assert set(items) == {"user", "team", "contact", "lease"}
    assert (items["contact"]["actions"], items["lease"]["actions"]) == (["read", "create"], ["read"])
    properties = world.get("bob", "/api/schema/contact")["properties"]
    assert properties["external_id"]["readOnly"] is True
    assert properties["id"].get("readOnly") is True
    assert "readOnly" not in properties["budget"]
    assert properties["budget"]["minimum"] == 0


@pytest.mark.contract("http-api.md#reports-get")
def test_a_report_counts_visible_rows_only(world: World) -> None:
    for who, budget in (("bob", 5), ("bob", 6), ("ann", 100)):
        world.contact(who, source="counted", budget=budget)
    totals = {who: world.get(who, "/api/reports/by-type", source="counted")["totals"] for who in ("bob", "ann", "eve")}
    assert (totals["bob"]["n"], totals["ann"]["n"], totals["eve"]["n"]) == (2, 3, 0)
    assert (totals["bob"]["total"], totals["ann"]["total"]) == (11, 111)
