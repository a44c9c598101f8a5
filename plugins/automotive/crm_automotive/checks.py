"""Rules that refuse: those about one record before it is written, those over several after (`check_write`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from crm_kernel import Batch, Change

from . import domain, star, vin
from .entities import TestDrive, Vehicle, VehicleUnit
from .pipelines import BILLED, BOOKED, COMING, DRIVEN
from .workshop import LaborLine, WorkshopJob

AT_ONCE = 400
"""Records whose rivals are sought with one query: a list in a filter holds 1,000 values."""

EVERY = 100_000
"""A limit that no calendar reaches: a rule that saw only some of the rivals would be none."""

ON_THE_ROAD = ("CONFIRMED", "ARRIVED", "IN_PROGRESS")

C = TypeVar("C")


def vehicles(batch: Batch) -> None:
    """A short VIN is one of before 1981, and only then."""
    for change in _live(batch, Vehicle):
        after = change.after
        if not _differs(change, "vin", "model_year") or not after.vin:
            continue
        if len(after.vin) < vin.LENGTH and (after.model_year or 0) >= 1981:
            detail = f"A VIN has {vin.LENGTH} characters since 1981, this one {len(after.vin)}."
            change.refuse("/vin", detail, code="automotive.vin_length")


def drives(batch: Batch) -> None:
    """A drive ends after it starts, and the odometer goes forward."""
    for change in _live(batch, TestDrive):
        drive = change.after
        if drive.ends_at is not None and drive.ends_at <= drive.starts_at:
            change.refuse("/ends_at", "A test drive ends after it starts.", code="automotive.ends_before_start")
        if drive.odometer_in is not None and drive.odometer_out is not None and drive.odometer_in < drive.odometer_out:
            detail = f"The vehicle left with {drive.odometer_out} on the odometer and came back with less."
            change.refuse("/odometer_in", detail, code="automotive.odometer_back")


async def driven(batch: Batch) -> None:
    """Only what may be driven is: not under a recall, not sold. A drive that is only asked for may wait for a unit that
    is still to come; one that took place may be told of any."""
    asked = [c for c in _live(batch, TestDrive) if c.after.stage in BOOKED[:-1]]
    asked = [c for c in asked if _differs(c, "unit", "stage", "starts_at")]
    await batch.lock(*{f"unit:{change.after.unit}" for change in asked})
    for part in _parts(asked):
        ids = sorted({change.after.unit for change in part})
        stage_of = {unit.id: unit.stage for unit in await batch.find(VehicleUnit, "id in @param.ids", ids=ids)}
        for change in part:
            stage = stage_of.get(change.after.unit)
            stages = DRIVEN if change.after.stage in ON_THE_ROAD else (*DRIVEN, *COMING)
            if stage not in stages:
                detail = f"A unit is driven in the stages {', '.join(DRIVEN)}; this one is {stage or 'deleted'}."
                change.refuse("/unit", detail, code="automotive.not_driven")


async def holds(batch: Batch) -> None:
    """A unit that is held waits for who confirms a drive in it at the same moment (`driven` takes the same key)."""
    held = [c for c in _live(batch, VehicleUnit) if c.before is not None and c.after.stage not in DRIVEN]
    await batch.lock(*{f"unit:{change.id}" for change in held if _differs(change, "stage")})


async def no_double_booking(batch: Batch) -> None:
    """No two drives with one unit, or by one salesperson, at the same time.

    Rivals share the key of the unit or of the salesperson, so the later of two transactions sees the earlier one's row.
    """
    booked = [c for c in _live(batch, TestDrive) if c.after.stage in BOOKED and _takes_up(c)]
    ranks = {change.after.id: rank for rank, change in enumerate(booked, start=1)}
    changes = {change.after.id: change for change in booked}
    await batch.lock(*{key for change in booked for key in _keys(change.after)})
    bookings: dict[str, domain.Booking] = {}
    for part in _parts(sorted(booked, key=lambda c: c.after.starts_at)):
        for rival in await _rivals(batch, part):
            bookings[rival.id] = _booking(rival, ranks.get(rival.id, 0))
    for clash in domain.clashes(bookings.values()):
        detail = f"The {clash.what} is booked from {clash.rival.starts_at:%Y-%m-%d %H:%M} UTC on."
        changes[clash.booking.id].refuse("/starts_at", detail, code="automotive.double_booking")


async def _rivals(batch: Batch, part: list[Change[TestDrive]]) -> list[Any]:
    """The stored drives, those of this batch among them, that may want what these want."""
    same = "(unit in @param.units or salesperson in @param.people)"
    people = sorted({change.after.salesperson for change in part if change.after.salesperson is not None})
    return await batch.find(
        TestDrive,
        f"stage in @param.booked and starts_at < @param.until and ends_at > @param.since and "
        f"{same if people else 'unit in @param.units'}",
        booked=list(BOOKED),
        units=sorted({change.after.unit for change in part}),
        people=people,
        since=min(change.after.starts_at for change in part),
        until=max(change.after.ends_at or change.after.starts_at for change in part),
        limit=EVERY,
    )


def _booking(drive: Any, rank: int) -> domain.Booking:
    ends = drive.ends_at or drive.starts_at
    return domain.Booking(drive.id, drive.unit, drive.salesperson, drive.starts_at, ends, rank)


def _keys(drive: Any) -> Iterator[str]:
    yield f"drive:{drive.unit}"
    if drive.salesperson is not None:
        yield f"drive:{drive.salesperson}"


def _takes_up(change: Change[TestDrive]) -> bool:
    """Whether a booked drive wants something it did not have before."""
    if change.before is not None and change.before.stage not in BOOKED:
        return True
    return _differs(change, "unit", "salesperson", "starts_at", "ends_at")


async def authorized(batch: Batch) -> None:
    """No line is billed that nobody agreed to: neither when its job goes to the invoice, nor once it is there."""
    jobs = {c.after.id: c for c in _live(batch, WorkshopJob) if c.after.stage in BILLED and _differs(c, "stage")}
    lines = {c.after.id: c for c in _live(batch, LaborLine) if _differs(c, "job", "status", "authorization")}
    ids = sorted(jobs.keys() | {change.after.job for change in lines.values()})
    await batch.lock(*(f"job:{id}" for id in ids))
    for part in _parts(ids):
        billed = {j.id for j in await batch.find(WorkshopJob, "id in @param.ids and stage in @param.billed", ids=part,
                                                 billed=list(BILLED))}  # fmt: skip
        open_lines = "job in @param.ids and authorization != 'APPROVED' and status not in @param.not_billed"
        found = await batch.find(LaborLine, open_lines, ids=part, not_billed=list(star.NOT_BILLED), limit=EVERY)
        for line in found:
            if line.id in lines and line.job in billed and line.job not in jobs:
                detail = (
                    "This job is on an invoice: a line of it is APPROVED, or it is declined, deferred or cancelled."
                )
                lines[line.id].refuse("/authorization", detail, code="automotive.unauthorized")
            if line.job in jobs:
                detail = f"{line.operation!r} is {line.authorization}: no line is billed that nobody agreed to."
                jobs[line.job].refuse("/stage", detail, code="automotive.unauthorized")


def _live(batch: Batch, entity: type[C]) -> list[Change[C]]:  # pyright: ignore[reportInvalidTypeArguments]
    return [change for change in batch.of(entity) if change.kind not in ("delete", "purge")]  # pyright: ignore


def _differs(change: Change[Any], *names: str) -> bool:
    before = change.before
    return (
        before is None
        or change.kind == "restore"
        or any(getattr(before, name) != getattr(change.after, name) for name in names)
    )


def _parts(changes: list[C]) -> Iterator[list[C]]:
    for start in range(0, len(changes), AT_ONCE):
        yield changes[start : start + AT_ONCE]
