"""What is due by the clock, and what records of earlier versions need once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest


@pytest.mark.parametrize("stage", ["Active", "Coming Soon", "Hold", "Withdrawn", "Pending", "Active Under Contract"])
async def test_listings_expire_after_their_day_unless_they_are_under_contract(office: Any, stage: str) -> None:
    over = await office.listing(stage, expiration_date="2026-03-01")
    today = await office.listing(stage, expiration_date="2026-03-02")
    endless = await office.listing(stage)
    await office.crm.run_job("expire-listings")
    stages = [(await office.crm.get("listing", r["id"]))["stage"] for r in (over, today, endless)]
    expires = stage not in ("Pending", "Active Under Contract")
    assert stages == ["Expired" if expires else stage, stage, stage]


async def test_offers_expire_when_their_hour_is_over(office: Any) -> None:
    listing, buyer = await office.listing(), await office.buyer()
    ends = (office.crm.now() + timedelta(hours=1)).isoformat()
    values = {
        "listing": listing["id"],
        "buyer": buyer["id"],
        "expires_at": ends,
        "amount": {"amount": 90_000, "currency": "EUR"},
    }
    offer = await office.create("offer", stage="submitted", **values)
    draft = await office.create("offer", stage="draft", **values)
    for hours, stage in ((0, "submitted"), (2, "expired")):
        office.crm.clock.advance(timedelta(hours=hours))
        await office.crm.run_job("real_estate.expire-offers")
        assert (await office.crm.get("offer", offer["id"]))["stage"] == stage
    assert (await office.crm.get("offer", draft["id"]))["stage"] == "draft"
