"""The campaign of services that are due: once for each, nobody who asked not to be called."""

from __future__ import annotations

from typing import Any

import pytest
from crm_automotive import jobs


async def called(dealer: Any) -> list[str]:
    await dealer.crm.run_job("service-due")
    return sorted(task["subject"].rpartition(" ")[2] for task in await dealer.crm.find("activity", "type = 'task'"))


async def test_by_date_and_by_odometer(dealer: Any) -> None:
    anna = (await dealer.customer())["id"]
    near, far = {"next_service_due": "2026-04-01"}, {"next_service_due": "2026-04-02"}
    await dealer.vehicle(plate="NEAR", keeper=anna, **near)
    await dealer.vehicle(plate="FAR", keeper=anna, **far)
    await dealer.vehicle(plate="DRIVEN", keeper=anna, odometer=59_000, next_service_odometer=60_000, **far)
    await dealer.vehicle(plate="YOUNG", keeper=anna, odometer=58_999, next_service_odometer=60_000)
    await dealer.vehicle(plate="NOBODYS", **near)
    assert await called(dealer) == ["DRIVEN", "NEAR"]
    task = (await dealer.crm.find("activity", "subject contains 'NEAR'"))[0]
    assert (task["about"], task["body"]) == (anna, "Anna Kalniņa: the next service is due 2026-04-01.")


async def test_once_for_each_service(dealer: Any) -> None:
    anna = (await dealer.customer())["id"]
    car = await dealer.vehicle(plate="A", keeper=anna, next_service_due="2026-03-10")
    assert await called(dealer) == ["A"]
    assert await called(dealer) == ["A"]
    await dealer.update("vehicle", car, notes="He comes on Friday.")
    assert await called(dealer) == ["A"]
    done = await dealer.update("vehicle", car, next_service_due="2027-03-10")
    assert done["service_called_at"] is None
    assert await called(dealer) == ["A"]
    dealer.crm.clock.set(dealer.crm.now().replace(year=2027))
    assert await called(dealer) == ["A", "A"]


async def test_nobody_who_asked_not_to_be_called(dealer: Any) -> None:
    anna = await dealer.customer(do_not_contact=True)
    await dealer.vehicle(plate="A", keeper=anna["id"], next_service_due="2026-03-10")
    assert await called(dealer) == []
    await dealer.update("contact", anna, do_not_contact=False)
    assert await called(dealer) == ["A"]


async def test_one_that_cannot_be_written_keeps_nobody_else_from_his_call(
    dealer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = (await dealer.customer())["id"]
    for plate in ("A", "B", "C"):
        await dealer.vehicle(plate=plate, keeper=anna, next_service_due="2026-03-10")
    await dealer.crm.put(
        {"kind": "fields", "name": "no-b", "entity": "activity",
         "schema": {"allOf": [{"properties": {"subject": {"not": {"pattern": "B$"}}}}]}}
    )  # fmt: skip
    monkeypatch.setattr(jobs, "AT_ONCE", 1)
    assert await called(dealer) == ["A", "C"]


async def test_more_than_a_page(dealer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "AT_ONCE", 3)
    anna = (await dealer.customer())["id"]
    rows = [{"create": {"values": {"make": "VW", "model": "Golf", "plate": f"P{n}", "keeper": anna,
                                   "next_service_due": "2026-03-10"}}} for n in range(10)]  # fmt: skip
    await dealer.crm.write(rows, entity="vehicle")
    assert len(await called(dealer)) == 10
    assert await dealer.crm.count("vehicle", "service_called_at is null") == 0
