"""Related records: references, reverse names, elements of lists, and who may see them."""

from __future__ import annotations

from typing import Any

import pytest

UID = "00000000-0000-7000-8000-{:012}".format
ONE, TWO, THREE = (UID(n) for n in (1, 2, 3))
ANN, BOB, EVE, GONE = (UID(n) for n in (10, 11, 12, 13))
NORTH = UID(50)


@pytest.fixture(autouse=True)
def _filled(world: Any) -> None:
    world.fill(
        {
            "team": [{"id": NORTH, "name": "North"}],
            "person": [
                {"id": ANN, "name": "Ann", "age": 40, "team": NORTH, "home": {"city": "Rīga"}},
                {"id": BOB, "name": "Bob", "age": 20, "boss": ANN},
                {"id": EVE, "name": "Eve", "boss": GONE},
                {"id": GONE, "name": "Gone", "age": 40, "team": NORTH, "deleted_at": "2026-01-01T00:00:00Z"},
            ],
            "deal": [
                {"id": ONE, "name": "one", "count": 1, "owner": ANN, "buyer": BOB, "price": {"amount": 5},
                 "tags": ["Red", "blue", None], "note": "apple", "about": ANN,
                 "rooms": [{"name": "Hall", "area": 10, "open": True, "kind": "hall"}, {"name": "Ćellar", "area": 3.5},
                           {"area": "x"}, None, 7]},
                {"id": TWO, "name": "two", "count": 20, "owner": BOB, "buyer": GONE, "tags": [], "note": "pear apple"},
                {"id": THREE, "name": "three", "owner": UID(99)},
            ],
            "visit": [
                {"id": UID(100), "deal": ONE, "rating": 5, "state": "done", "host": BOB},
                {"id": UID(101), "deal": ONE, "rating": 1, "state": "new", "host": ANN},
                {"id": UID(102), "deal": TWO, "rating": 4, "deleted_at": "2026-01-01T00:00:00Z"},
                {"id": UID(103), "topic": TWO, "rating": 3},
                {"id": UID(104), "rating": 3},
            ],
        }
    )  # fmt: skip


@pytest.mark.contract("filters.md#path-references")
@pytest.mark.contract("filters.md#any-reverse")
@pytest.mark.contract("filters.md#none-negates")
@pytest.mark.contract("filters.md#any-list")
@pytest.mark.contract("filters.md#matches-record")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("owner.name = 'Ann'", {ONE}),
        ("owner.team.name = 'North'", {ONE}),
        ("owner.boss.team.name contains 'NOR'", {TWO}),
        ("owner.boss.name = 'Gone'", set()),
        ("buyer.name = 'Gone'", set()),
        ("buyer.name is null", {TWO, THREE}),
        ("buyer.name is not null", {ONE}),
        ("not (buyer.name = 'Bob')", {TWO, THREE}),
        ("owner.boss is null", {ONE, THREE}),
        (f"owner.id = '{ANN}'", {ONE}),
        ("owner.home.city starts with 'riga'", {ONE}),
        ("owner.age > buyer.age", {ONE}),
        ("not (owner.age > buyer.age)", {TWO, THREE}),
        ("owner.age > count", {ONE}),
        ("owner.name = buyer.boss.name", {ONE}),
        ("any(visits, rating > 4)", {ONE}),
        ("any(visits, rating = 4)", set()),
        ("any(visits, rating > 4 and state = 'new')", set()),
        ("any(visits, rating > 4) and any(visits, state = 'new')", {ONE}),
        ("none(visits, rating > 4)", {TWO, THREE}),
        ("not any(visits, rating > 4)", {TWO, THREE}),
        ("not none(visits, rating > 4)", {ONE}),
        ("any(visits, host.boss.name = 'Ann')", {ONE}),
        ("any(visits, not (rating > 4))", {ONE}),
        ("any(topics, rating = 3)", {TWO}),
        ("any(owner.staff, name = 'Bob')", {ONE}),
        ("none(owner.staff, name = 'Bob')", {TWO, THREE}),
        ("any(owner.deals, count > 10)", {TWO}),
        ("any(owner.deals, any(visits, any(host.deals, count = 1)))", {ONE}),
        ("any(tags, value = 'Red')", {ONE}),
        ("any(tags, value contains 'RED')", {ONE}),
        ("any(tags, value is null)", {ONE}),
        ("none(tags, value is not null)", {TWO, THREE}),
        ("any(tags, not (value in ('Red', 'blue')))", {ONE}),
        ("any(rooms, name matches 'hal' and area > 9 and open = true and kind = 'hall')", {ONE}),
        ("any(rooms, name starts with 'CEL')", {ONE}),
        ("any(rooms, area < 4)", {ONE}),
        ("any(rooms, area > 9 and name starts with 'cel')", set()),
        ("any(rooms, kind contains 'ALL')", {ONE}),
        ("any(rooms, open is null)", {ONE}),
        ("any(rooms, area = 7)", set()),
        ("none(rooms, area > 3)", {TWO, THREE}),
        ("any(rooms, parts is null)", {ONE}),
        ("* matches 'one'", {ONE}),
        ("* matches 'apple'", {ONE, TWO}),
        ("* matches 'pear two'", {TWO}),
        ("* matches 'two appl'", {TWO}),
        ("* matches 'appl two'", set()),
        ("* matches 'ann'", set()),
        ("* matches ''", {ONE, TWO, THREE}),
        ("not (* matches 'apple')", {THREE}),
    ],
)
def test_related(world: Any, text: str, expected: set[str]) -> None:
    assert world.ask(text) == expected


