"""Every operator on every type, by SQL and by predicate: `World.ask` fails where they differ."""
# ruff: noqa: E501

from __future__ import annotations

from typing import Any

import pytest

from crm_kernel.errors import Error
from crm_kernel.filters.operators import DERIVED, OPERATORS

AB = "00000000-0000-7000-8000-0000000000ab"
CD = "00000000-0000-7000-8000-0000000000cd"
DAY = "2026-03-18"


def money(amount: str, currency: str = "EUR") -> dict[str, str]:
    return {"amount": amount, "currency": currency}


# field, value, filters that hold for it, filters that do not
CASES: list[tuple[str, Any, list[str], list[str]]] = [
    ("name", "Jānis O'Brien", ["= 'Jānis O''Brien'", "!= 'x'", "in ('a', 'Jānis O''Brien')", "not in ('a')",
        "contains 'JANIS'", "contains ''", "starts with 'ja'", "starts with ''", "ends with 'BRIEN'", "ends with ''",
        "matches 'janis'", "matches 'brien jan'", "matches 'o bri'", "matches ''", "matches '!'", "is not null"],
        ["= 'jānis o''brien'", "= 'Janis O''Brien'", "= ''", "!= 'Jānis O''Brien'", "in ('a')", "in ('')",
        "not in ('Jānis O''Brien', 'b')", "contains 'janus'", "contains 'j%s'", "contains 'j_nis'", "starts with 'anis'",
        "starts with 'janis o''brien and more'", "ends with 'brie'", "matches 'anis'", "matches 'jan brien'",
        "matches 'brien rien'", "is null"]),
    ("name", "100% *a?b[c]_d", ["contains '100%'", "contains '*a?b[c]_d'", "starts with '100% *'", "ends with '_d'",
        "matches 'a b c d'"], ["contains '1%'", "contains '*b'", "contains 'a?c'", "ends with '?d'", "contains '[c'']'"]),
    ("name", "\ufb01ne STRASSE №5 ½", ["contains 'fine'", "contains 'straße'", "matches 'no5'", "matches 'fine stra'",
        "ends with '1⁄2'"], ["= 'fine STRASSE №5 ½'", "matches 'ine'"]),
    ("name", "Привет, мир! 你好世界", ["contains 'ПРИВЕТ'", "matches 'мир'", "matches 'мир прив'", "matches 'привет 你好'",
        "ends with '世界'"], ["matches 'ривет'", "matches '世界'", "matches 'при мир'"]),
    ("kind", "Žluť", ["= 'Žluť'", "!= 'big'", "in ('big', 'Žluť')", "not in ('big')", "contains 'ZL'", "starts with 'zl'",
        "ends with 'UT'", "matches 'zlu'", "contains ''"],
        ["= 'big'", "!= 'Žluť'", "not in ('Žluť')", "contains 'i'", "starts with 'b'", "matches 'lut'", "is null"]),
    ("count", 5, ["= 5", "= 5.0", "!= 4", "!= 5.5", "< 6", "< 5.5", "<= 5", "> 4.999", ">= 5", "in (1, 5)", "not in (1)",
        "between 5 and 5", "between -1 and 5.5", "is not null", "> -9" + "9" * 90],
        ["= 4", "= 5.5", "!= 5", "< 5", "<= 4.5", "> 5", ">= 5.5", "in (4, 5.5)", "not in (5)", "between 6 and 4",
        "is null", "= " + "9" * 100]),
    ("score", 0.1, ["= 0.1", "!= 0.10001", "< 0.2", ">= 0.1", "in (0.1)", "between 0.1 and 0.1"],
        ["= 0.10000001", "!= 0.1", "> 0.1", "not in (0.1)", "< -0.1"]),
    ("ratio", -1.25, ["= -1.25", "= -1.250", "!= -1.251", "< -1.249", "< -1.2", "<= -1.25", "> -1.2501", ">= -1.25",
        ">= -1.2599", "in (-1.25, 3)", "not in (-1.251)", "between -1.2501 and -1.2499", "< " + "9" * 99],
        ["= -1.251", "!= -1.25", "< -1.25", "<= -1.2501", "> -1.25", ">= -1.2499", "in (-1.251)", "not in (-1.25)",
        "between -1.2499 and 5", "between -5 and -1.2501", "> " + "9" * 99]),
    ("open", True, ["= true", "!= false", "in (true)", "not in (false)", "is not null"],
        ["= false", "!= true", "in (false)", "not in (true, false)"]),
    ("due", DAY, ["= '2026-03-18'", "= @today", "= @now", "= '2026-03-18T23:59'", "= '2026-03-18T21:59:59.9Z'",
        "!= '2026-03-17'", "< '2026-03-19'", "< '2026-03-18T22:00Z'", "<= @today", "> @today - 1d", ">= @week_start + 2d",
        "in ('2026-03-18', @month_start)", "not in (@year_start)", "between @month_start and @today",
        "between '2026-03-18' and '2026-03-18'", "> @today - 20h"],
        ["= '2026-03-19'", "= '2026-03-18T22:00Z'", "!= @today", "< @today", "> @now", ">= @today + 1d", "in (@month_start)",
        "not in (@today)", "between '2026-03-19' and '2026-04-01'", "is null", "< @quarter_start"]),
    ("since", "2026-03-18T10:00:00.5Z", ["= '2026-03-18'", "= @today", "= '2026-03-18T10:00:00.5Z'",
        "= '2026-03-18T12:00:00.500'", "= '2026-03-18 13:00:00.5+03:00'", "!= '2026-03-17'", "!= @now",
        "< '2026-03-19'", "< @now", "<= '2026-03-18'", "<= @today", "<= '2026-03-18T10:00:00.5Z'", "> '2026-03-17'",
        "> '2026-03-18T10:00:00Z'", "> @today + 11h", ">= '2026-03-18'", ">= @today", "in ('2026-03-18', @now)",
        "in ('2026-03-18T10:00:00.5Z')", "not in ('2026-03-17', @now)", "between '2026-03-18' and '2026-03-18'",
        "between @today and @now", "between '2026-03-18T10:00:00.5Z' and @today", "is not null"],
        ["= '2026-03-17'", "= @now", "!= '2026-03-18'", "!= '2026-03-18T10:00:00.50Z'", "< '2026-03-18'", "< @today",
        "<= '2026-03-17'", "<= '2026-03-18T10:00:00.25Z'", "> '2026-03-18'", "> @today", "> @now",
        ">= '2026-03-19'", ">= @now", "in ('2026-03-17', @now)", "not in (@today)",
        "between '2026-03-19' and '2026-03-20'", "between '2026-03-17' and '2026-03-18T10:00Z'", "is null"]),
    ("price", money("100.50"), ["= 'EUR 100.50'", "= '100.5'", "= 'eur100.50'", "!= 'USD 100.50'", "!= 'EUR 100.51'",
        "!= 'JPY 100'", "< 'EUR 100.501'", "<= 'EUR 100.5'", "> 'EUR 100.499'", ">= 'EUR 100.50'",
        "in ('USD 1', 'EUR 100.5')", "not in ('EUR 1', 'USD 100.50')", "between 'EUR 100' and 'EUR 101'", "is not null"],
        ["= 'EUR 100.501'", "= 'USD 100.50'", "!= 'EUR 100.50'", "> 'USD 1'", "< 'USD 1000'", ">= 'EUR 100.51'",
        "< 'EUR 100.50'", "in ('USD 100.5')", "not in ('EUR 100.5')", "between 'EUR 101' and 'EUR 102'",
        "between 'USD 1' and 'EUR 200'", "is null"]),
    ("price.amount", ("price", money("100.50")), ["= 100.5", "!= 100.505", "< 100.501", ">= 100.50", "in (1, 100.5)",
        "not in (100.501)", "between 100.499 and 100.501", "is not null"],
        ["= 100.505", "!= 100.5", "> 100.5", "in (100)", "not in (100.5)", "between 100.501 and 200", "is null"]),
    ("price.amount", ("price", money("100", "JPY")), ["= 100", "< 100.5", ">= 99.5", "in (100)"],
        ["= 100.5", "= 1", "< 100", ">= 100.5", "between 99.1 and 99.9"]),
    ("price.amount", ("price", money("1.2345", "CLF")), ["= 1.2345", "> 1.23449"], ["= 1.23451", "> 1.2345"]),
    ("price.amount", ("price", money("1.234", "KWD")), ["= 1.234", "<= 1.2349", "> 1.23399999"], ["= 1.2341", "< 1.234"]),
    ("price.currency", ("price", money("1")), ["= 'EUR'", "!= 'USD'", "in ('USD', 'EUR')", "contains 'eu'",
        "starts with 'E'", "matches 'eu'"], ["= 'USD'", "not in ('EUR')", "ends with 'x'", "is null"]),
    ("owner", AB, [f"= '{AB}'", f"= '{AB.upper()}'", "= @me", f"!= '{CD}'", f"in (@me, '{CD}')", "in @my_teams",
        f"not in ('{CD}')", "is not null"], [f"= '{CD}'", "!= @me", f"in ('{CD}')", "not in @my_teams", "= @my_team",
        "!= @my_team", f"not in (@my_team, '{CD}')"]),
    ("about", AB, ["= @me", f"in ('{AB}')", "is not null"], [f"= '{CD}'", "is null"]),
    ("id", AB, ["= @me", "in @my_teams"], [f"= '{CD}'"]),
    ("tags", ["Čau", "x", "x"], ["contains 'Čau'", "is not null"], ["contains 'cau'", "contains 'C'", "is null"]),
    ("tags", [], ["is not null"], ["contains ''", "is null"]),
    ("kinds", ["a"], ["contains 'a'"], ["contains 'b'"]),
    ("numbers", [1, 2], ["contains 1", "contains 2.0"], ["contains 3", "contains 1.5"]),
    ("blob", {"a": 1}, ["is not null"], ["is null"]),
    ("blob", False, ["is not null"], ["is null"]),
    ("address", {}, ["is not null"], ["is null"]),
    ("address.city", ("address", {"city": "Rīga"}), ["= 'Rīga'", "contains 'RIGA'", "matches 'ri'", "starts with 'R'"],
        ["= 'Riga'", "is null", "matches 'iga'"]),
    ("address.city", ("address", {"city": 5}), ["is null"], ["= '5'", "!= 'x'", "contains '5'", "is not null"]),
    ("address.floor", ("address", {"floor": 3}), ["= 3", "> 2.5", "in (3)"], ["= 2", "is null"]),
    ("address.floor", ("address", {"floor": True}), ["is null"], ["= 1"]),
    ("address.floor", ("address", {"floor": "3"}), ["is null"], ["= 3", "< 4", "> 2"]),
    ("address.lift", ("address", {"lift": True}), ["= true", "!= false"], ["= false", "is null"]),
    ("address.lift", ("address", {"lift": 1}), ["is null"], ["= true"]),
    ("address.geo.lat", ("address", {"geo": {"lat": 56.9}}), ["= 56.9", "between 56 and 57"], ["> 57", "is null"]),
    ("address.geo.lat", ("address", {"geo": 5}), ["is null"], ["> 0"]),
    ("address.geo", ("address", {"geo": {}}), ["is not null"], ["is null"]),
    ("address.geo", ("address", {"geo": None}), ["is null"], ["is not null"]),
]  # fmt: skip


