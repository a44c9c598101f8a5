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
    "grants": [{"entity": "user", "actions": ["read", "create", "update", "delete"]}],
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


async def test_an_administrator_gives_any_role(crm: TestCrm) -> None:
    admin = await crm.user("ilze", "admin")
    change = Change.create("user", {"login": "a", "name": "a", "roles": ["sales", "hr"]})
    assert await faults(crm, change, caller=admin) == []
