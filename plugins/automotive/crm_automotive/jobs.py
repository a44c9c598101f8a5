"""What the clock starts: each morning the keepers whose vehicle is due for service are to be called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crm_kernel import Change, Crm, Error, Job

from .entities import Vehicle

AT_ONCE = 200
MOST_FAILED = 500
"""Faulty ones after which a run ends: then something is wrong with all of them."""


def due(days: int, distance: int) -> str:
    """The vehicles that are due within so many days, or so much of the odometer, whose keepers may be called."""
    return (
        f"(next_service_due <= @today+{days}d or service_distance <= {distance})"
        " and service_called_at is null and keeper.do_not_contact = false and id not in @param.failed"
    )


async def call_keepers(crm: Crm) -> None:
    """A task for each vehicle that is due, once for each service, however often this runs.

    The task and the note that it was made (`service_called_at`) are one write. Nobody is called who asked not to be.
    """
    which = due(crm.settings.service_days_ahead, crm.settings.service_distance_ahead)
    called, failed = 0, [""]
    while vehicles := await crm.find(Vehicle, which, sort="next_service_due", limit=AT_ONCE, failed=failed):
        ids = sorted({vehicle["keeper"] for vehicle in vehicles})
        keepers = {c["id"]: c for c in await crm.find("contact", "id in @param.ids", limit=AT_ONCE, ids=ids)}
        for vehicle in vehicles:
            if await _call(crm, vehicle, keepers[vehicle["keeper"]]):
                called += 1
            else:
                failed.append(vehicle["id"])
        if len(failed) > MOST_FAILED:
            break
    crm.log.info("service due: %s vehicles, %s could not be written", called, len(failed) - 1)


async def _call(crm: Crm, vehicle: Any, keeper: Mapping[str, Any]) -> bool:
    name = " ".join(str(vehicle[part]) for part in ("make", "model", "plate") if vehicle[part])
    at = vehicle["next_service_odometer"]
    by = [vehicle["next_service_due"], None if at is None else f"at {at} {vehicle['odometer_unit']}"]
    task = {
        "type": "task",
        "subject": f"Service due: {name}"[:300],
        "body": f"{keeper['name']}: the next service is due {' or '.join(part for part in by if part)}.",
        "about": keeper["id"],
        "participants": [vehicle["id"]],
        "due_at": crm.now(),
        "owner": keeper["owner"],
    }
    called = Change.update("vehicle", vehicle["id"], service_called_at=crm.now(), version=vehicle["version"])
    try:
        await crm.write([called, Change.create("activity", task)])
    except Error as error:  # a rule of the app's own, or somebody changed it just now: nobody else misses his call
        crm.log.warning("service due: %s was not written: %s", name, error)
        return False
    return True


ALL = [Job(name="service-due", every="0 6 * * *", handle=call_keepers, title="Calls for services that are due")]
