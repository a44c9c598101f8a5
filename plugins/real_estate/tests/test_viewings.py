"""Bookings through the write door: no double booking, only what may be shown, times."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from crm_kernel import Error


def codes(error: pytest.ExceptionInfo[Error]) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in error.value.faults]


TWICE = [("/starts_at", "real_estate.double_booking")]


async def test_a_listing_is_not_booked_twice(office: Any) -> None:
    listing = await office.listing()
    await office.book(listing, 30)
    with pytest.raises(Error) as error:
        await office.book(listing, 30.5)
    assert codes(error) == TWICE
    assert error.value.status == 422
    await office.book(listing, 31)
    await office.book(listing, 29)


async def test_an_agent_is_not_booked_twice(office: Any) -> None:
    agent, other = await office.agent(), await office.agent("ilze")
    here, there = await office.listing(), await office.listing()
    await office.book(here, 30, agent=agent["id"])
    with pytest.raises(Error) as error:
        await office.book(there, 30, agent=agent["id"])
    assert codes(error) == TWICE
    await office.book(there, 30, agent=other["id"])


@pytest.mark.contract("hooks.md#batch-lock")
async def test_twenty_at_once_for_one_slot(office: Any) -> None:
    listing = await office.listing()
    results = await asyncio.gather(*(office.book(listing, 30) for _ in range(20)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, Error)]
    assert len(refused) == 19
    assert {fault.code for error in refused for fault in error.faults} == {"real_estate.double_booking"}
    assert await office.crm.count("viewing") == 1


async def test_within_one_batch_the_later_row_is_at_fault(office: Any) -> None:
    listing = await office.listing()
    rows = [office.booking(listing, 30), office.booking(listing, 40), office.booking(listing, 30.25)]
    with pytest.raises(Error) as error:
        await office.crm.write(rows, entity="viewing")
    assert [fault.row for fault in error.value.faults] == [3]
    assert await office.crm.count("viewing") == 0


async def test_group_viewings_of_one_listing_overlap(office: Any) -> None:
    agent = await office.agent()
    listing, other = await office.listing(), await office.listing()
    await office.book(listing, 30, agent=agent["id"], group_viewing=True)
    await office.book(listing, 30, agent=agent["id"], group_viewing=True)
    with pytest.raises(Error):
        await office.book(listing, 30)
    with pytest.raises(Error):
        await office.book(other, 30, agent=agent["id"], group_viewing=True)


@pytest.mark.parametrize(("to", "reason"), [("cancelled", "no answer"), ("denied", None)])
async def test_what_does_not_take_place_frees_its_time(office: Any, to: str, reason: str | None) -> None:
    listing = await office.listing()
    viewing = await office.book(listing, 30)
    await office.move("viewing", viewing, to, reason)
    await office.book(listing, 30)
    with pytest.raises(Error) as error:
        await office.move("viewing", viewing, "requested")
    assert codes(error) == TWICE


async def test_rescheduling_looks_at_the_new_time(office: Any) -> None:
    listing = await office.listing()
    await office.book(listing, 30)
    viewing = await office.book(listing, 40)
    with pytest.raises(Error) as error:
        await office.update("viewing", viewing, **office.slot(30.5))
    assert codes(error) == TWICE
    await office.update("viewing", viewing, **office.slot(40.5))


async def test_a_restored_viewing_needs_its_time_again(office: Any) -> None:
    listing = await office.listing()
    viewing = await office.book(listing, 30)
    await office.crm.write([{"delete": {"id": viewing["id"]}}], entity="viewing")
    await office.book(listing, 30)
    with pytest.raises(Error) as error:
        await office.crm.write([{"restore": {"id": viewing["id"]}}], entity="viewing")
    assert codes(error) == TWICE


@pytest.mark.parametrize("stage", ["Incomplete", "Coming Soon", "Pending", "Hold", "Withdrawn", "Expired", "Canceled"])
async def test_only_what_may_be_shown(office: Any, stage: str) -> None:
    listing = await office.listing(stage)
    with pytest.raises(Error) as error:
        await office.book(listing, 30)
    assert codes(error) == [("/listing", "real_estate.not_shown")]


async def test_a_viewing_that_took_place_may_be_told_of_any_listing(office: Any) -> None:
    agent = await office.agent()
    listing = await office.listing("Pending")
    viewing = await office.book(listing, -30, stage="completed", agent=agent["id"])
    assert viewing["stage"] == "completed"


@pytest.mark.contract("documents.md#move-refused-all")
async def test_confirming_needs_an_agent_and_a_shown_listing(office: Any) -> None:
    listing = await office.listing()
    viewing = await office.book(listing, 30)
    await office.move("listing", listing, "Hold")
    with pytest.raises(Error) as error:
        await office.move("viewing", viewing, "confirmed")
    assert error.value.code == "move_refused"
    assert codes(error) == [("/agent", "required"), ("/stage", "guard")]


async def test_times(office: Any) -> None:
    listing = await office.listing()
    with pytest.raises(Error) as error:
        await office.book(listing, 30, 0)
    assert codes(error) == [("/ends_at", "real_estate.ends_before_start")]
    viewing = await office.create("viewing", listing=listing["id"], starts_at=office.slot(30)["starts_at"])
    assert viewing["ends_at"] == "2026-03-03T14:30:00Z"


async def test_a_thousand_bookings_are_one_batch(office: Any) -> None:
    """Set-wise: a batch costs a few queries, and the hooks stay within their time."""
    listings = [await office.listing() for _ in range(4)]
    rows = [office.booking(listing, 24 + slot, 1) for slot in range(250) for listing in listings]
    assert len(await office.crm.write(rows, entity="viewing")) == 1000
