"""Names and types: what a filter may say of an entity, and how it is refused."""
# ruff: noqa: E501

from __future__ import annotations

from typing import Any

import pytest

from crm_kernel.errors import Error
from crm_kernel.fields.base import ValueContext
from crm_kernel.filters.environment import Environment
from crm_kernel.filters.resolver import either, resolve
from crm_kernel.filters.to_predicate import to_predicate

PARAMS: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "number": {"type": ["number", "null"]},
    "flag": {"type": "boolean"},
    "day": {"type": "string", "format": "date"},
    "moment": {"type": "string", "format": "date-time"},
    "texts": {"type": "array", "items": {"type": "string"}},
    "days": {"type": "array", "items": {"type": "string", "format": "date"}},
    "moments": {"type": "array", "items": {"type": "string", "format": "date-time"}},
    "numbers": {"type": "array", "items": {"type": "number"}},
    "anything": {"type": ["string", "number"]},
    "untyped": {},
}
UUID = "'00000000-0000-7000-8000-000000000001'"


def refusal(world: Any, text: str, entity: str = "deal", **more: Any) -> Error:
    with pytest.raises(Error) as caught:
        resolve(text, entity, world.model, **more)
    assert caught.value.status == 400
    assert f" at {caught.value.extra['column']}" in caught.value.detail
    return caught.value


@pytest.mark.contract("filters.md#near-names")
@pytest.mark.contract("filters.md#error-column")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("coutn = 1", "unknown field 'coutn' at 1: did you mean 'count' or 'cost'?"),
        ("zzz = 1", "unknown field 'zzz' at 1"),
        ("Name = 'x'", "unknown field 'Name' at 1: did you mean 'name'?"),
        ("owner.nam = 'x'", "unknown field 'owner.nam' at 7: did you mean 'owner.name'?"),
        ("owner.team.nmae = 'x'", "unknown field 'owner.team.nmae' at 12: did you mean 'owner.team.name'?"),
        ("address.ctiy = 'x'", "unknown field 'address.ctiy' at 9: did you mean 'address.city'?"),
        ("address.geo.lot = 1", "unknown field 'address.geo.lot' at 13: did you mean 'address.geo.lat'?"),
        ("price.amout = 1", "unknown field 'price.amout' at 7: did you mean 'price.amount'?"),
        ("any(visit, id is null)", "unknown field 'visit' at 5: did you mean 'visits'?"),
        ("any(visits, sate = 'done')", "unknown field 'sate' at 13: did you mean 'state' or 'stage'?"),
        ("any(tags, valu = 'x')", "unknown field 'valu' at 11: did you mean 'value'?"),
        ("any(tags, name = 'x')", "unknown field 'name' at 11"),
        ("any(rooms, nam = 'x')", "unknown field 'nam' at 12: did you mean 'name'?"),
        ("any(rooms, value is null)", "unknown field 'value' at 12"),
        ("event.type = 'x'", "unknown field 'event' at 1"),
        ("before.name = 'x'", "unknown field 'before' at 1"),
        ("count = nmae", "unknown field 'nmae' at 9: did you mean 'name'?"),
    ],
)
def test_unknown_names(world: Any, text: str, message: str) -> None:
    error = refusal(world, text)
    assert (error.code, error.detail) == ("unknown_field", message)


