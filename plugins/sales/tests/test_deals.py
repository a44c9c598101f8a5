"""What a deal's stage means for it: probability, category, dates, reasons."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from crm_sales import domain

from crm_kernel import Change, Error

from .conftest import NOW, eur, faults

NOW_TEXT = NOW.isoformat().replace("+00:00", "Z")


def told(deal: Any) -> tuple[Any, ...]:
    return deal["stage_type"], deal["probability"], deal["forecast_category"], deal["closed_at"]


async def test_a_deal_takes_what_its_stage_says(office: Any) -> None:
    deal = await office.deal(amount=eur(1000))
    assert (deal["stage"], deal["opened_at"]) == ("Prospecting", NOW_TEXT)
    seen = [told(deal)]
    for stage in ("Qualification", "Proposal", "Negotiation", "Won"):
        deal = await office.move(deal, stage)
        seen.append(told(deal))
    assert seen == [
        ("open", 10, "pipeline", None),
        ("open", 20, "pipeline", None),
        ("open", 50, "best_case", None),
        ("open", 80, "commit", None),
        ("won", 100, "closed", NOW_TEXT),
    ]


async def test_what_is_sent_wins_while_the_deal_stays_in_its_stage(office: Any) -> None:
    deal = await office.deal(amount=eur("999.99"), probability=33, forecast_category="omitted")
    assert (told(deal), deal["weighted_amount"]) == (
        ("open", 33, "omitted", None),
        {"amount": Decimal("330.00"), "currency": "EUR"},
    )
    deal = await office.update("deal", deal, next_step="call")
    assert deal["probability"] == 33
    deal = await office.move(deal, "Proposal", probability=60)
    assert told(deal) == ("open", 60, "best_case", None)
    deal = await office.move(deal, "Negotiation")
    assert told(deal) == ("open", 80, "commit", None)
    deal = await office.update("deal", deal, probability=None)
    assert deal["probability"] == 80
    deal = await office.move(deal, "Won", probability=60, forecast_category="commit")
    assert told(deal)[1:3] == (100, "closed")


async def test_a_lost_deal_has_a_reason_and_a_reopened_one_has_none(office: Any) -> None:
    deal = await office.deal(amount=eur(10))
    for reason in (None, "bad luck"):
        with pytest.raises(Error) as refused:
            await office.move(deal, "Lost", reason)
        assert (refused.value.status, faults(refused)) == (409, [("/stage", "reason")])
    lost = await office.move(deal, "Lost", "competitor", competitor="Acme")
    assert (told(lost), lost["stage_reason"]) == (("lost", 0, "omitted", NOW_TEXT), "competitor")
    office.crm.clock.set(NOW + timedelta(days=3))
    again = await office.move(lost, "Negotiation")
    assert (told(again), again["stage_reason"]) == (("open", 80, "commit", None), None)
    won = await office.move(again, "Won")
    assert (won["closed_at"], won["cycle_days"]) == ("2026-03-05T08:00:00Z", 3)


async def test_dates_of_the_past_are_its_own(office: Any) -> None:
    past = {"opened_at": "2025-01-01T00:00:00Z", "closed_at": "2025-02-01T00:00:00Z"}
    won = await office.deal(stage="Won", amount=eur(5), **past)
    assert (won["closed_at"], won["cycle_days"], won["probability"]) == (past["closed_at"], 31, 100)
    unknown = await office.deal(stage="Won", amount=eur(5), closed_at=past["closed_at"])
    assert (unknown["opened_at"], unknown["cycle_days"]) == (None, None)
    kept = await office.update("deal", won, closed_at=None)
    assert kept["closed_at"] == past["closed_at"]


async def test_an_open_deal_was_not_closed(office: Any) -> None:
    with pytest.raises(Error) as refused:
        await office.deal(closed_at=NOW_TEXT)
    assert faults(refused) == [("/closed_at", "sales.not_closed")]
    deal = await office.deal()
    with pytest.raises(Error):
        await office.update("deal", deal, closed_at=NOW_TEXT)


async def test_the_amount_is_the_list_price_where_none_is_told(office: Any) -> None:
    product = await office.create("product", code="GTX", name="GTX", price=eur("4821.50"))
    free = await office.create("product", code="FREE", name="Free")
    deal = await office.deal(product=product["id"])
    assert deal["amount"] == {"amount": Decimal("4821.50"), "currency": "EUR"}
    given = await office.deal(product=product["id"], amount=eur(0))
    assert given["amount"]["amount"] == 0
    assert (await office.deal(product=free["id"]))["amount"] is None
    id = "0191d5e8-0000-7000-8000-00000000abcd"
    both = [
        Change.create("product", id=id, code="N", name="N", price=eur(7)),
        Change.create("deal", name="D", product=id),
    ]
    assert (await office.crm.write(both))[1]["amount"]["amount"] == 7


async def test_a_pipeline_of_the_admins_own_is_read_by_its_types(office: Any) -> None:
    stages = [
        {"name": "Erstkontakt", "type": "open", "probability": 55},
        {"name": "Auftrag", "type": "won"},
        {"name": "Absage", "type": "lost"},
    ]
    await office.crm.put(
        {"kind": "pipeline", "name": "de", "entity": "deal", "label": "Vertrieb", "default": False, "stages": stages}
    )
    deal = await office.deal(pipeline="de", amount=eur(1))
    assert told(deal)[:3] == ("open", 55, "best_case")
    assert told(await office.move(deal, "Auftrag"))[:3] == ("won", 100, "closed")
    assert told(await office.move(deal, "Absage"))[:3] == ("lost", 0, "omitted")


async def test_stage_history_comes_of_the_kernel(office: Any) -> None:
    deal = await office.deal(amount=eur(1))
    office.crm.clock.set(NOW + timedelta(days=2))
    await office.move(deal, "Won")
    report = await office.crm.report("sales-conversion")
    assert [(row["stage"], row["won"]) for row in report["rows"]] == [("Prospecting", 1), ("Won", 1)]


@pytest.mark.parametrize(
    ("type_", "probability", "expected"),
    [
        ("open", None, "pipeline"),
        ("open", 49.9, "pipeline"),
        ("open", 50, "best_case"),
        ("open", 80, "commit"),
        ("won", 0, "closed"),
        ("lost", 100, "omitted"),
    ],
)
def test_categories(type_: str, probability: float | None, expected: str) -> None:
    assert domain.category(type_, probability, best_case_from=50, commit_from=80) == expected
