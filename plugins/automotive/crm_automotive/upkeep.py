"""What the plugin fills in before a write: notes on VINs, ends of drives, dates of moves, the contact of a lead."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from crm_kernel import Batch, Change

from . import vin
from .entities import TestDrive, TradeIn, Vehicle, VehicleUnit
from .workshop import LaborLine, WorkshopJob


def keep(batch: Batch) -> None:
    """What follows from a record alone."""
    for change in live(batch.of(Vehicle)):
        _vehicle(change)
    for change in live(batch.of(TradeIn)):
        note_vin(change)
    for change in live(batch.of(TestDrive)):
        if change.after.ends_at is None:
            change.amend(ends_at=change.after.starts_at + timedelta(minutes=batch.settings.test_drive_minutes))
    for change in live(batch.of(LaborLine)):
        if change.after.authorization == "APPROVED" and change.after.authorized_at is None:
            change.amend(authorized_at=batch.now())


def _vehicle(change: Change[Vehicle]) -> None:
    """The note on its VIN, and the model year where the number tells it for sure."""
    note_vin(change)
    before, after, number = change.before, change.after, vin.read(change.after.vin or "")
    if after.model_year is None and number is not None and (year := vin.model_year(number)) is not None:
        change.amend(model_year=year)
    if before is not None and _next_service(before) != _next_service(after) and after.service_called_at is not None:
        change.amend(service_called_at=None)


def _next_service(vehicle: Vehicle) -> tuple[date | None, int | None]:
    return vehicle.next_service_due, vehicle.next_service_odometer


def note_vin(change: Change[Any]) -> None:
    """What is odd with a VIN, in `vin_note`: it is stored all the same."""
    before, after = change.before, change.after
    if before is not None and (before.vin, before.model_year) == (after.vin, after.model_year):
        return
    note = None
    if after.vin:
        text = vin.normal(after.vin)
        finding, number = vin.examine(text), vin.read(text)
        note = finding.detail if finding else None
        if note is None and number and after.model_year and vin.year_differs(number, after.model_year):
            years = " or ".join(map(str, vin.model_years(number)))
            note = f"Its tenth character means the model year {years}, not {after.model_year}."
    if note != after.vin_note:
        change.amend(vin_note=note)


def move_dates(batch: Batch) -> None:
    """Dates come from real moves only: what is created in a late stage is history, and its dates are its own."""
    for change in batch.of(VehicleUnit):
        if change.before is None or change.before.stage == change.after.stage:
            continue
        if change.after.stage == "RECEIVED" and change.after.received_on is None:
            change.amend(received_on=today(batch))
        if change.after.stage == "SOLD" and change.after.sold_on is None:
            change.amend(sold_on=today(batch))
        if change.after.stage == "RETURNED":
            change.amend(received_on=today(batch), sold_on=None, sold_price=None, buyer=None, buyer_company=None)
    for change in batch.of(WorkshopJob):
        if change.before is None or change.before.stage == change.after.stage:
            continue
        if change.after.stage == "VEHICLE_RECEIVED" and change.after.received_at is None:
            change.amend(received_at=batch.now())
        if change.after.stage == "COMPLETED" and change.after.completed_at is None:
            change.amend(completed_at=batch.now())
        if change.after.stage == "RE_OPEN":
            change.amend(completed_at=None)


async def readings(batch: Batch) -> None:
    """A reading that the workshop takes is the vehicle's, where it is higher than what is known."""
    read = {c.after.vehicle: c.after.odometer_in for c in live(batch.of(WorkshopJob)) if _read_anew(c)}
    if not read:
        return
    mine = {change.id for change in batch.of(Vehicle)}
    known = await batch.find(Vehicle, "id in @param.ids", ids=sorted(read.keys() - mine))
    for vehicle in known:
        reading = read[vehicle.id]
        if reading is not None and reading > (vehicle.odometer or 0):
            batch.add(Change.update(Vehicle, vehicle.id, odometer=reading))


def _read_anew(change: Change[WorkshopJob]) -> bool:
    before = change.before
    return change.after.odometer_in is not None and (before is None or before.odometer_in != change.after.odometer_in)


def live(changes: Iterable[Change[Any]]) -> list[Change[Any]]:
    """The changes that leave a record."""
    return [change for change in changes if change.kind not in ("delete", "purge")]


def today(batch: Batch) -> date:
    """The day it is where the caller is."""
    return batch.now().astimezone(ZoneInfo(batch.actor.timezone)).date()