def sent(field: str, value: Any) -> dict[str, Any]:
    return {value[0]: value[1]} if isinstance(value, tuple) else {field: value}


@pytest.mark.contract("filters.md#sql-equals-predicate")
@pytest.mark.contract("filters.md#between")
@pytest.mark.contract("filters.md#is-null")
@pytest.mark.contract("filters.md#starts-ends")
@pytest.mark.contract("filters.md#matches-field")
@pytest.mark.contract("filters.md#text-exact")
@pytest.mark.contract("filters.md#text-folded")
@pytest.mark.contract("filters.md#no-wildcards")
@pytest.mark.contract("filters.md#contains-list")
@pytest.mark.contract("filters.md#date-equals-moment")
@pytest.mark.contract("filters.md#date-order-moment")
@pytest.mark.contract("filters.md#date-between-moment")
@pytest.mark.contract("filters.md#moment-zone")
@pytest.mark.contract("filters.md#money-literal")
@pytest.mark.contract("filters.md#money-members")
@pytest.mark.contract("filters.md#path-members")
@pytest.mark.contract("filters.md#me")
@pytest.mark.contract("filters.md#my-team")
@pytest.mark.contract("filters.md#in-variable")
@pytest.mark.parametrize(
    ("field", "value", "test", "expected"),
    [(f, v, t, held) for f, v, yes, no in CASES for held, tests in ((True, yes), (False, no)) for t in tests],
)
def test_every_operator_and_type(world: Any, field: str, value: Any, test: str, expected: bool) -> None:
    record = {"id": AB, **sent(field, value)}
    environment = world.environment(me=AB, my_teams=[AB], my_team=None)
    world.fill({"deal": [record]})
    assert (world.ask(f"{field} {test}", environment=environment) == {AB}) is expected
    assert (world.ask(f"not ({field} {test})", environment=environment) == {AB}) is not expected


