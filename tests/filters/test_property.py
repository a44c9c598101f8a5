"""SQL and predicate agree on random filters over random records, rules and callers."""
# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

UID = "00000000-0000-7000-8000-{:012}".format
PERSONS, DEALS, VISITS, TEAMS = ([UID(base + n) for n in range(4)] for base in (10, 20, 30, 40))
WORDS = [
    "",
    "Ann",
    "ann",
    "Čau",
    "čau bar",
    "O'Neil-Čau",
    "STRASSE",
    "straße",
    "a_b%c",
    "ﬁne 5",
    "мир Привет",
    "世界 x",
    "𝔸b",
]
DATES = ["2026-03-16", "2026-03-18", "2026-03-28", "2026-03-29", "2026-12-31"]
MOMENTS = [
    "2026-03-17T21:59:59.9Z", "2026-03-17T22:00:00Z", "2026-03-18T10:30:00Z", "2026-03-18T22:00:00Z",
    "2026-03-29T00:59:59Z", "2026-03-29T01:00:00.25Z", "2026-10-25T00:30:00Z",
]  # fmt: skip
NUMBERS = [-3, 0, 1, 2, 5, 2**53 - 1]
DECIMALS = ["-1.25", "0", "0.1", "0.125", "1.2501", "100", "100.5", "99999999999.99"]
CURRENCIES = ["EUR", "USD", "JPY", "KWD", "CLF"]


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


texts = st.sampled_from(WORDS)
fixed = {
    "text": maybe(texts),
    "integer": maybe(st.sampled_from(NUMBERS)),
    "number": maybe(st.sampled_from([-1.5, 0.0, 0.1, 1.0, 2.5, 1e15])),
    "choice": maybe(st.sampled_from(["big", "small", "Žluť"])),
    "boolean": maybe(st.booleans()),
    "date": maybe(st.sampled_from(DATES)),
    "moment": maybe(st.sampled_from(MOMENTS)),
    "money": maybe(
        st.builds(
            lambda amount, currency: {"amount": amount if currency != "JPY" else "100", "currency": currency},
            st.sampled_from(["0", "1.5", "-2", "100", "100.5"]),
            st.sampled_from(CURRENCIES),
        )
    ),
}


def reference(ids: list[str]) -> st.SearchStrategy[Any]:
    return maybe(st.sampled_from([*ids, UID(99)]))


ANYTHING = st.none() | st.booleans() | st.sampled_from([1, 2.5, "Ann", "Čau x", "2026-03-18"])
room = st.fixed_dictionaries(
    {},
    optional={
        "name": ANYTHING,
        "area": ANYTHING,
        "open": ANYTHING,
        "on": maybe(st.sampled_from(DATES)),
        "kind": maybe(st.sampled_from(["hall", "attic"])),
    },
)
address = st.fixed_dictionaries(
    {},
    optional={"city": ANYTHING, "floor": ANYTHING, "lift": ANYTHING, "geo": st.fixed_dictionaries({"lat": ANYTHING})},
)
deleted = st.sampled_from([None, None, None, "2026-01-01T00:00:00Z"])

SHAPES: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "team": {"name": fixed["text"], "deleted_at": deleted},
    "person": {
        "name": fixed["text"], "age": fixed["integer"], "team": reference(TEAMS), "boss": reference(PERSONS),
        "home": maybe(st.fixed_dictionaries({"city": ANYTHING})), "deleted_at": deleted,
    },
    "deal": {
        "name": fixed["text"], "note": fixed["text"], "count": fixed["integer"], "score": fixed["number"],
        "ratio": maybe(st.sampled_from([-1.25, 0, 0.1, 100.5])), "finer": maybe(st.sampled_from([0.125, 0.1, 100.5])),
        "price": fixed["money"], "cost": fixed["money"], "kind": fixed["choice"], "open": fixed["boolean"],
        "due": fixed["date"], "since": fixed["moment"], "until": fixed["moment"], "owner": reference(PERSONS),
        "buyer": reference(PERSONS), "about": reference(PERSONS), "tags": maybe(st.lists(maybe(texts), max_size=3)),
        "kinds": maybe(st.lists(st.sampled_from("ab"), max_size=2)), "numbers": maybe(st.lists(ANYTHING, max_size=3)),
        "rooms": maybe(st.lists(maybe(room), max_size=3)), "address": maybe(address), "blob": ANYTHING,
        "group": fixed["text"], "pipeline": st.sampled_from([None, "sales"]),
        "stage": st.sampled_from([None, "fresh", "stale"]), "stage_since": fixed["moment"],
    },
    "visit": {
        "deal": reference(DEALS), "host": reference(PERSONS), "topic": reference(DEALS), "rating": fixed["integer"],
        "state": maybe(st.sampled_from(["new", "done"])), "deleted_at": deleted,
    },
}  # fmt: skip
IDS = {"team": TEAMS, "person": PERSONS, "deal": DEALS, "visit": VISITS}


