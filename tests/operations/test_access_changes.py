"""A plan of a role tells who gains and who loses how many records: each figure against asking for each record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import pytest

from crm_kernel import Change
from crm_kernel.testing import TestCrm

GRANTS: list[list[dict[str, Any]]] = [
    [{"entity": "contact", "actions": ["read", "update"], "where": "owner = @me"}],
    [{"entity": "contact", "actions": ["read"], "where": "owner.team in @my_teams"}],
    [{"entity": "contact", "actions": ["read", "update"], "where": "language = 'lv' or owner = @me"}],
    [
        {"entity": "contact", "actions": ["read"]},
        {"entity": "contact", "actions": ["update", "delete"], "where": "language = 'lv' and team = @my_team"},
    ],
    [{"entity": "*", "actions": ["read", "update"], "where": "created_by is not null"}],
    [],
]
ACTIONS = ("read", "update", "delete")


def role(name: str, grants: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"kind": "role", "name": name, "grants": list(grants)}


@pytest.fixture
def crm_documents() -> Sequence[Mapping[str, Any]]:
    return [role("agent", []), role("lv", [{"entity": "contact", "actions": ["read"], "where": "language = 'lv'"}])]


async def people(crm: TestCrm) -> list[str]:
    """Six people of two teams, four of whom hold the role; one of these holds another one beside. 24 contacts."""
    teams = [team["id"] for team in await crm.write([Change.create("team", {"name": name}) for name in "ab"])]
    roles: list[list[str]] = [["agent"], ["agent"], ["agent", "lv"], ["agent"], ["lv"], []]
    users = [
        await crm.user(f"u{n}", *held, team=teams[n % 2], active=n != 3) if n != 3 else None
        for n, held in enumerate(roles)
    ]
    await crm.write(
        [Change.create("user", {"login": "u3", "name": "u3", "roles": ["agent"], "active": False, "team": teams[1]})]
    )
    ids = [user.id for user in users if user is not None]
    values = [
        {
            "name": f"c{n}",
            "owner": [*ids, None][n % 6],
            "team": [*teams, None][n % 3],
            "language": ("lv", "en")[n % 2],
        }
        for n in range(24)
    ]
    made = await crm.write([Change.create("contact", row) for row in values])
    await crm.write([Change.delete("contact", made[0]["id"])])
    return [user.login or "" for user in users[:3] if user is not None]


async def allowed(crm: TestCrm, holders: list[str]) -> set[tuple[str, str, str]]:
    """(action, holder, contact) of all that the holders may do, asked one by one."""
    ids = [contact["id"] for contact in await crm.find("contact")]
    return {
        (action, who, id)
        for action in ACTIONS
        for who in holders
        for id in ids
        if await crm.may(action, "contact", id, as_user=who)
    }


def figures(plan: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """(gained, lost) by action, of contacts."""
    found = [entry for entry in plan["access"] if entry["entity"] == "contact"]
    assert {entry["users"] for entry in found} <= {3}
    return {e["action"]: (e["records_gained"], e["records_lost"]) for e in found}


@pytest.mark.contract("documents.md#plan-access")
async def test_each_figure_is_what_asking_one_by_one_finds(crm: TestCrm) -> None:
    holders = await people(crm)
    before = await allowed(crm, holders)
    for old, new in pairwise([*GRANTS, GRANTS[2], GRANTS[0], GRANTS[3], GRANTS[1]]):
        assert old != new
        applied = await crm.put(role("agent", new))
        after = await allowed(crm, holders)
        told = figures(applied["plan"])
        for action in ACTIONS:
            gained = {id for what, _, id in after - before if what == action}
            lost = {id for what, _, id in before - after if what == action}
            assert told.get(action, (0, 0)) == (len(gained), len(lost)), (action, new)
        before = after
    removed = await crm.kernel.documents.delete("role", "agent", crm.kernel.system("api"))
    after = await allowed(crm, holders)
    lost = {id for what, _, id in before - after if what == "read"}
    assert figures(removed["plan"])["read"] == (0, len(lost))
    assert lost


@pytest.mark.contract("documents.md#plan-access")
async def test_a_role_that_nobody_holds_and_fields(crm: TestCrm) -> None:
    await crm.write([Change.create("contact", {"name": f"c{n}"}) for n in range(3)])
    body = role("guest", [{"entity": "contact", "actions": ["read"], "fields": {"deny": ["birthday"]}}])
    plan = (await crm.put(body))["plan"]
    (entry,) = plan["access"]
    assert (entry["role"], entry["entity"], entry["action"], entry["users"]) == ("guest", "contact", "read", 0)
    assert (entry["records_gained"], entry["records_lost"]) == (3, 0)
    assert {"name", "birthday"} & set(entry["fields_gained"]) == {"name"}
    body["grants"][0]["fields"] = {"deny": ["email"]}
    (entry,) = (await crm.put(body))["plan"]["access"]
    assert (entry["records_gained"], entry["records_lost"]) == (0, 0)
    assert (entry["fields_gained"], entry["fields_lost"]) == (["birthday"], ["email"])
    assert (await crm.put({**body, "label": "Guest"}))["plan"]["access"] == []


async def test_a_role_may_speak_of_what_the_same_plan_adds(crm: TestCrm) -> None:
    """Fields and entities that are not there yet are empty."""
    await crm.write([Change.create("contact", {"name": f"c{n}"}) for n in range(3)])
    pet = {
        "kind": "entity",
        "name": "pet",
        "schema": {
            "properties": {"owner_of": {"type": "string", "x-crm": {"reference": "contact", "reverse": "pets"}}}
        },
    }
    fields = {
        "kind": "fields",
        "name": "more",
        "entity": "contact",
        "schema": {"properties": {"grade": {"type": "integer"}, "vip": {"type": "boolean"}}},
    }
    grants = [
        {"entity": "contact", "actions": ["read"], "where": "grade is null and not (vip = true)"},
        {"entity": "contact", "actions": ["delete"], "where": "grade > 1 or any(pets, id is not null)"},
        {"entity": "pet", "actions": ["read"]},
    ]
    done = await crm.kernel.documents.put_all([pet, fields, role("new", grants)], crm.kernel.system("api"))
    told = {(e["entity"], e["action"]): (e["records_gained"], e["users"]) for e in done["plan"]["access"]}
    assert told == {("contact", "read"): (3, 0), ("contact", "delete"): (0, 0), ("pet", "read"): (0, 0)}
