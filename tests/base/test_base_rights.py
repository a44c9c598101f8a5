"""The last administrator stays; nobody grants what he does not have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from crm_kernel import Change, Error
from crm_kernel.callers import Caller
from crm_kernel.testing import TestCrm

HR = {
    "kind": "role",
    "name": "hr",
    "grants": [
        {"entity": "user", "actions": ["read", "create", "update", "delete"]},
        {"entity": "team", "actions": ["read", "update"]},
    ],
}
SALES = {"kind": "role", "name": "sales", "grants": [{"entity": "contact", "actions": ["read"]}]}


@pytest.fixture
def crm_documents() -> Sequence[Mapping[str, Any]]:
    return [HR, SALES]


async def user(crm: TestCrm, login: str, *roles: str, **values: Any) -> str:
    fields = {"login": login, "name": login, "roles": list(roles), **values}
    return str((await crm.write([Change.create("user", fields)]))[0]["id"])


async def faults(crm: TestCrm, *changes: Any, caller: Caller | None = None) -> list[tuple[str, str]]:
    acting = crm if caller is None else crm.acting(caller)
    try:
        await acting.write(list(changes))
    except Error as error:
        return [(fault.pointer, fault.code) for fault in error.faults]
    return []


@pytest.mark.contract("cli.md#user-admin")
async def test_the_last_administrator_cannot_be_disabled_deleted_or_demoted(crm: TestCrm) -> None:
    admin = await user(crm, "ilze", "admin", "sales")
    await user(crm, "janis", "sales")
    assert await faults(crm, Change.update("user", admin, {"active": False})) == [("/active", "base.last_admin")]
    assert await faults(crm, Change.update("user", admin, {"roles": ["sales"]})) == [("/roles", "base.last_admin")]
    assert await faults(crm, Change.delete("user", admin)) == [("", "base.last_admin")]
    assert (await crm.get("user", admin))["active"] is True
    assert await faults(crm, Change.update("user", admin, {"roles": ["admin"]})) == []


async def test_of_two_administrators_one_may_go_but_not_both_at_once(crm: TestCrm) -> None:
    first, second = await user(crm, "ilze", "admin"), await user(crm, "janis", "admin")
    both = [Change.delete("user", first), Change.update("user", second, {"active": False})]
    assert await faults(crm, *both) == [("", "base.last_admin"), ("/active", "base.last_admin")]
    assert await faults(crm, both[0]) == []
    assert await faults(crm, both[1]) == [("/active", "base.last_admin")]


async def test_a_disabled_administrator_is_no_administrator(crm: TestCrm) -> None:
    first, second = await user(crm, "ilze", "admin"), await user(crm, "janis", "admin")
    assert await faults(crm, Change.update("user", second, {"active": False})) == []
    assert await faults(crm, Change.update("user", first, {"active": False})) == [("/active", "base.last_admin")]
    assert await faults(crm, Change.update("user", second, {"roles": []})) == []


async def test_nobody_gives_a_role_that_he_does_not_have(crm: TestCrm) -> None:
    hr = await crm.user("ilze", "hr")
    await user(crm, "boss", "admin")
    sleeper = await user(crm, "sleeper", "admin", active=False)
    colleague = await user(crm, "janis", "sales")
    foreign = [("/roles", "base.foreign_role")]
    assert (
        await faults(crm, Change.create("user", {"login": "a", "name": "a", "roles": ["admin"]}), caller=hr) == foreign
    )
    assert await faults(crm, Change.update("user", hr.id or "", {"roles": ["hr", "admin"]}), caller=hr) == foreign
    assert await faults(crm, Change.update("user", sleeper, {"active": True}), caller=hr) == foreign
    assert await faults(crm, Change.update("user", colleague, {"roles": ["sales", "hr"]}), caller=hr) == []
    assert await faults(crm, Change.delete("user", colleague), caller=hr) == []
    assert await faults(crm, Change.restore("user", colleague), caller=hr) == foreign


@pytest.mark.contract("security.md#own-grants")
async def test_nobody_puts_people_into_a_team_that_he_is_not_in(crm: TestCrm) -> None:
    above, below, other = [
        str((await crm.write([Change.create("team", values)]))[0]["id"])
        for values in ({"name": "Above"}, {"name": "Below"}, {"name": "Other"})
    ]
    await crm.write([Change.update("team", below, {"parent": above})])
    hr = await crm.user("ilze", "hr", team=above)
    colleague = await user(crm, "janis", "hr", team=other)
    main, further = [("/team", "base.foreign_team")], [("/teams/0/team", "base.foreign_team")]

    async def put(**values: Any) -> list[tuple[str, str]]:
        return await faults(crm, Change.update("user", colleague, values), caller=hr)

    assert await put(name="Janis") == []  # he stays where he is
    assert await put(team=below, teams=[{"team": above}]) == []
    assert await put(team=other) == main
    assert await put(teams=[{"team": other, "since": "2099-01-01"}]) == further
    assert await faults(crm, Change.update("user", hr.id or "", {"team": other}), caller=hr) == main
    create = Change.create("user", {"login": "a", "name": "a", "team": other})
    assert await faults(crm, create, caller=hr) == main
    await crm.write([Change.update("user", colleague, {"teams": [{"team": other, "until": "2020-01-01"}]})])
    assert await put(teams=[{"team": other}]) == further  # a membership that is over does not begin again
    await crm.write([Change.update("user", colleague, {"active": False})])
    assert await put(active=True) == further


@pytest.mark.contract("security.md#own-grants")
async def test_nobody_shows_what_a_foreign_team_has_to_others(crm: TestCrm) -> None:
    own, other = [str((await crm.write([Change.create("team", {"name": name})]))[0]["id"]) for name in ("Own", "Other")]
    hr = await crm.user("ilze", "hr", team=own)
    foreign = [("/parent", "base.foreign_team")]
    assert await faults(crm, Change.update("team", other, {"parent": own}), caller=hr) == foreign
    assert await faults(crm, Change.update("team", own, {"parent": other}), caller=hr) == []
    assert await faults(crm, Change.update("team", own, {"parent": None}), caller=hr) == []


async def test_an_administrator_gives_any_role(crm: TestCrm) -> None:
    admin = await crm.user("ilze", "admin")
    change = Change.create("user", {"login": "a", "name": "a", "roles": ["sales", "hr"]})
    assert await faults(crm, change, caller=admin) == []
