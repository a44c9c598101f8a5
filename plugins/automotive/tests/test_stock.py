"""Vehicles, units and trade-ins through the write door."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from crm_automotive.pipelines import HERE, UNSOLD

from crm_kernel import Error


def codes(error: pytest.ExceptionInfo[Error]) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in error.value.faults]


def euros(amount: float) -> dict[str, Any]:
    return {"amount": amount, "currency": "EUR"}


async def test_a_vin_is_kept_in_its_normal_form(dealer: Any) -> None:
    car = await dealer.vehicle(vin="  1ftmw1t88mfa00001")
    assert (car["vin"], car["vin_note"], car["model_year"]) == ("1FTMW1T88MFA00001", None, 2021)
    with pytest.raises(Error) as error:
        await dealer.vehicle(vin="1FTMW1T88MFA00001")
    assert codes(error) == [("/vin", "unique")]


@pytest.mark.parametrize(
    "text", ["1XPTD40X0JD456115", "LFV2A21K0A3000001", "1FTMW1T88MFA0000I", "12345678901234567890"]
)
async def test_a_vin_that_cannot_be_right(dealer: Any, text: str) -> None:
    with pytest.raises(Error) as error:
        await dealer.vehicle(vin=text)
    assert {pointer for pointer, _ in codes(error)} == {"/vin"}


async def test_a_vin_that_is_odd_is_kept_with_a_note(dealer: Any) -> None:
    european = await dealer.vehicle(vin="WP0AB2A79PS167890")
    assert european["vin_note"] == "The check digit in place 9 is 9, it should be 8."
    old = await dealer.vehicle(vin="1q87t3n166389", model_year=1973)
    assert old["vin_note"] == "13 characters: a VIN has 17 since 1981."
    other = await dealer.vehicle(vin="1G4AH59H45G118341", model_year=2007)
    assert other["vin_note"] == "Its tenth character means the model year 2005 or 2035, not 2007."
    mended = await dealer.update("vehicle", other, model_year=2005)
    assert mended["vin_note"] is None
    with pytest.raises(Error) as error:
        await dealer.vehicle(vin="1Q87T3N166388", model_year=1981)
    assert codes(error) == [("/vin", "automotive.vin_length")]


async def test_a_unit_on_its_way_to_the_buyer(dealer: Any) -> None:
    unit, anna = await dealer.unit("ON_ORDER", price=euros(31_000)), await dealer.customer()
    assert unit["stock_number"] == "S-00001"
    for stage in ("IN_TRANSIT", "RECEIVED", "PREPARATION", "AVAILABLE", "RESERVED", "PRE_SOLD"):
        unit = await dealer.move("vehicle_unit", unit, stage)
    assert unit["received_on"] == "2026-03-02"
    with pytest.raises(Error) as error:
        await dealer.move("vehicle_unit", unit, "SOLD")
    assert codes(error) == [("/sold_price", "required"), ("/stage", "guard")]
    sold = await dealer.move(
        "vehicle_unit", unit, "SOLD", sold_price=euros(30_000), buyer=anna["id"], sold_on="2026-03-12"
    )
    assert sold["days_in_stock"] == 10
    back = await dealer.move("vehicle_unit", sold, "RETURNED")
    assert (back["buyer"], back["sold_on"], back["days_in_stock"]) == (None, None, None)


async def test_under_a_recall_nothing_is_sold(dealer: Any) -> None:
    crm, anna = dealer.crm, await dealer.customer()
    for stage in set(UNSOLD) - {"RECALL_HOLD"}:
        held = await dealer.move("vehicle_unit", await dealer.unit(stage), "RECALL_HOLD")
        for to in ("PRE_SOLD", "SOLD", "RESERVED", "WHOLESALE"):
            with pytest.raises(Error) as error:
                await dealer.move("vehicle_unit", held, to, sold_price=euros(1), buyer=anna["id"])
            assert ("/stage", "no_transition") in codes(error)
    seller = crm.acting(await crm.user("janis", "car_sales"))
    with pytest.raises(Error) as error:
        await seller.move("vehicle_unit", held["id"], "AVAILABLE")
    assert codes(error) == [("/stage", "role")]
    workshop = crm.acting(await crm.user("maris", "workshop"))
    assert (await workshop.move("vehicle_unit", held["id"], "AVAILABLE"))["stage"] == "AVAILABLE"


async def test_equity_may_be_negative(dealer: Any) -> None:
    trade_in = await dealer.create("trade_in", make="Audi", model="A4")
    with pytest.raises(Error) as error:
        await dealer.move("trade_in", trade_in, "appraised")
    assert codes(error) == [("/appraised_value", "required")]
    await dealer.move("trade_in", trade_in, "appraised", appraised_value=euros(9_000))
    offered = await dealer.move("trade_in", trade_in, "offered", allowance=euros(8_500.50))
    assert offered["equity"]["amount"] == Decimal("8500.50")
    owed = await dealer.update("trade_in", offered, payoff=euros(10_000))
    assert owed["equity"] == {"amount": Decimal("-1499.50"), "currency": "EUR"}
    assert (await dealer.move("trade_in", owed, "accepted"))["stage"] == "accepted"


async def test_the_age_of_the_stock(dealer: Any) -> None:
    for received, stage in (("2025-11-03", "AVAILABLE"), ("2025-11-20", "RESERVED"), ("2026-02-01", "AVAILABLE")):
        await dealer.unit(stage, received_on=received, price=euros(10_000), condition="used")
    await dealer.unit("SOLD", received_on="2025-01-01", sold_price=euros(1), price=euros(1))
    await dealer.unit("IN_TRANSIT", price=euros(1))
    report = await dealer.crm.report("stock-ageing")
    names = [column["name"] for column in report["columns"]]
    rows = [dict(zip(names, row, strict=True)) if isinstance(row, list) else row for row in report["rows"]]
    assert [(row["received"], row["units"]) for row in rows] == [("2025-11-01", 2), ("2026-02-01", 1)]
    assert "SOLD" not in HERE
