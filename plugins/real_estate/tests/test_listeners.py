"""What follows after the commit: activities, links from viewings to offers, matches."""

from __future__ import annotations

from typing import Any

import pytest


def euros(amount: float) -> dict[str, Any]:
    return {"amount": amount, "currency": "EUR"}


async def held(office: Any, listing: Any, buyer: Any) -> Any:
    """A viewing that took place, with the buyer's feedback."""
    agent = await office.agent()
    viewing = await office.book(listing, 30, buyer=buyer["id"], agent=agent["id"])
    await office.move("viewing", viewing, "confirmed")
    return await office.move("viewing", viewing, "completed", interest=4, price_opinion="fair", comment="Patika.")


async def test_a_completed_viewing_is_an_activity_on_the_buyer(office: Any) -> None:
    listing, buyer = await office.listing(), await office.buyer()
    viewing = await held(office, listing, buyer)
    await office.crm.deliver()
    (activity,) = await office.crm.find("activity", "about = @param.buyer", buyer=buyer["id"])
    assert activity["type"] == "meeting"
    assert activity["subject"] == "Viewing: Brīvības iela 45, Rīga"
    assert activity["body"] == "Patika.\nPrice: fair"
    assert activity["starts_at"] == viewing["starts_at"]
    assert activity["done_at"] == viewing["ends_at"]
    await office.crm.deliver()
    assert await office.crm.count("activity") == 1


@pytest.mark.contract("hooks.md#listener-where")
async def test_only_a_completed_one(office: Any) -> None:
    listing = await office.listing()
    await office.move("viewing", await office.book(listing, 30), "denied")
    await office.crm.deliver()
    assert await office.crm.count("activity") == 0


async def test_an_offer_is_noted_on_the_viewings_that_led_to_it(office: Any) -> None:
    listing, buyer = await office.listing(), await office.buyer()
    viewing = await held(office, listing, buyer)
    offer = await office.create("offer", listing=listing["id"], buyer=buyer["id"], amount=euros(90_000))
    await office.crm.deliver()
    assert (await office.crm.get("viewing", viewing["id"]))["offer"] == offer["id"]


WANTED = {
    "property_sub_types": ["Apartment"],
    "max_price": euros(100_000),
    "districts": ["Teika"],
    "wishes": [{"field": "garage_yn", "equals": True, "weight": 3}, {"field": "view", "equals": "City", "weight": 1}],
}
OFFERED = {"property_sub_type": "Apartment", "list_price": euros(95_000), "city_region": "Teika", "garage_yn": True}


async def test_a_new_listing_finds_its_buyers(office: Any) -> None:
    buyer = await office.buyer()
    wanted = await office.create("buyer_requirement", contact=buyer["id"], **WANTED)
    await office.create("buyer_requirement", contact=buyer["id"], **{**WANTED, "districts": ["Centrs"]})
    listing = await office.listing("Incomplete", **OFFERED)
    await office.crm.deliver()
    assert await office.crm.count("listing_match") == 0
    await office.move("listing", listing, "Active")
    await office.crm.deliver()
    (match,) = await office.crm.find("listing_match")
    assert (match["requirement"], match["listing"]) == (wanted["id"], listing["id"])
    assert (match["fits"], match["score"]) == (True, 75)
    assert {reason["rule"]: reason["held"] for reason in match["reasons"]} == {
        "property sub-type": True,
        "price": True,
        "district": True,
        "wish:garage_yn": True,
        "wish:view": False,
    }


async def test_a_new_requirement_finds_listings(office: Any) -> None:
    buyer = await office.buyer()
    listing = await office.listing(**OFFERED)
    await office.listing(**{**OFFERED, "list_price": euros(200_000)})
    await office.listing("Hold", **OFFERED)
    await office.crm.deliver()
    await office.create("buyer_requirement", contact=buyer["id"], **WANTED)
    await office.crm.deliver()
    (match,) = await office.crm.find("listing_match")
    assert match["listing"] == listing["id"]


async def test_a_match_that_no_longer_fits_is_remembered(office: Any) -> None:
    buyer = await office.buyer()
    await office.create("buyer_requirement", contact=buyer["id"], **WANTED)
    listing = await office.listing(**OFFERED)
    await office.crm.deliver()
    (match,) = await office.crm.find("listing_match")
    await office.update("listing_match", match, preference="Favorite")
    await office.update("listing", listing, list_price=euros(120_000))
    await office.crm.deliver()
    (match,) = await office.crm.find("listing_match")
    assert (match["fits"], match["score"], match["preference"]) == (False, 0, "Favorite")
