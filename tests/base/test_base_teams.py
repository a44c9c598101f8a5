"""Teams are a tree; memberships begin before they end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from crm_kernel import Change, Error
from crm_kernel.testing import TestCrm


async def team(crm: TestCrm, name: str, parent: str | None = None) -> str:
    return str((await crm.write([Change.create("team", {"name": name, "parent": parent})]))[0]["id"])


async def faults(crm: TestCrm, *changes: Any) -> list[tuple[str, str]]:
    try:
        await crm.write(list(changes))
    except Error as error:
        return [(fault.pointer, fault.code) for fault in error.faults]
    return []


def below(one: str, other: str) -> Any:
    return Change.update("team", one, {"parent": other})


CIRCLE = [("/parent", "base.team_circle")]


@pytest.mark.contract("base.md#team-tree")
async def test_a_team_is_not_below_itself(crm: TestCrm) -> None:
    top = await team(crm, "Top")
    middle = await team(crm, "Middle", top)
    low = await team(crm, "Low", middle)
    for one, other in ((top, top), (top, middle), (top, low), (middle, low)):
        assert await faults(crm, below(one, other)) == CIRCLE
    assert await faults(crm, below(low, top)) == []
    assert await faults(crm, below(middle, low)) == []


@pytest.mark.contract("base.md#team-tree")
async def test_not_by_one_batch_or_two_at_once_either(crm: TestCrm) -> None:
    one, other = await team(crm, "One"), await team(crm, "Other")
    assert await faults(crm, below(one, other), below(other, one)) == CIRCLE * 2
    both = await asyncio.gather(faults(crm, below(one, other)), faults(crm, below(other, one)))
    assert sorted(both) == [[], CIRCLE]


@pytest.mark.contract("base.md#membership-dates")
async def test_a_membership_does_not_end_before_it_begins(crm: TestCrm) -> None:
    sales = await team(crm, "Sales")
    dates = [("2026-01-02", "2026-01-01"), ("2026-01-01", "2026-01-01")]
    memberships = [{"team": sales, "since": since, "until": until} for since, until in dates]
    found = await faults(crm, Change.create("user", {"login": "a", "name": "a", "teams": memberships}))
    assert found == [("/teams/0/until", "base.membership_dates")]


async def test_a_membership_is_of_a_team_that_is_there(crm: TestCrm) -> None:
    nowhere = [{"team": "01890000-0000-7000-8000-000000000000"}]
    found = await faults(crm, Change.create("user", {"login": "a", "name": "a", "teams": nowhere}))
    assert found == [("/teams/0/team", "reference")]