def test_reverse_of_a_reference_to_any_entity(world: Any) -> None:
    # A visit that is about a person of the same id is not about the deal.
    world.database(f"UPDATE e_visit SET topic__entity = 'person' WHERE topic = '{TWO}'")
    assert world.by_sql("any(topics, id is not null)") == set()


@pytest.mark.contract("filters.md#path-visible-rows")
@pytest.mark.contract("filters.md#any-visible-rows")
@pytest.mark.contract("filters.md#field-null-on-row")
@pytest.mark.contract("filters.md#rules-system-rights")
@pytest.mark.parametrize(
    ("parts", "text", "expected"),
    [
        ({"rows": {"person": "age > 30"}}, "owner.name is not null", {ONE}),
        ({"rows": {"person": "age > 30"}}, "buyer.name is null", {ONE, TWO, THREE}),
        ({"rows": {"person": "age > 30"}}, "owner.boss.name = 'Ann'", set()),
        ({"rows": {"person": ""}}, "owner.name is not null", set()),
        ({"rows": {"person": "team.name = 'North'"}}, "owner.name is not null", {ONE}),
        ({"rows": {"person": "team.name = 'North'", "team": ""}}, "owner.team.name is not null", set()),
        ({"rows": {"visit": "state = 'new'"}}, "any(visits, rating is not null)", {ONE}),
        ({"rows": {"visit": "state = 'new'"}}, "any(visits, rating > 4)", set()),
        ({"rows": {"visit": "host.age < 30"}}, "any(visits, rating > 4)", {ONE}),
        ({"rows": {"visit": ""}}, "none(visits, id is not null)", {ONE, TWO, THREE}),
        ({"fields": {("deal", "name"): "count < 10"}}, "name is not null", {ONE}),
        ({"fields": {("deal", "name"): "count < 10"}}, "not (name = 'two')", {ONE, TWO, THREE}),
        ({"fields": {("deal", "name"): ""}}, "name is null", {ONE, TWO, THREE}),
        ({"fields": {("deal", "owner"): "count < 10"}}, "owner.age is not null", {ONE}),
        ({"fields": {("deal", "owner"): "count < 10"}}, "owner = owner", {ONE}),
        ({"fields": {("deal", "owner"): "count < 10"}}, "any(owner.staff, id is not null)", {ONE}),
        ({"fields": {("deal", "owner"): ""}}, "any(owner.staff, id is not null)", set()),
        ({"fields": {("deal", "owner"): "count < 10"}}, "owner.age = owner.age", {ONE}),
        ({"fields": {("person", "age"): "name = 'Ann'"}}, "owner.age is not null", {ONE}),
        ({"fields": {("person", "age"): "name = 'Ann'"}}, "owner.age > buyer.age or owner.age < buyer.age", set()),
        ({"fields": {("person", "boss"): "age > 30"}}, "owner.boss.name = 'Ann'", set()),
        ({"fields": {("person", "boss"): "age > 30"}}, "any(owner.boss.staff, id is not null)", set()),
        ({"fields": {("person", "boss"): ""}}, "any(owner.staff, id is not null)", set()),
        ({"fields": {("visit", "deal"): "state = 'done'"}}, "any(visits, rating < 5)", set()),
        ({"fields": {("visit", "rating"): "state = 'new'"}}, "any(visits, rating > 4)", set()),
        ({"fields": {("deal", "tags"): "count > 1"}}, "any(tags, value = 'Red')", set()),
        ({"fields": {("deal", "rooms"): ""}}, "none(rooms, area > 1)", {ONE, TWO, THREE}),
        ({"fields": {("deal", "note"): "count < 10"}}, "* matches 'apple'", {ONE}),
        ({"unknown": [("deal", "note")]}, "* matches 'apple'", set()),
        ({"fields": {("deal", "price"): ""}}, "price.amount > 0 or price > 'EUR 1' or price.currency = 'EUR'", set()),
        ({"fields": {("deal", "rotting"): ""}}, "rotting is null", {ONE, TWO, THREE}),
    ],
)
def test_what_a_caller_may_not_see_is_absent(
    world: Any, rules: Any, parts: dict[str, Any], text: str, expected: set[str]
) -> None:
    assert world.ask(text, scope=rules(**parts)) == expected