@pytest.mark.contract("filters.md#two-valued")
@pytest.mark.contract("filters.md#two-valued-not")
@pytest.mark.parametrize(("field", "test"), sorted({(f, t) for f, _, yes, no in CASES for t in yes + no if f != "id"}))
def test_on_null_all_is_false(world: Any, field: str, test: str) -> None:
    environment = world.environment(me=AB, my_teams=[AB])
    world.fill({"deal": [{"id": CD}]})
    expected = {CD} if test == "is null" else set()
    assert world.ask(f"{field} {test}", environment=environment) == expected
    assert world.ask(f"not ({field} {test})", environment=environment) == {CD} - expected


def test_every_operator_is_covered() -> None:
    tested = " | ".join(f"x {test}" for _, _, yes, no in CASES for test in yes + no)
    missing = [symbol for symbol in OPERATORS if f"x {symbol}" not in tested]
    assert not missing
    assert set(DERIVED) == {"within", "outside"}
    for operator in OPERATORS.values():
        assert "{0}" in operator.words


COMPARED: list[tuple[dict[str, Any], str, bool]] = [
    ({"name": "x", "note": "x"}, "name = note", True),
    ({"name": "x", "note": "X"}, "name = note", False),
    ({"name": "x"}, "name != note", False),
    ({"name": "big", "kind": "big"}, "name = kind", True),
    ({"count": 2, "score": 2.0}, "count = score", True),
    ({"count": 2, "score": 2.5}, "count < score", True),
    ({"ratio": 1.25, "finer": 1.25}, "ratio = finer", True),
    ({"ratio": 1.25, "finer": 1.2501}, "ratio < finer", True),
    ({"ratio": 2, "count": 2}, "count >= ratio", True),
    ({"ratio": 0.1, "score": 0.1}, "ratio = score", True),
    ({"ratio": 0.3, "score": 0.30000000000000004}, "ratio = score", False),
    ({"price": money("1.50"), "ratio": 1.5}, "price.amount = ratio", True),
    ({"price": money("150", "JPY"), "finer": 150}, "finer = price.amount", True),
    ({"price": money("1.50"), "count": 9_007_199_254_740_991}, "price.amount < count", True),
    ({"price": money("1.50"), "count": 9_007_199_254_740_991}, "price.amount = count", False),
    ({"price": money("90071992547409.91", "EUR"), "count": -9_007_199_254_740_991}, "price.amount > count", True),
    ({"finer": 1, "count": 9_007_199_254_740_991}, "finer < count", True),
    ({"price": money("1.5"), "cost": money("1.500", "KWD")}, "price.amount = cost.amount", True),
    ({"price": money("0.1"), "score": 0.1}, "price.amount = score", True),
    ({"price": money("3", "JPY"), "score": 2.5}, "score < price.amount", True),
    ({"price": money("1"), "cost": money("1")}, "price = cost", True),
    ({"price": money("1"), "cost": money("2")}, "price < cost", True),
    ({"price": money("1"), "cost": money("2", "USD")}, "price < cost", False),
    ({"price": money("1"), "cost": money("1", "USD")}, "price != cost", True),
    ({"price": money("1"), "cost": money("1")}, "price != cost", False),
    ({"price": money("1")}, "price != cost", False),
    ({"price": money("1"), "cost": money("1", "USD")}, "price.currency = cost.currency", False),
    ({"open": True}, "open = rotting", False),
    ({"open": False}, "open = rotting", True),
    ({"due": DAY, "since": "2026-03-17T22:00:00Z"}, "due = since", True),
    ({"due": DAY, "since": "2026-03-17T21:59:59.9Z"}, "since < due", True),
    ({"due": DAY, "since": "2026-03-18T22:00:00Z"}, "due >= since", False),
    ({"since": "2026-03-18T10:00:00Z", "until": "2026-03-18T10:00:00.1Z"}, "since < until", True),
    ({"since": "2026-03-18T10:00:00Z", "until": "2026-03-18T10:00:00Z"}, "since >= until", True),
    ({"owner": AB, "buyer": AB}, "owner = buyer", True),
    ({"owner": AB, "about": CD}, "owner != about", True),
    ({"address": {"floor": 3}, "count": 3}, "address.floor = count", True),
    ({"address": {"city": "x"}, "name": "x"}, "address.city = name", True),
]


