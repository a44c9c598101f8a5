"""Listings and offers: the pipeline of StandardStatus, what is kept by itself, an offer accepted."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from crm_kernel import Error


def euros(amount: float) -> dict[str, Any]:
    return {"amount": amount, "currency": "EUR"}


def codes(error: pytest.ExceptionInfo[Error]) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in error.value.faults]


async def test_closing_needs_date_and_price_and_nothing_else(office: Any) -> None:
    listing = await office.listing("Pending")
    with pytest.raises(Error) as error:
        await office.move("listing", listing, "Closed")
    assert error.value.code == "move_refused"
    assert codes(error) == [("/close_date", "required"), ("/close_price", "required")]
    closed = await office.move("listing", listing, "Closed", close_date="2026-03-01", close_price=euros(99_000))
    assert closed["stage"] == "Closed"
    bare = {"stage": "Closed", "close_date": "2014-10-13", "close_price": {"amount": 221_900, "currency": "USD"}}
    assert (await office.create("listing", **bare))["stage"] == "Closed"


ALLOWED = {
    "Incomplete": ["Coming Soon", "Active", "Delete"],
    "Coming Soon": ["Active", "Withdrawn", "Canceled", "Expired", "Delete"],
    "Active": ["Active Under Contract", "Pending", "Hold", "Withdrawn", "Canceled", "Expired", "Delete"],
    "Active Under Contract": ["Active", "Pending", "Closed", "Delete"],
    "Pending": ["Active", "Active Under Contract", "Closed", "Canceled", "Delete"],
    "Hold": ["Active", "Expired", "Delete"],
    "Withdrawn": ["Active", "Expired", "Delete"],
    "Canceled": ["Delete"],
    "Expired": ["Delete"],
    "Closed": ["Delete"],
}
DEAL = {"close_date": "2026-03-01", "close_price": {"amount": 1, "currency": "EUR"}}


@pytest.mark.parametrize("start", ALLOWED)
async def test_transitions(office: Any, start: str) -> None:
    for to in [*ALLOWED, "Delete"]:
        listing = await office.listing(start, **DEAL)
        if to == start:
            continue
        if to in ALLOWED[start]:
            assert (await office.move("listing", listing, to))["stage"] == to
            continue
        with pytest.raises(Error) as error:
            await office.move("listing", listing, to)
        assert codes(error) == [("/stage", "no_transition")]


async def test_prices_are_kept(office: Any) -> None:
    listing = await office.listing(list_price=euros(100_000))
    assert listing["original_list_price"]["amount"] == Decimal(100_000)
    assert listing["previous_list_price"] is None
    for price in (95_000, 90_000):
        listing = await office.update("listing", listing, list_price=euros(price))
    assert listing["original_list_price"]["amount"] == Decimal(100_000)
    assert listing["previous_list_price"]["amount"] == Decimal(95_000)


async def test_market_dates_follow_the_moves(office: Any) -> None:
    listing = await office.listing("Incomplete")
    listing = await office.move("listing", listing, "Active")
    assert (listing["on_market_date"], listing["off_market_date"]) == ("2026-03-02", None)
    listing = await office.update("listing", listing, on_market_date="2026-02-20")
    listing = await office.move("listing", listing, "Hold")
    assert (listing["off_market_date"], listing["days_on_market"]) == ("2026-03-02", 10)
    listing = await office.move("listing", listing, "Active")
    assert (listing["off_market_date"], listing["days_on_market"]) == (None, None)
    listing = await office.move("listing", listing, "Pending", off_market_date="2026-02-25")
    assert listing["days_on_market"] == 5


async def test_the_address_is_put_together(office: Any) -> None:
    parts = {"street_name": "Jomas iela", "street_number": "7", "city": "Jūrmala"}
    listing = await office.create("listing", **parts)
    assert listing["unparsed_address"] == "Jomas iela 7, Jūrmala"
    assert listing["listing_id"].startswith("L-")


async def offer(office: Any, listing: Any, buyer: Any, stage: str = "submitted") -> Any:
    return await office.create("offer", listing=listing["id"], buyer=buyer["id"], amount=euros(90_000), stage=stage)


@pytest.mark.contract("hooks.md#before-write-add")
async def test_an_accepted_offer_takes_the_listing_to_pending(office: Any) -> None:
    listing, buyer = await office.listing(), await office.buyer()
    first, second = await offer(office, listing, buyer), await offer(office, listing, buyer)
    await office.move("offer", first, "accepted")
    sold = await office.crm.get("listing", listing["id"])
    assert (sold["stage"], sold["purchase_contract_date"]) == ("Pending", "2026-03-02")
    with pytest.raises(Error) as error:
        await office.move("offer", second, "accepted")
    assert codes(error) == [("/stage", "real_estate.accepted_already")]
    await office.move("offer", first, "withdrawn")
    await office.move("offer", second, "accepted")


async def test_an_accepted_offer_of_the_past_moves_nothing(office: Any) -> None:
    listing, buyer = await office.listing("Closed", **DEAL), await office.buyer()
    await offer(office, listing, buyer, "accepted")
    assert (await office.crm.get("listing", listing["id"]))["stage"] == "Closed"


async def test_an_accepted_offer_is_deleted_by_nobody(office: Any) -> None:  # register_restrictions
    crm, listing, buyer = office.crm, await office.listing(), await office.buyer()
    root = crm.acting(await crm.user("root", "admin"))
    accepted = await offer(office, listing, buyer)
    await office.move("offer", accepted, "accepted")
    with pytest.raises(Error) as error:
        await root.write([{"delete": {"id": accepted["id"]}}], entity="offer")
    assert error.value.code == "forbidden"
    await office.move("offer", accepted, "withdrawn")
    await root.write([{"delete": {"id": accepted["id"]}}], entity="offer")
    assert await crm.count("offer") == 0
