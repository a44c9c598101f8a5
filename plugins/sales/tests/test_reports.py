"""The figures of sales over a few deals that can be counted by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from crm_kernel import Change, Error

from .conftest import eur

DAY = "2026-0{}-01T09:00:00Z"


@pytest.fixture
async def deals(office: Any) -> Any:
    """Two won (100.10 in 31 days, 200.20 in 59 days), one lost, two open, one open that is left out of the forecast."""
    users = [await office.create("user", login=n, name=n) for n in ("ann", "bob")]
    ann, bob = (user["id"] for user in users)
    product = await office.create("product", code="G", name="GTX", price=eur(1))
    closed = {"opened_at": DAY.format(1), "product": product["id"]}
    await office.deal(stage="Won", amount=eur("100.10"), closed_at=DAY.format(2), owner=ann, **closed)
    await office.deal(stage="Won", amount=eur("200.20"), closed_at=DAY.format(3), owner=bob, **closed)
    await office.deal(stage="Lost", stage_reason="price", amount=eur(9), closed_at=DAY.format(3), owner=ann, **closed)
    await office.deal(stage="Proposal", amount=eur(50), expected_close_date="2026-04-10", owner=ann)
    await office.deal(stage="Negotiation", amount=eur("10.10"), expected_close_date="2026-05-31", owner=bob)
    await office.deal(amount=eur(77), forecast_category="omitted", expected_close_date="2026-04-01", owner=bob)
    return office


async def rows(office: Any, name: str, **params: Any) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in (await office.crm.report(name, **params))["rows"]]


async def test_win_rate(deals: Any) -> None:
    assert sorted(await rows(deals, "win-rate")) == [("ann", 1, 1, 0.5), ("bob", 1, 0, 1.0)]
    assert await rows(deals, "win-rate", since="2026-03-01") == [("bob", 1, 0, 1.0), ("ann", 0, 1, 0.0)]
    assert await rows(deals, "win-rate-by-month") == [("2026-02-01", 1, 0, 1.0), ("2026-03-01", 1, 1, 0.5)]
    assert await rows(deals, "win-rate", since="2027-01-01") == []


async def test_forecast(deals: Any) -> None:
    assert await rows(deals, "forecast") == [
        ("2026-04-01", "best_case", "EUR", 1, Decimal("50.00"), Decimal("25.00")),
        ("2026-05-01", "commit", "EUR", 1, Decimal("10.10"), Decimal("8.08")),
    ]
    assert len(await rows(deals, "forecast", until="2026-04-30")) == 1


async def test_velocity(deals: Any) -> None:
    """3 open x 2/3 won x 150.15 on average / 45 days."""
    ((open_, won, lost, rate, revenue, average, days, cycle, velocity),) = await rows(deals, "sales-velocity")
    assert (open_, won, lost, rate, days, cycle) == (3, 2, 1, 2 / 3, 90, 45.0)
    assert (revenue, average, velocity) == (Decimal("300.30"), Decimal("150.15"), Decimal("6.67"))
    ((*_, velocity),) = await rows(deals, "sales-velocity", since="2027-01-01")
    assert velocity is None


async def test_cycle_pipeline_products(deals: Any) -> None:
    assert sorted(await rows(deals, "sales-cycle")) == [("ann", 1, 31.0, 31.0), ("bob", 1, 59.0, 59.0)]
    assert await rows(deals, "pipeline-by-stage") == [
        ("sales", "Prospecting", "EUR", 1, Decimal("77.00"), Decimal("7.70")),
        ("sales", "Proposal", "EUR", 1, Decimal("50.00"), Decimal("25.00")),
        ("sales", "Negotiation", "EUR", 1, Decimal("10.10"), Decimal("8.08")),
    ]
    assert await rows(deals, "product-sales") == [("GTX", "EUR", 2, Decimal("300.30"), Decimal("150.15"))]
    assert [row[:4] for row in await rows(deals, "revenue-by-month")] == [
        ("2026-02-01", "EUR", 1, Decimal("100.10")),
        ("2026-03-01", "EUR", 1, Decimal("200.20")),
    ]


async def test_amounts_of_two_currencies_do_not_add_up(deals: Any) -> None:
    usd = {"amount": 5, "currency": "USD"}
    await deals.crm.write([Change.create("deal", name="D", stage="Won", amount=usd, closed_at=DAY.format(2))])
    assert len(await rows(deals, "product-sales")) == 2
    with pytest.raises(Error) as refused:
        await rows(deals, "sales-velocity")
    assert {fault.code for fault in refused.value.faults} == {"mixed_currency"}


async def test_everybody_is_told_of_what_he_may_read(deals: Any) -> None:
    rep = await deals.crm.user("cat", "sales_rep")
    answer = await deals.crm.report("sales-velocity", as_user=rep.id)
    assert answer["totals"]["open"] == 0
    manager = await deals.crm.user("dan", "sales_manager")
    assert (await deals.crm.report("sales-velocity", as_user=manager.id))["totals"]["open"] == 3


async def test_a_currency_that_keeps_amounts_apart_is_enough(deals: Any) -> None:
    """Weighted amounts have the currency of the amounts that the report is grouped by."""
    await deals.deal(stage="Proposal", amount={"amount": 4, "currency": "USD"}, expected_close_date="2026-04-01")
    found = await rows(deals, "forecast", until="2026-04-30")
    assert [(row[2], row[5]) for row in found] == [("EUR", Decimal("25.00")), ("USD", Decimal("2.00"))]
    body = {
        "entity": "deal",
        "group_by": ["company.annual_revenue.currency"],
        "measures": [{"sum": "amount", "as": "a"}],
    }
    with pytest.raises(Error) as refused:
        await deals.crm.report(body)
    assert [fault.code for fault in refused.value.faults] == ["mixed_currency"]
