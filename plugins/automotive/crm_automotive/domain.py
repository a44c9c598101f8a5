"""What the trade knows of calendars, as pure functions: nothing here imports the kernel."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple


class Booking(NamedTuple):
    """A test drive that takes its unit and its salesperson up. `rank` is 0 for one that was there before, else its
    place among the new ones: of two that clash the later comer is at fault."""

    id: str
    unit: str
    salesperson: str | None
    starts_at: datetime
    ends_at: datetime
    rank: int = 0


class Clash(NamedTuple):
    """`booking` came later than `rival` and wants the same `what` ("vehicle" or "salesperson") at the same time."""

    booking: Booking
    rival: Booking
    what: str


def clashes(bookings: Iterable[Booking]) -> list[Clash]:
    """All clashes that a booking of rank > 0 is to blame for; one may start at the moment another ends."""
    calendars: dict[tuple[str, str], list[Booking]] = defaultdict(list)
    for booking in sorted(bookings, key=lambda b: (b.starts_at, b.rank, b.id)):
        calendars["vehicle", booking.unit].append(booking)
        if booking.salesperson is not None:
            calendars["salesperson", booking.salesperson].append(booking)
    found: list[Clash] = []
    for (what, _), calendar in calendars.items():
        running: list[Booking] = []
        for booking in calendar:
            running = [other for other in running if other.ends_at > booking.starts_at]
            for other in running:
                rival, late = sorted((other, booking), key=lambda b: b.rank)
                if late.rank > 0:
                    found.append(Clash(late, rival, what))
            running.append(booking)
    return found
