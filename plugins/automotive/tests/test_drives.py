"""Test drives through the write door: one unit and one salesperson at a time, only what may be driven."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from crm_kernel import Error


def codes(error: pytest.ExceptionInfo[Error]) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in error.value.faults]


TWICE = [("/starts_at", "automotive.double_booking")]
READY = {"licence_checked": True, "agreement_signed": True, "plate": "DEMO-1", "odometer_out": 1200}


async def test_a_unit_is_not_driven_by_two(dealer: Any) -> None:
    unit, anna = await dealer.unit(), await dealer.customer()
    await dealer.book(unit, anna, 30)
    with pytest.raises(Error) as error:
        await dealer.book(unit, await dealer.customer("Juris"), 30.5)
    assert codes(error) == TWICE
    await dealer.book(unit, anna, 31)
    await dealer.book(unit, anna, 29)


async def test_a_salesperson_rides_with_one(dealer: Any) -> None:
    here, there, anna = await dealer.unit(), await dealer.unit(), await dealer.customer()
    janis, ilze = await dealer.salesperson(), await dealer.salesperson("ilze")
    await dealer.book(here, anna, 30, salesperson=janis["id"])
    with pytest.raises(Error) as error:
        await dealer.book(there, anna, 30, salesperson=janis["id"])
    assert codes(error) == TWICE
    await dealer.book(there, anna, 30, salesperson=ilze["id"])


async def test_of_twenty_at_once_exactly_one_is_booked(dealer: Any) -> None:
    unit, anna = await dealer.unit(), await dealer.customer()
    results = await asyncio.gather(*(dealer.book(unit, anna, 30) for _ in range(20)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, Error)]
    assert len(refused) == 19
    assert {fault.code for error in refused for fault in error.faults} == {"automotive.double_booking"}
    assert await dealer.crm.count("test_drive") == 1


async def test_within_a_batch_the_later_is_at_fault(dealer: Any) -> None:
    unit, anna = await dealer.unit(), await dealer.customer()
    rows = [dealer.drive(unit, anna, 30), dealer.drive(unit, anna, 40), dealer.drive(unit, anna, 30.25)]
    with pytest.raises(Error) as error:
        await dealer.crm.write(rows, entity="test_drive")
    assert [fault.row for fault in error.value.faults] == [3]


async def test_what_does_not_take_place_frees_its_time(dealer: Any) -> None:
    unit, anna = await dealer.unit(), await dealer.customer()
    drive = await dealer.book(unit, anna, 30)
    await dealer.move("test_drive", drive, "CANCELLED", "customer")
    await dealer.book(unit, anna, 30)
    with pytest.raises(Error) as error:
        await dealer.move("test_drive", drive, "REQUESTED")
    assert codes(error) == TWICE


async def test_a_drive_from_booking_to_return(dealer: Any) -> None:
    unit, anna, janis = await dealer.unit(), await dealer.customer(), await dealer.salesperson()
    drive = await dealer.create("test_drive", unit=unit["id"], contact=anna["id"], starts_at="2026-03-03T10:00:00Z")
    assert drive["ends_at"] == "2026-03-03T10:45:00Z"
    with pytest.raises(Error) as error:
        await dealer.move("test_drive", drive, "CONFIRMED")
    assert codes(error) == [("/salesperson", "required")]
    await dealer.move("test_drive", drive, "CONFIRMED", salesperson=janis["id"])
    await dealer.move("test_drive", drive, "ARRIVED")
    with pytest.raises(Error) as error:
        await dealer.move("test_drive", drive, "IN_PROGRESS")
    faults = {("/agreement_signed", "const"), ("/licence_checked", "const")}
    assert set(codes(error)) == faults | {("/odometer_out", "required"), ("/plate", "required")}
    await dealer.move("test_drive", drive, "IN_PROGRESS", **READY)
    with pytest.raises(Error) as error:
        await dealer.move("test_drive", drive, "FULFILLED", odometer_in=1199)
    assert codes(error) == [("/odometer_in", "automotive.odometer_back")]
    await dealer.move("test_drive", drive, "FULFILLED", odometer_in=1200)


@pytest.mark.parametrize("stage", ["RECALL_HOLD", "SERVICE_HOLD", "ON_HOLD", "DAMAGED", "RETURNED", "WHOLESALE"])
async def test_what_may_not_be_driven(dealer: Any, stage: str) -> None:
    unit, anna = await dealer.unit(stage), await dealer.customer()
    with pytest.raises(Error) as error:
        await dealer.book(unit, anna, 30)
    assert codes(error) == [("/unit", "automotive.not_driven")]


async def test_what_is_to_come_may_be_asked_for_and_not_confirmed(dealer: Any) -> None:
    unit, anna, janis = await dealer.unit("IN_TRANSIT"), await dealer.customer(), await dealer.salesperson()
    drive = await dealer.book(unit, anna, 30, salesperson=janis["id"])
    with pytest.raises(Error) as error:
        await dealer.move("test_drive", drive, "CONFIRMED")
    assert codes(error) == [("/unit", "automotive.not_driven")]


async def test_a_recall_stops_a_confirmed_drive(dealer: Any) -> None:
    unit, anna, janis = await dealer.unit(), await dealer.customer(), await dealer.salesperson()
    drive = await dealer.book(unit, anna, 30, stage="ARRIVED", salesperson=janis["id"], **READY)
    await dealer.move("vehicle_unit", unit, "RECALL_HOLD")
    with pytest.raises(Error) as error:
        await dealer.move("test_drive", drive, "IN_PROGRESS")
    assert codes(error) == [("/unit", "automotive.not_driven")]


async def test_a_sale_names_the_drives_that_led_to_it(dealer: Any) -> None:
    """The report of drives to sales counts by it; the buyer keeps the vehicle now, and the drive is an activity."""
    unit, other, anna, janis = (
        await dealer.unit(),
        await dealer.unit(),
        await dealer.customer(),
        await dealer.salesperson(),
    )
    values = {"salesperson": janis["id"], "interest": 4, **READY}
    drive = await dealer.book(other, anna, -50, stage="IN_PROGRESS", **values)
    await dealer.move("test_drive", drive, "FULFILLED", odometer_in=1210)
    stranger = await dealer.book(
        unit, await dealer.customer("Juris"), -40, stage="FULFILLED", odometer_in=1300, **values
    )
    await dealer.crm.deliver()
    (activity,) = await dealer.crm.find("activity")
    assert (activity["about"], activity["outcome"]) == (anna["id"], "interest 4 of 5")
    assert activity["subject"] == "Test drive: Volvo XC60"
    await dealer.move("vehicle_unit", unit, "PRE_SOLD", buyer=anna["id"])
    await dealer.move("vehicle_unit", unit, "SOLD", sold_price={"amount": 30_000, "currency": "EUR"})
    await dealer.crm.deliver()
    assert (await dealer.crm.get("test_drive", drive["id"]))["sale"] == unit["id"]
    assert (await dealer.crm.get("test_drive", stranger["id"]))["sale"] is None
    assert (await dealer.crm.get("vehicle", unit["vehicle"]))["keeper"] == anna["id"]


async def test_a_drive_that_took_place_is_deleted_by_nobody(dealer: Any) -> None:
    crm, unit, anna, janis = dealer.crm, await dealer.unit(), await dealer.customer(), await dealer.salesperson()
    root = crm.acting(await crm.user("root", "admin"))
    driven = await dealer.book(unit, anna, -30, stage="FULFILLED", salesperson=janis["id"], odometer_in=1300, **READY)
    asked = await dealer.book(unit, anna, 30)
    await root.write([{"delete": {"id": asked["id"]}}], entity="test_drive")
    with pytest.raises(Error) as error:
        await root.write([{"delete": {"id": driven["id"]}}], entity="test_drive")
    assert error.value.code == "forbidden"
