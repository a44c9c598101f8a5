"""Deals that version 0.1 left get their forecast category, once."""

from __future__ import annotations

from typing import Any

from .conftest import eur


async def test_deals_of_before_are_forecast_by_their_probability(office: Any) -> None:
    for stage, sent in (
        ("Proposal", {}),
        ("Negotiation", {"probability": 20}),
        ("Won", {}),
        ("Lost", {"stage_reason": "price"}),
    ):
        await office.deal(name=stage, stage=stage, amount=eur(1), **sent)
    await office.deal(name="sure", forecast_category="commit")
    kernel = office.crm.kernel
    old = "UPDATE e_deal SET forecast_category = NULL WHERE name <> 'sure'"
    await kernel.database.write(lambda tx: tx.execute(old))
    assert await kernel.migrations.run()
    found = {deal["name"]: deal["forecast_category"] for deal in await office.crm.find("deal")}
    assert found == {
        "Proposal": "best_case",
        "Negotiation": "pipeline",
        "Won": "closed",
        "Lost": "omitted",
        "sure": "commit",
    }
    await kernel.database.write(lambda tx: tx.execute(old))
    assert await kernel.migrations.run()
    assert await office.crm.count("deal", "forecast_category is null") == 4  # what is done is not done again