@pytest.mark.contract("filters.md#types-checked")
@pytest.mark.contract("filters.md#error-column")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = 1", "unexpected number 1 at 8: expected a text"),
        ("name = true", "unexpected true at 8: expected a text"),
        ("count = 'abc'", "unexpected text 'abc' at 9: expected a number"),
        ("count in (1, 'x')", "unexpected text 'x' at 14: expected a number"),
        ("ratio = false", "unexpected false at 9: expected a number"),
        ("open = 'true'", "unexpected text 'true' at 8: expected true or false"),
        ("open = 1", "unexpected number 1 at 8: expected true or false"),
        ("due = '2026-02-30'", "unexpected text '2026-02-30' at 7: expected a date ('2026-03-31', @today …)"),
        (
            "since = 'yesterday'",
            "unexpected text 'yesterday' at 9: expected a moment or date ('2026-03-31', '2026-03-31T09:00', @now …)",
        ),
        ("owner = 'x'", "unexpected text 'x' at 9: expected an id as text, @me or @my_team"),
        ("owner = 1", "unexpected number 1 at 9: expected an id as text, @me or @my_team"),
        ("owner = @today", "unexpected @today at 9: expected an id as text, @me or @my_team"),
        ("name = @me", "unexpected @me at 8: expected a text"),
        ("count = @now", "unexpected @now at 9: expected a number"),
        ("owner in @me", "unexpected @me at 10: expected a list in parentheses, or @my_teams"),
        ("owner = @my_teams", "unexpected @my_teams at 9: expected one value (lists stand after 'in')"),
        ("price > 100", "unexpected number 100 at 9: expected an amount of money ('EUR 100.50')"),
        ("price > 'much'", "unexpected text 'much' at 9: expected an amount of money ('EUR 100.50')"),
        ("price in @param.texts", "unexpected @param.texts at 10: expected amounts of money in parentheses"),
        ("name contains 5", "unexpected number 5 at 15: expected a text"),
        ("name matches 5", "unexpected number 5 at 14: expected a text"),
        ("* matches @param.text", "unexpected @param.text at 11: expected a text"),
        ("name contains @me", "unexpected @me at 15: expected a text"),
        ("tags contains 5", "unexpected number 5 at 15: expected a text"),
        ("numbers contains 'x'", "unexpected text 'x' at 18: expected a number"),
        ("since in @param.days", "unexpected @param.days at 10: expected a list of date-times, or dates in parentheses"),
        ("count = @param.text", "unexpected parameter 'text' (a text) at 9: expected a number"),
        ("name = @param.anything", "unexpected parameter 'anything' (no single type) at 8: expected a text"),
        ("name = @param.texts", "unexpected parameter 'texts' at 8: expected one value (lists stand after 'in')"),
        ("name in @param.text", "unexpected parameter 'text' at 9: expected a list"),
        ("name = @param.txt", "unknown parameter 'txt' at 8: did you mean 'text' or 'texts'?"),
        ("count = name", "unexpected field 'name' (text) at 9: expected a number"),
        ("owner = name", "unexpected field 'name' (text) at 9: expected an id as text, @me or @my_team"),
        ("count between 1 and 'x'", "unexpected text 'x' at 21: expected a number"),
        ("visits = 1", "unexpected 'visits' at 1: expected any(visits, …) or none(visits, …): these are records that refer back"),
        ("count.x = 1", "unexpected '.x' at 7: expected no further step: 'count' is a whole number"),
        ("about.name = 'x'", "unexpected '.name' at 7: expected no further step: 'about' is an id"),
        ("tags.x = 1", "unexpected '.x' at 6: expected no further step: 'tags' is a list (use any or none)"),
        ("price.amount.x = 1", "unexpected '.x' at 14: expected no further step: 'amount' is a plain value"),
        ("address.city.x = 1", "unexpected '.x' at 14: expected no further step: 'city' is a text"),
        ("visits.rating = 1", "unexpected '.rating' at 8: expected no further step: 'visits' is a list of records"),
        ("any(name, id is null)", "unexpected 'name' (text) at 5: expected a list field, or the name of records that refer back"),
        ("any(address, id is null)", "unexpected 'address' (object) at 5: expected a list field, or the name of records that refer back"),
        ("any(rooms, any(parts, value = 'x'))", "unexpected 'parts' (list) at 16: expected a list field, or the name of records that refer back"),
        ("any(tags, * matches 'x')", "unexpected '*' at 11: expected a field: '*' stands for a whole record"),
        ("rooms contains 'x'", "unexpected operator 'contains' at 7: expected any(…): the elements of this list are no plain values"),
        ("blob = 'x'", "unexpected operator '=' at 6: expected for 'blob' (json) one of is null, is not null"),
        ("tags = 'x'", "unexpected operator '=' at 6: expected for 'tags' (list) one of is null, is not null, contains"),
        ("kind > 'x'", "unexpected operator '>' at 6: expected for 'kind' (choice) one of =, !=, in, not in, is null, is not null, contains, starts with, ends with, matches"),
        ("open < true", "unexpected operator '<' at 6: expected for 'open' (boolean) one of =, !=, in, not in, is null, is not null"),
        ("count contains 'x'", "unexpected operator 'contains' at 7: expected for 'count' (integer) one of =, !=, <, <=, >, >=, in, not in, between, is null, is not null"),
    ],
)  # fmt: skip
def test_misfits(world: Any, text: str, message: str) -> None:
    error = refusal(world, text, params=PARAMS)
    assert (error.code, error.detail) == ("bad_filter", message)