@st.composite
def populations(draw: Callable[..., Any]) -> dict[str, list[dict[str, Any]]]:
    return {
        name: [
            {"id": id, **{f: draw(s) for f, s in SHAPES[name].items()}} for id in IDS[name][: draw(st.integers(1, 4))]
        ]
        for name in SHAPES
    }


def quoted(values: list[str]) -> st.SearchStrategy[str]:
    return st.sampled_from(values).map(lambda text: "'" + text.replace("'", "''") + "'")


words = quoted(WORDS)
VALUES: dict[str, st.SearchStrategy[str]] = {
    "text": words | st.just("@param.text"),
    "choice": quoted(["big", "small", "Žluť"]),
    "number": st.sampled_from([*map(str, NUMBERS), *DECIMALS, "2.5", "@param.number"]),
    "boolean": st.sampled_from(["true", "false"]),
    "date": quoted(DATES) | st.sampled_from(["@today", "@today + 10d", "@now", "@today + 30h", "@month_start + 1m"]),
    "moment": quoted([*DATES, *MOMENTS, "2026-03-29T03:30"]) | st.sampled_from(["@today", "@now", "@today - 1h"]),
    "money": st.builds(
        "'{} {}'".format, st.sampled_from(CURRENCIES), st.sampled_from(["1.5", "100", "100.50", "0.001"])
    ),
    "id": quoted(PERSONS) | st.sampled_from(["@me", "@my_team"]),
}
FIELDS: dict[str, dict[str, str]] = {
    "team": {"name": "text"},
    "person": {"name": "text", "age": "number", "home.city": "text", "boss": "id", "team.name": "text", "boss.age": "number"},
    "deal": {
        "name": "text", "note": "text", "count": "number", "score": "number", "ratio": "number", "finer": "number",
        "price": "money", "price.amount": "number", "price.currency": "currency", "kind": "choice", "open": "boolean",
        "due": "date", "since": "moment", "until": "moment", "owner": "id", "about": "id", "address.city": "text",
        "address.floor": "number", "address.lift": "boolean", "address.geo.lat": "number", "rotting": "boolean",
        "owner.name": "text", "owner.age": "number", "owner.boss.name": "text", "buyer.boss.boss.team.name": "text",
        "buyer.home.city": "text", "blob": "none", "cost": "money", "address.geo": "none",
    },
    "visit": {"rating": "number", "state": "state", "host": "id", "host.name": "text", "deal.name": "text"},
    "room": {"name": "text", "area": "number", "open": "boolean", "on": "date", "kind": "rooms"},
    "tag": {"value": "text"},
    "figure": {"value": "number"},
}  # fmt: skip
VALUES["currency"] = quoted(CURRENCIES)
VALUES["state"] = quoted(["new", "done"])
VALUES["rooms"] = quoted(["hall", "attic"])
MANY = {
    "deal": {"visits": "visit", "topics": "visit", "tags": "tag", "rooms": "room", "numbers": "figure",
             "owner.staff": "person", "buyer.deals": "deal"},
    "person": {"staff": "person", "deals": "deal"},
}  # fmt: skip
COMPARABLE = {
    "number": ["count", "score", "ratio", "finer", "price.amount", "cost.amount", "owner.age", "address.floor"],
    "text": ["name", "note", "kind", "owner.name", "address.city"],
    "moment": ["since", "until", "due"],
    "money": ["price", "cost"],
    "id": ["owner", "buyer", "about", "owner.boss"],
    "boolean": ["open", "rotting", "address.lift"],
}
ORDERED = ("number", "date", "moment", "money")
SEARCHED = ("text", "choice", "currency", "state", "rooms")


