"""Lists: filter, sort, pages, counts. Each test marks its records by `source`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.http.conftest import World

CONTACTS = "/api/records/contact"


def listed(world: World, source: str, who: str = "bob", **params: Any) -> list[dict[str, Any]]:
    """The contacts of one test."""
    narrowed = f"source = '{source}'" + (f" and ({params.pop('filter')})" if "filter" in params else "")
    return world.get(who, CONTACTS, filter=narrowed, **params)["items"]


def names(items: list[dict[str, Any]], field: str = "name") -> list[Any]:
    return [item[field] for item in items]


@pytest.mark.contract("http-api.md#list", "http-api.md#list-sort")
def test_a_list_is_newest_first(world: World) -> None:
    made = [world.contact(source="first")["id"] for _ in range(3)]
    answer = world.get("bob", CONTACTS, filter="source = 'first'")
    assert set(answer) >= {"items", "next", "count"}
    assert (answer["next"], answer["count"]) == (None, None)
    assert names(answer["items"], "id") == made[::-1]


@pytest.mark.contract("http-api.md#list-filter")
def test_filter(world: World) -> None:
    for budget in (1, 2, 3):
        world.contact(source="filter", name=f"n{budget}", budget=budget)
    assert names(listed(world, "filter", filter="budget >= 2", sort="budget")) == ["n2", "n3"]
    assert names(listed(world, "filter", filter="owner = @me and budget between 1 and 1")) == ["n1"]
    assert listed(world, "filter", who="eve") == []


@pytest.mark.contract("http-api.md#list-sort-nulls", "http-api.md#list-sort-order")
def test_sort_orders(world: World) -> None:
    for name, rank, budget in (("Čaks", "low", None), ("apse", "high", 5), ("Caune", "middle", 7), ("Ābele", None, 6)):
        world.contact(source="sort", name=name, rank=rank, budget=budget, code=f"sort-{name}")
    assert names(listed(world, "sort", sort="name")) == ["Ābele", "apse", "Čaks", "Caune"]
    assert names(listed(world, "sort", sort="-name")) == ["Caune", "Čaks", "apse", "Ābele"]
    assert names(listed(world, "sort", sort="rank"), "rank") == ["low", "middle", "high", None]
    assert names(listed(world, "sort", sort="-rank"), "rank") == ["high", "middle", "low", None]
    assert names(listed(world, "sort", sort="budget"), "budget") == [5, 6, 7, None]
    assert names(listed(world, "sort", sort="-budget"), "budget") == [7, 6, 5, None]


@pytest.mark.contract("http-api.md#list-sort-order")
def test_money_sorts_by_currency_then_amount(world: World) -> None:
    for amount, currency in ((5, "USD"), (9, "EUR"), (10, "EUR")):
        world.contact(source="money", wish={"amount": amount, "currency": currency})
    wishes = names(listed(world, "money", sort="wish"), "wish")
    assert [(w["currency"], w["amount"]) for w in wishes] == [("EUR", 9), ("EUR", 10), ("USD", 5)]


@pytest.mark.contract("http-api.md#list-sort")
def test_id_is_always_the_last_key(world: World) -> None:
    made = sorted(world.contact(source="ties", budget=1)["id"] for _ in range(4))
    assert names(listed(world, "ties", sort="budget"), "id") == made
    assert names(listed(world, "ties", sort="budget,-id"), "id") == made[::-1]


@pytest.mark.contract("http-api.md#list-not-sortable", "http-api.md#unknown-name-query")
@pytest.mark.parametrize(
    ("sort", "code"),
    [
        ("scores", "not_sortable"),
        ("place", "not_sortable"),
        ("a,b,c,d,e", "bad_value"),
        ("name,", "bad_value"),
        ("nothing", "unknown_field"),
        ("owner.nothing", "unknown_field"),
        ("national_id", "unknown_field"),
    ],
)
def test_a_sort_that_is_none(world: World, sort: str, code: str) -> None:
    answer = world.send("bob", "GET", CONTACTS, params={"sort": sort})
    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.contract("http-api.md#list-fields")
def test_fields_and_paths(world: World) -> None:
    contact = world.contact(source="fields", place={"city": "Rīga"})
    lease = world.lease(tenant=contact["id"])
    (item,) = listed(world, "fields", fields="name,owner.name,place.city")
    assert item == {**item, "owner.name": "bob", "place.city": "Rīga"}
    assert set(item) - {"id", "version"} == {"name", "owner.name", "place.city"}
    path = f"/api/records/lease/{lease['id']}"
    assert world.get("bob", path, fields="tenant.name")["tenant.name"] == contact["name"]
    assert world.get("eve", path, fields="tenant.name")["tenant.name"] is None


@pytest.mark.contract("http-api.md#list-expand", "http-api.md#reference-id")
def test_expand_hides_what_is_hidden(world: World) -> None:
    contact = world.contact()
    lease = world.lease(tenant=contact["id"])
    path = f"/api/records/lease/{lease['id']}"
    assert lease["tenant"] == contact["id"]
    assert world.get("bob", path, expand="tenant")["tenant"]["name"] == contact["name"]
    assert world.get("eve", path, expand="tenant")["tenant"] == {"id": contact["id"], "hidden": True}
    bad = world.send("bob", "GET", path, params={"expand": "number"})
    assert (bad.status_code, bad.json()["code"]) == (400, "bad_value")


@pytest.mark.contract("http-api.md#list-limit")
@pytest.mark.parametrize("limit", ["0", "-1", "501", "1e2", "", "many", "٣", "99999999999999999999"])
def test_a_limit_out_of_range(world: World, limit: str) -> None:
    answer = world.send("bob", "GET", CONTACTS, params={"limit": limit})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_value")


@pytest.mark.contract("http-api.md#list-limit", "http-api.md#list-count", "http-api.md#list-cursor")
def test_pages_without_gap_or_repeat(world: World) -> None:
    changes = [{"create": {"values": {"source": "pages", "name": f"p{n}", "budget": n % 7}}} for n in range(1010)]
    assert world.send("bob", "POST", f"{CONTACTS}/batch", json={"changes": changes}).status_code == 200
    query = {"filter": "source = 'pages'", "sort": "-budget", "fields": "name,budget"}
    seen: list[dict[str, Any]] = []
    page = world.get("bob", CONTACTS, **query)
    assert len(page["items"]) == 50
    while True:
        seen += page["items"]
        if page["next"] is None:
            break
        page = world.get("bob", CONTACTS, **query, limit=500, cursor=page["next"])
    assert len({item["name"] for item in seen}) == len(seen) == 1010
    assert names(seen, "budget") == sorted(names(seen, "budget"), reverse=True)
    capped = world.get("bob", CONTACTS, **query, count="capped", limit=1)
    assert (capped["count"], capped["count_capped"]) == (1000, True)
    exact = world.get("bob", CONTACTS, **query, count="exact", limit=1)
    assert (exact["count"], exact["count_capped"]) == (1010, False)


@pytest.mark.contract("http-api.md#cursor-bound", "http-api.md#list-cursor")
def test_a_cursor_is_bound_to_what_it_was_made_for(world: World) -> None:
    for _ in range(2):
        world.contact(source="cursor")
    query = {"filter": "source = 'cursor'", "limit": "1"}
    cursor = world.get("bob", CONTACTS, **query)["next"]
    world.get("bob", CONTACTS, **query, cursor=cursor)
    for who, entity, params in (
        ("bob", "contact", {**query, "filter": "source = 'other'"}),
        ("bob", "contact", {**query, "sort": "name"}),
        ("bob", "lease", {}),
        ("eve", "contact", query),
        ("bob", "contact", {**query, "cursor": cursor[:-2]}),
        ("bob", "contact", {**query, "cursor": "x" * 5000}),
        ("bob", "contact", {**query, "cursor": "ā.b"}),
    ):
        answer = world.send(who, "GET", f"/api/records/{entity}", params={"cursor": cursor, **params})
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor"), params


@pytest.mark.contract("http-api.md#list-deleted")
def test_deleted_records_are_listed_apart(world: World) -> None:
    kept, gone = world.contact(source="deleted")["id"], world.contact(source="deleted")["id"]
    world.send("bob", "DELETE", f"{CONTACTS}/{gone}")
    assert names(listed(world, "deleted"), "id") == [kept]
    assert names(listed(world, "deleted", deleted="only"), "id") == [gone]
    assert world.send("cid", "GET", CONTACTS, params={"deleted": "only"}).status_code == 403
    assert world.send("bob", "GET", CONTACTS, params={"deleted": "yes"}).json()["code"] == "bad_value"


@pytest.mark.contract("http-api.md#bad-filter", "http-api.md#unknown-name-query")
@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("budget >", "bad_filter", ""),
        ("budget = 'x'", "bad_filter", ""),
        ("budgett = 1", "unknown_field", "'budget'"),
        ("rank = 'hi'", "bad_filter", "'high'"),
        ("owner.nothing = 1", "unknown_field", ""),
        ("national_id is null", "unknown_field", ""),
        ("(" * 40 + "budget = 1" + ")" * 40, "bad_filter", ""),
        ("name = '" + "x" * 8000 + "'", "bad_filter", ""),
        ("budget in (" + ",".join(["1"] * 1001) + ")", "bad_filter", ""),
        ("\x00", "bad_filter", ""),
        ("name = '\x00'", "", ""),
        ("name matches '\U0001f600'", "", ""),
    ],
)
def test_a_filter_that_cannot_be_read_says_where(world: World, text: str, code: str, words: str) -> None:
    answer = world.send("bob", "GET", CONTACTS, params={"filter": text})
    if not code:
        assert answer.status_code in (200, 400)
        return
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert words in answer.json()["detail"]