@pytest.mark.contract("filters.md#text-order-refused")
@pytest.mark.parametrize("operator", ["<", "<=", ">", ">=", "between"])
def test_text_has_no_order(world: Any, operator: str) -> None:
    operand = "'a' and 'b'" if operator == "between" else "'a'"
    assert f"operator '{operator}' at 6" in refusal(world, f"name {operator} {operand}").detail


@pytest.mark.contract("filters.md#choice-unknown")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind = 'bog'", "unknown choice 'bog' at 8: did you mean 'big'?"),
        ("kind in ('big', 'zzz')", "unknown choice 'zzz' at 17: expected one of 'big', 'small', 'Žluť'"),
        ("kinds contains 'c'", "unknown choice 'c' at 16: expected one of 'a', 'b'"),
        ("any(rooms, kind = 'hal')", "unknown choice 'hal' at 19: did you mean 'hall'?"),
        ("price.currency = 'EURO'", "unknown choice 'EURO' at 18: did you mean 'EUR'?"),
        ("price = 'EUO 5'", "unknown currency 'EUO' at 9: did you mean 'EUR'?"),
    ],
)
def test_unknown_choices(world: Any, text: str, message: str) -> None:
    assert refusal(world, text).detail.startswith(message)


@pytest.mark.contract("filters.md#limit-path")
def test_at_most_four_references(world: Any) -> None:
    assert resolve("owner.boss.boss.boss.name = 'x'", "deal", world.model)
    error = refusal(world, "owner.boss.boss.boss.boss.name = 'x'")
    assert error.detail == "more than 4 references in a path at 22"


def test_subqueries_nest_so_deep(world: Any) -> None:
    def nested(levels: int) -> str:
        return "any(staff, " * levels + "age = 1" + ")" * levels

    assert resolve(nested(8), "person", world.model).levels == 8
    assert "more than 8 levels of related records" in refusal(world, nested(9), "person").detail


@pytest.mark.contract("filters.md#event-names")
@pytest.mark.contract("filters.md#before-names")
def test_event_names(world: Any) -> None:
    def says(text: str) -> str:
        return refusal(world, text, event=True).detail

    assert says("event.typ = 'x'") == "unknown field 'event.typ' at 7: did you mean 'event.type'?"
    assert says("event.type.x = 'x'") == "unknown field 'event.type.x' at 12: did you mean 'event.type'?"
    assert says("event is null") == "unknown field 'event.' at 1"
    assert says("event.changed contains 'nmae'") == "unknown choice 'nmae' at 24: did you mean 'name'?"
    assert says("event.changed = 'name'").startswith("unexpected operator '=' at 15")
    assert says("any(event.changed, value = 'x')").startswith("unexpected 'event.changed' (list) at 5")
    assert says("before.nmae = 'x'") == "unknown field 'nmae' at 8: did you mean 'name'?"
    assert says("before = 'x'") == "unknown field 'before' at 1"
    assert says("any(before.visits, id is null)").startswith("unexpected 'before.visits' at 5: expected a field")


