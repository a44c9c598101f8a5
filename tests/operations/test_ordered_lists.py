"""Lists under row rules through the keys of the rules, in the order of the list: the same records in the same order."""

from __future__ import annotations

import random
from typing import Any

import pytest

from crm_kernel import Change
from crm_kernel.callers import Caller
from crm_kernel.filters.my_teams import MOST
from crm_kernel.operations.list_query import ListQuery
from crm_kernel.testing import TestCrm

FIELDS = {
    "kind": "fields",
    "name": "extra",
    "entity": "contact",
    "schema": {
        "properties": {
            "segment": {"enum": ["hot", "cold"], "x-crm": {"index": True}},
            "score": {"type": "integer", "x-crm": {"index": True}},
            "worth": {"type": "object", "x-crm": {"money": True, "index": True}},
        }
    },
}
AGENT = {
    "kind": "role",
    "name": "agent",
    "grants": [{"entity": "contact", "actions": ["read"], "where": "owner = @me or team in @my_teams"}],
}
QUERIES: list[dict[str, Any]] = [
    {},
    {"filter": "segment = 'hot'", "sort": "-score"},
    {"filter": "segment = 'hot'", "sort": "score"},
    {"filter": "segment = 'cold'", "sort": "-worth"},
]
OTHERS: list[dict[str, Any]] = [
    {"filter": "segment = 'hot'"},
    {"sort": "score"},
    {"filter": "segment = 'hot' and score > 1", "sort": "score"},
    {"filter": "segment = 'hot'", "sort": "name"},
    {"filter": "segment in ('hot', 'cold')", "sort": "score"},
]


async def population(crm: TestCrm, of: int = 2) -> Caller:
    """An agent of some teams among others' contacts, many with equal scores or none."""
    await crm.put(FIELDS)
    await crm.put(AGENT)
    teams = await crm.write([Change.create("team", {"name": f"team {n}"}) for n in range(of + 1)])
    caller = await crm.user("ilze", "agent")
    some = random.Random(7)
    owners, places = [caller.id, None], [*(team["id"] for team in teams), None, None]
    values = [
        {
            "name": f"c{n:03}",
            "segment": some.choice(["hot", "cold", None]),
            "score": some.choice([1, 2, 3, None]),
            "worth": some.choice([None, {"amount": "1", "currency": "EUR"}, {"amount": "2", "currency": "USD"}]),
            "owner": some.choice(owners),
            "team": some.choice(places),
        }
        for n in range(120)
    ]
    await crm.write([Change.create("contact", row) for row in values])
    mine = tuple(team["id"] for team in teams[:of])
    return Caller(id=caller.id, roles=frozenset({"agent"}), teams=mine, timezone="UTC")


async def all_pages(crm: TestCrm, caller: Caller, query: dict[str, Any], limit: int) -> list[str]:
    found: list[str] = []
    cursor = None
    while True:
        page = await crm.kernel.reader.list("contact", caller, ListQuery(**query, limit=limit, cursor=cursor))
        found += [item["id"] for item in page.items]
        cursor = page.next
        if cursor is None:
            return found


@pytest.mark.contract("http-api.md#list-cursor")
@pytest.mark.parametrize("teams", [0, 1, 2, 20, MOST, MOST + 1])
async def test_pages_are_those_that_a_look_at_all_records_gives(crm: TestCrm, teams: int) -> None:
    caller = await population(crm, teams)
    system = crm.kernel.system("api")
    for query in QUERIES + OTHERS:
        ordered = crm.kernel.reader.planner.list_plan(
            crm.kernel.registry.access(caller), "contact", ListQuery(**query)
        ).ordered
        assert (ordered is not None) == (query in QUERIES and teams <= MOST), query
        mine = " or ".join([f"owner = '{caller.id}'", *(f"team = '{team}'" for team in caller.teams)])
        filter = f"({query['filter']}) and ({mine})" if "filter" in query else mine
        expected = await all_pages(crm, system, {**query, "filter": filter}, 500)
        assert len(expected) > 5
        assert len(set(expected)) == len(expected)
        for limit in (3, 7, 500):
            assert await all_pages(crm, caller, query, limit) == expected, query


async def test_who_may_see_only_what_is_of_his_teams_sees_nothing_without_one(crm: TestCrm) -> None:
    caller = await population(crm, 0)
    await crm.put({**AGENT, "grants": [{"entity": "contact", "actions": ["read"], "where": "team in @my_teams"}]})
    before = crm.kernel.database.statements
    for query in QUERIES + OTHERS:
        assert await all_pages(crm, caller, query, 500) == [], query
    assert crm.kernel.database.statements - before == len(QUERIES + OTHERS)
    page = await crm.kernel.reader.list("contact", caller, ListQuery(count="exact"))
    assert (page.items, page.count) == ([], 0)


async def test_a_count_is_that_of_all_pages(crm: TestCrm) -> None:
    caller = await population(crm)
    query = {"filter": "segment = 'hot'", "sort": "-score"}
    page = await crm.kernel.reader.list("contact", caller, ListQuery(**query, limit=2, count="exact"))
    assert page.count == len(await all_pages(crm, caller, query, 500))
    assert [item["id"] for item in page.items] == (await all_pages(crm, caller, query, 2))[:2]