def test_masks_may_ask_for_related_records(world: Any, rules: Any) -> None:
    scope = rules(fields={("deal", "name"): "owner.team.name = 'North'", ("person", "name"): "any(deals, count = 1)"})
    assert world.ask("name is not null", scope=scope) == {ONE}
    assert world.ask("owner.name is not null", scope=scope) == {ONE}


@pytest.mark.contract("filters.md#event-names")
@pytest.mark.contract("filters.md#before-names")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("event.type = 'record.updated'", True),
        ("event.type contains 'UPDATED'", True),
        ("event.from = 'new' and event.to is null", True),
        ("event.reason is null", True),
        (f"event.actor = '{ANN}'", True),
        ("event.actor = @me", True),
        ("event.changed contains 'name'", True),
        ("event.changed contains 'count'", False),
        ("event.changed is not null", True),
        ("before.name = 'old' and name = 'one'", True),
        ("before.name != name", True),
        ("before.owner.name = 'Bob'", True),
        ("before.price.amount > 5", False),
        ("any(before.tags, value = 'x')", True),
        ("before.tags contains 'x'", True),
        ("owner.name = 'Ann'", True),
    ],
)
def test_conditions_on_events(world: Any, text: str, expected: bool) -> None:
    event = {"type": "record.updated", "from": "new", "to": None, "actor": ANN, "changed": ["name"]}
    before = {"id": ONE, "name": "old", "owner": BOB, "price": None, "tags": ["x"]}
    environment = world.environment(event=event, before=before, me=ANN)
    assert (ONE in world.by_predicate(text, event=True, environment=environment)) is expected


@pytest.mark.parametrize("text", ["event.type = 'x'", "before.name = 'x'", "event.changed contains 'name'"])
def test_events_have_no_sql(world: Any, text: str) -> None:
    with pytest.raises(ValueError, match="a condition on an event has no SQL"):
        world.by_sql(text, event=True)


def test_the_state_before_a_creation_is_null(world: Any) -> None:
    assert world.by_predicate("before.name is null and before.owner.name is null", event=True) == {ONE, TWO, THREE}