def test_what_an_expression_knows(world: Any) -> None:
    text = "owner.team.name = 'x' and any(visits, host.boss.name = 'y' and deal.owner = @me) and since > @today - 1d"
    expression = resolve(text, "deal", world.model)
    assert expression.paths == ("owner.team.name", "visits", "visits.host.boss.name", "visits.deal.owner", "since")
    assert expression.variables == {"me", "now", "zone"}
    assert expression.uses_related
    assert expression.levels == 2
    assert [[(h.how, h.field, h.target) for h in need] for need in expression.needs] == [
        [("lookup", "owner", "person")],
        [("lookup", "owner", "person"), ("lookup", "team", "team")],
        [("referring", "deal", "visit")],
        [("referring", "deal", "visit"), ("lookup", "host", "person")],
        [("referring", "deal", "visit"), ("lookup", "host", "person"), ("lookup", "boss", "person")],
        [("referring", "deal", "visit"), ("lookup", "deal", "deal")],
    ]


def test_needs_of_the_state_before(world: Any) -> None:
    expression = resolve("before.owner.name = 'x'", "deal", world.model, event=True)
    assert [[h.how for h in need] for need in expression.needs] == [["before", "lookup"]]


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("count = 1", set()),
        ("since = '2026-01-01T10:00Z'", set()),
        ("since = '2026-01-01T10:00'", {"zone"}),
        ("since = '2026-01-01'", {"zone"}),
        ("due = '2026-01-01'", set()),
        ("due = '2026-01-01T10:00'", {"zone"}),
        ("due = since", {"zone"}),
        ("owner in @my_teams", {"my_teams"}),
        ("rotting = true", {"now"}),
        ("rotting = open", {"now"}),
        ("name = @param.text", {"param.text", "zone"}),
    ],
)
def test_variables(world: Any, text: str, variables: set[str]) -> None:
    expression = resolve(text, "deal", world.model, params=PARAMS)
    assert expression.variables == variables
    assert not expression.uses_related


def test_expressions_are_joined_without_text(world: Any) -> None:
    parts = [resolve(text, "deal", world.model) for text in ("count = 1", "owner.age = 3")]
    joined = either(parts)
    assert either(parts[:1]) is parts[0]
    assert joined.text == "(count = 1) or (owner.age = 3)"
    assert joined.paths == ("count", "owner.age")
    assert joined.uses_related
    assert to_predicate(joined)({"count": 1, "owner": None}, Environment())
    assert not to_predicate(joined)({"count": 2, "owner": None}, Environment())


def test_money_is_of_the_apps_currency_unless_named(world: Any) -> None:
    expression = resolve("price = '5'", "deal", world.model, context=ValueContext(currency="JPY"))
    price = {"amount": 5, "currency": "JPY"}
    assert to_predicate(expression)({"price": price}, Environment())


@pytest.mark.contract("filters.md#hidden-field-unknown")
@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("note = 'x'", 1),
        ("owner.home.city = 'x'", 7),
        ("any(visits, rating = 1)", 13),
        ("any(topics, id is null)", 5),
        ("name = note", 8),
        ("any(owner.deals, note = 'x')", 18),
    ],
)
def test_hidden_fields_are_unknown(world: Any, rules: Any, text: str, column: int) -> None:
    hidden = [("deal", "note"), ("person", "home"), ("visit", "rating"), ("visit", "topic")]
    error = refusal(world, text, scope=rules(unknown=hidden))
    assert error.code == "unknown_field"
    assert error.extra["column"] == column
    nothing_like_it = refusal(world, text.replace("note", "nota"), scope=rules(unknown=hidden))
    assert "note" not in nothing_like_it.detail


@pytest.mark.contract("filters.md#limit-depth")
def test_deep_filters_stay_within_the_engine(world: Any) -> None:
    text = "count = 1"
    for level in range(10):
        text = f"(count = {level} and not ({text}) or count is null)"
    nested = "(" * 16 + "open = true" + "".join(f" or count = {i}) and (ratio = 1 or count = 3)" for i in range(16))
    for each in (text, nested):
        world.ask(each)
    world.ask(" or ".join(f"price.amount = {i}" for i in range(200)))
    world.ask("any(visits, host.boss.boss.boss.name = 'x' and any(host.boss.boss.deals, owner.boss.name = 'y'))")