@pytest.mark.contract("filters.md#path-to-path")
@pytest.mark.parametrize(("values", "text", "expected"), COMPARED)
def test_path_against_path(world: Any, values: dict[str, Any], text: str, expected: bool) -> None:
    assert world.holds(text, values) is expected
    assert world.holds(f"not {text}", values) is not expected


@pytest.mark.parametrize("text", sorted({text for _, text, _ in COMPARED if "rotting" not in text}))
def test_path_against_path_on_null(world: Any, text: str) -> None:
    assert not world.holds(text, {})
    assert world.holds(f"not {text}", {})


PARAMS: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "number": {"type": "number"},
    "flag": {"type": "boolean"},
    "day": {"type": "string", "format": "date"},
    "moment": {"type": "string", "format": "date-time"},
    "texts": {"type": "array", "items": {"type": "string"}},
    "days": {"type": "array", "items": {"type": "string", "format": "date"}},
    "moments": {"type": "array", "items": {"type": "string", "format": "date-time"}},
    "numbers": {"type": "array", "items": {"type": "number"}},
    "untyped": {},
}
RECORD: dict[str, Any] = {
    "name": "Čau x", "kind": "big", "count": 5, "score": 1.5, "ratio": 1.25, "open": True, "due": DAY,
    "since": "2026-03-18T10:00:00Z", "owner": AB, "price": money("5"), "tags": ["q"], "numbers": [1],
}  # fmt: skip


