"""Jobs and their lines: the order of the stages, holds, no line billed that nobody agreed to."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from crm_kernel import Error

WAY = ["VEHICLE_RECEIVED", "EVALUATION", "PROPOSAL_BUILD", "AWAITING_CUSTOMER_AUTHORIZATION", "WORK_IN_PROGRESS",
       "QUALITY_ASSURANCE", "COMPLETED", "INVOICE", "CHECKOUT", "VEHICLE_DELIVERED", "CLOSED", "FOLLOW_UP"]  # fmt: skip
UNAUTHORIZED = "automotive.unauthorized"


def codes(error: pytest.ExceptionInfo[Error]) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in error.value.faults]


async def job(dealer: Any, stage: str = "OPEN", **values: Any) -> Any:
    return await dealer.create("workshop_job", vehicle=(await dealer.vehicle())["id"], stage=stage, **values)


async def line(dealer: Any, job: Any, **values: Any) -> Any:
    return await dealer.create("labor_line", job=job["id"], **{"operation": "Brakes", "hours": 1.5, **values})


async def test_a_job_goes_through_its_stages_in_order(dealer: Any) -> None:
    visit = await job(dealer)
    assert visit["number"] == "RO-000001"
    for stage in WAY:
        with pytest.raises(Error) as error:
            await dealer.move(
                "workshop_job", visit, "OPEN" if stage != "OPEN" and visit["stage"] != "OPEN" else "INVOICE"
            )
        assert codes(error) == [("/stage", "no_transition")]
        visit = await dealer.move("workshop_job", visit, stage)
        if stage == "VEHICLE_RECEIVED":
            dealer.crm.clock.set(dealer.crm.now().replace(day=3))
    assert (visit["received_at"], visit["completed_at"]) == ("2026-03-02T08:00:00Z", "2026-03-03T08:00:00Z")
    assert visit["hours_in_workshop"] == 24
    again = await dealer.move("workshop_job", visit, "RE_OPEN")
    assert again["completed_at"] is None


async def test_a_held_job_does_not_move(dealer: Any) -> None:
    visit = await job(dealer, "WORK_IN_PROGRESS", hold="WARRANTY_HOLD")
    with pytest.raises(Error) as error:
        await dealer.move("workshop_job", visit, "QUALITY_ASSURANCE")
    assert codes(error) == [("/stage", "guard")]
    await dealer.move("workshop_job", visit, "QUALITY_ASSURANCE", hold=None)


@pytest.mark.parametrize("authorization", ["DRAFT", "REQUESTED", "PARTIALLY_APPROVED", "DECLINED", "EXPIRED"])
async def test_no_line_is_billed_that_nobody_agreed_to(dealer: Any, authorization: str) -> None:
    visit = await job(dealer, "COMPLETED")
    await line(dealer, visit, authorization="APPROVED", authorization_method="phone")
    brakes = await line(dealer, visit, authorization=authorization)
    with pytest.raises(Error) as error:
        await dealer.move("workshop_job", visit, "INVOICE")
    assert codes(error) == [("/stage", UNAUTHORIZED)]
    await dealer.update("labor_line", brakes, status="DECLINED")
    assert (await dealer.move("workshop_job", visit, "INVOICE"))["stage"] == "INVOICE"


async def test_on_an_invoice_no_line_comes_back(dealer: Any) -> None:
    visit = await job(dealer, "COMPLETED")
    agreed = await line(dealer, visit, authorization="APPROVED")
    declined = await line(dealer, visit, status="DECLINED")
    await dealer.move("workshop_job", visit, "INVOICE")
    for change in (
        dealer.update("labor_line", declined, status="COMPLETED"),
        dealer.update("labor_line", agreed, authorization="REQUESTED"),
        line(dealer, visit),
    ):
        with pytest.raises(Error) as error:
            await change
        assert codes(error) == [("/authorization", UNAUTHORIZED)]
    await line(dealer, visit, authorization="APPROVED")


async def test_an_invoice_and_a_new_line_at_once(dealer: Any) -> None:
    """Whoever comes later sees the other: never an invoice with a line nobody agreed to."""
    for _ in range(5):
        visit = await job(dealer, "COMPLETED")
        await asyncio.gather(dealer.move("workshop_job", visit, "INVOICE"), line(dealer, visit), return_exceptions=True)
        stage = (await dealer.crm.get("workshop_job", visit["id"]))["stage"]
        lines = await dealer.crm.count("labor_line", "job = @param.job", job=visit["id"])
        assert (stage, lines) in (("INVOICE", 0), ("COMPLETED", 1))


async def test_what_a_job_sells(dealer: Any) -> None:
    visit = await job(dealer, odometer_in=61_500)
    rate = {"amount": 60, "currency": "EUR"}
    agreed = await line(dealer, visit, rate=rate, authorization="APPROVED")
    assert agreed["amount"]["amount"] == Decimal(90)
    assert agreed["authorized_at"] == "2026-03-02T08:00:00Z"
    await line(dealer, visit, rate=rate, status="DEFERRED")
    stored = await dealer.crm.get("workshop_job", visit["id"])
    assert (stored["labor_hours"], stored["labor_amount"]["amount"]) == (Decimal("1.50"), Decimal(90))
    assert (await dealer.crm.get("vehicle", visit["vehicle"]))["odometer"] == 61_500
    await dealer.update("workshop_job", visit, odometer_in=61_000)
    assert (await dealer.crm.get("vehicle", visit["vehicle"]))["odometer"] == 61_500