@st.composite
def comparisons(draw: Callable[..., Any], entity: str) -> str:
    field = draw(st.sampled_from(sorted(FIELDS[entity])))
    kind = FIELDS[entity][field]
    forms = ["null"]
    if kind != "none":
        forms += ["equal", "in"]
        forms += ["order", "between"] if kind in ORDERED else []
        forms += ["search"] if kind in SEARCHED else []
    if entity == "deal" and kind in COMPARABLE:
        forms += ["path"]
    match draw(st.sampled_from(forms)):
        case "null":
            return f"{field} is {draw(st.sampled_from(['', 'not ']))}null"
        case "equal":
            return f"{field} {draw(st.sampled_from(['=', '!=']))} {draw(VALUES[kind])}"
        case "order":
            return f"{field} {draw(st.sampled_from(['<', '<=', '>', '>=']))} {draw(VALUES[kind])}"
        case "between":
            return f"{field} between {draw(VALUES[kind])} and {draw(VALUES[kind])}"
        case "in":
            operator = draw(st.sampled_from(["in", "not in"]))
            if kind == "id" and draw(st.booleans()):
                return f"{field} {operator} @my_teams"
            return f"{field} {operator} ({', '.join(draw(st.lists(VALUES[kind], min_size=1, max_size=3)))})"
        case "search":
            operator = draw(st.sampled_from(["contains", "starts with", "ends with", "matches"]))
            return f"{field} {operator} {draw(words)}"
        case _:
            operators = ["=", "!="] + (["<", "<=", ">", ">="] if kind in ORDERED else [])
            return f"{field} {draw(st.sampled_from(operators))} {draw(st.sampled_from(COMPARABLE[kind]))}"


@st.composite
def filters(draw: Callable[..., Any], entity: str, depth: int = 3) -> str:
    forms = ["plain", "plain"]
    if depth:
        forms += ["and", "or", "not"]
        forms += ["many"] if entity in MANY else []
    if entity == "deal":
        forms += ["contains", "everything"]
    match draw(st.sampled_from(forms)):
        case "and" | "or" as word:
            parts = draw(st.lists(filters(entity, depth - 1), min_size=2, max_size=3))
            return "(" + f" {word} ".join(parts) + ")"
        case "not":
            return f"not ({draw(filters(entity, depth - 1))})"
        case "many":
            path = draw(st.sampled_from(sorted(MANY[entity])))
            return f"{draw(st.sampled_from(['any', 'none']))}({path}, {draw(filters(MANY[entity][path], depth - 1))})"
        case "contains":
            return draw(
                st.sampled_from(
                    ["tags contains 'Čau'", "kinds contains 'a'", "numbers contains 1", "numbers contains 2.5"]
                )
            )
        case "everything":
            return f"* matches {draw(words)}"
        case _:
            return draw(comparisons(entity))


PARAMS = {"text": {"type": "string"}, "number": {"type": "number"}}


@pytest.mark.contract("filters.md#sql-equals-predicate")
@settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_sql_and_predicate_agree(world: Any, data: st.DataObject) -> None:
    world.fill(data.draw(populations()))
    environment = world.environment(
        me=data.draw(maybe(st.sampled_from(PERSONS))),
        my_teams=data.draw(st.lists(st.sampled_from(PERSONS), max_size=2)),
        zone=data.draw(st.sampled_from(["Europe/Riga", "America/St_Johns", "UTC"])),
        params=data.draw(st.fixed_dictionaries({}, optional={"text": texts, "number": st.sampled_from([1, 2.5, 0.1])})),
    )
    for _ in range(4):
        world.ask(data.draw(filters("deal")), params=PARAMS, environment=environment)


@pytest.mark.contract("filters.md#sql-equals-predicate")
@pytest.mark.contract("filters.md#field-null-on-row")
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_they_agree_under_rules(world: Any, data: st.DataObject) -> None:
    world.fill(data.draw(populations()))
    rule = {name: maybe(st.just("") | filters(name, 1)) for name in ("person", "visit", "deal")}
    masks = [
        ("deal", "name"),
        ("deal", "price"),
        ("deal", "owner"),
        ("deal", "tags"),
        ("person", "boss"),
        ("visit", "deal"),
    ]
    rows = {name: world.rows_of(name, _plain(data.draw(rule[name]))) for name in rule}
    fields = {key: world.rows_of(key[0], _plain(data.draw(rule[key[0]]))) for key in masks}

    class Rules:
        def field_exists(self, entity: str, field: str) -> bool:  # noqa: ARG002
            return True

        def rows(self, entity: str) -> Any:
            return rows.get(entity)

        def field_rows(self, entity: str, field: str) -> Any:
            return fields.get((entity, field))

    for _ in range(3):
        text = data.draw(filters("deal", 2))
        world.ask(text, scope=Rules(), params=PARAMS, environment=world.environment(me=PERSONS[0]))


def _plain(text: str | None) -> str | None:
    """A rule without parameters."""
    return None if text is None else text.replace("@param.text", "'x'").replace("@param.number", "1")