@pytest.mark.contract("filters.md#param")
@pytest.mark.contract("filters.md#in-variable")
@pytest.mark.parametrize(
    ("text", "params", "expected"),
    [
        ("name = @param.text", {"text": "Čau x"}, True),
        ("name = @param.text", {"text": None}, False),
        ("name != @param.text", {}, False),
        ("name contains @param.text", {"text": "CAU"}, True),
        ("name starts with @param.text", {}, False),
        ("kind = @param.text", {"text": "nonsense"}, False),
        ("kind contains @param.text", {"text": "I"}, True),
        ("kind contains @param.text", {}, False),
        ("kind in @param.texts", {"texts": ["big"]}, True),
        ("name in @param.texts", {"texts": []}, False),
        ("name not in @param.texts", {"texts": []}, True),
        ("name not in @param.texts", {"texts": ["a", None]}, True),
        ("name in @param.texts", {}, False),
        ("name not in @param.texts", {}, False),
        ("not (name in @param.texts)", {}, True),
        ("name in (@param.text, 'Čau x')", {}, True),
        ("name not in (@param.text, 'q')", {}, False),
        ("count = @param.number", {"number": 5.0}, True),
        ("count in @param.numbers", {"numbers": [5]}, True),
        ("score in @param.numbers", {"numbers": [1.5]}, True),
        ("ratio in @param.numbers", {"numbers": [1.25, 1.255]}, True),
        ("ratio in @param.numbers", {"numbers": [1.255]}, False),
        ("ratio not in @param.numbers", {"numbers": [1.255]}, True),
        ("ratio < @param.number", {"number": 1.2501}, True),
        ("ratio < @param.number", {}, False),
        ("price.amount in @param.numbers", {"numbers": [5]}, True),
        ("price.amount > @param.number", {"number": 4.999}, True),
        ("price = @param.text", {"text": "EUR 5"}, True),
        ("price < @param.text", {}, False),
        ("price != @param.text", {}, False),
        ("open = @param.flag", {"flag": True}, True),
        ("due = @param.day", {"day": DAY}, True),
        ("due in @param.days", {"days": [DAY]}, True),
        ("due = @param.moment", {"moment": "2026-03-18T23:00"}, True),
        ("since = @param.day", {"day": DAY}, True),
        ("since = @param.day", {}, False),
        ("since between @param.day and @param.day", {"day": DAY}, True),
        ("since = @param.moment", {"moment": "2026-03-18T12:00"}, True),
        ("since >= @param.moment", {"moment": "2026-03-18T10:00:00+00:00"}, True),
        ("since in @param.moments", {"moments": ["2026-03-18T10:00:00Z"]}, True),
        ("owner = @param.text", {"text": AB}, True),
        ("tags contains @param.text", {"text": "q"}, True),
        ("numbers contains @param.number", {"number": 1}, True),
        ("any(tags, value = @param.text)", {"text": "q"}, True),
        ("name = @param.untyped", {"untyped": "Čau x"}, True),
        ("kind in @param.untyped", {"untyped": ["big"]}, True),
        ("ratio = @param.untyped", {"untyped": 1.25}, True),
        ("since = @param.untyped", {"untyped": "2026-03-18T10:00:00Z"}, True),
    ],
)
def test_parameters(world: Any, text: str, params: dict[str, Any], expected: bool) -> None:
    environment = world.environment(params=params)
    assert world.holds(text, RECORD, params=PARAMS, environment=environment) is expected


