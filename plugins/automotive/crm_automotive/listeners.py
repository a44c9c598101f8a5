"""What follows after the commit: drives become activities, a sale names its drives and its new keeper."""

from __future__ import annotations

from crm_kernel import Change, Crm, Event, Listener

from .entities import TestDrive, Vehicle


async def log_drive(event: Event, crm: Crm) -> None:
    """A drive that took place is a meeting with the customer."""
    drive = event.after or {}
    unit = await crm.get("vehicle_unit", drive["unit"])
    vehicle = await crm.get("vehicle", unit["vehicle"])
    what = " ".join(str(vehicle[name]) for name in ("make", "model", "model_year") if vehicle[name])
    activity = {
        "type": "meeting",
        "subject": f"Test drive: {what}"[:300],
        "body": drive["comment"],
        "about": drive["contact"],
        "starts_at": drive["starts_at"],
        "ends_at": drive["ends_at"],
        "done_at": drive["ends_at"],
        "outcome": drive["interest"] and f"interest {drive['interest']} of 5",
        "owner": drive["salesperson"],
    }
    await crm.write([Change.create("activity", activity)])


async def sold(event: Event, crm: Crm) -> None:
    """The buyer keeps the vehicle now, and the drives he made before led to the sale: the report knows by that."""
    unit = event.after
    if unit is None:  # purged since
        return
    changes: list[Change[Vehicle] | Change[TestDrive]] = [
        Change.update(Vehicle, unit["vehicle"], keeper=unit["buyer"], keeper_company=unit["buyer_company"])
    ]
    if unit["buyer"] is not None:
        led = "contact = @param.buyer and stage = 'FULFILLED' and sale is null"
        drives = await crm.find(TestDrive, led, buyer=unit["buyer"])
        changes += [Change.update(TestDrive, drive["id"], sale=event.record) for drive in drives]
    await crm.write(changes)


ALL = [
    Listener(event="record.moved", entity="test_drive", where="event.to = 'FULFILLED'", handle=log_drive),
    Listener(event="record.moved", entity="vehicle_unit", where="event.to = 'SOLD'", handle=sold),
]