@pytest.mark.parametrize(
    ("text", "params", "message"),
    [
        ("count = @param.number", {"number": "x"}, "unexpected 'x' in parameter 'number': expected a number"),
        ("count = @param.number", {"number": True}, "unexpected True in parameter 'number': expected a number"),
        ("count = @param.number", {"number": float("nan")}, "unexpected nan in parameter 'number': expected a number"),
        ("name = @param.text", {"text": 5}, "unexpected 5 in parameter 'text': expected a text"),
        ("open = @param.flag", {"flag": 1}, "unexpected 1 in parameter 'flag': expected true or false"),
        ("due = @param.day", {"day": "soon"}, "unexpected 'soon' in parameter 'day': expected a date ("),
        ("due = @param.day", {"day": 5}, "unexpected 5 in parameter 'day': expected a date ("),
        ("since = @param.moment", {"moment": "2026"}, "unexpected '2026' in parameter 'moment': expected a moment"),
        ("since = @param.moment", {"moment": 5}, "unexpected 5 in parameter 'moment': expected a moment"),
        ("name in @param.texts", {"texts": "x"}, "unexpected 'x' in parameter 'texts': expected a list of a text"),
        ("name in @param.texts", {"texts": [1]}, "unexpected 1 in parameter 'texts': expected a text"),
        ("price = @param.text", {"text": "x"}, "unexpected 'x' in parameter 'text': expected an amount of money"),
    ],
)
def test_parameters_that_do_not_fit(world: Any, text: str, params: dict[str, Any], message: str) -> None:
    world.fill({"deal": [RECORD | {"id": AB}]})
    for ask in (world.by_sql, world.by_predicate):
        with pytest.raises(Error) as caught:
            ask(text, params=PARAMS, environment=world.environment(params=params))
        assert caught.value.code == "bad_value"
        assert caught.value.detail.startswith(message)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"pipeline": "sales", "stage": "fresh", "stage_since": "2026-03-18T09:29:59Z"}, True),
        ({"pipeline": "sales", "stage": "fresh", "stage_since": "2026-03-18T09:30:00Z"}, False),
        ({"pipeline": "sales", "stage": "stale", "stage_since": "2026-03-18T09:00:00Z"}, False),
        ({"pipeline": "other", "stage": "fresh", "stage_since": "2026-03-01T09:00:00Z"}, False),
        ({"pipeline": "sales", "stage": "fresh"}, False),
        ({}, False),
    ],
)
def test_rotting(world: Any, values: dict[str, Any], expected: bool) -> None:
    assert world.holds("rotting = true", values) is expected
    assert world.holds("rotting != true", values) is not expected
    assert not world.holds("rotting is null", values)
