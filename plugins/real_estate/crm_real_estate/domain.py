"""What the trade knows, as pure functions: nothing here imports the kernel."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple

SQUARE_METRES = {"Square Meters": 1.0, "Square Feet": 0.09290304, "Acres": 4046.8564224}
"""How many square metres one unit of an area has."""


class Booking(NamedTuple):
    """A viewing that takes its listing and its agent up. `rank` is 0 for one that was there before, else its place
    among the new ones: of two that clash the later comer is at fault."""

    id: str
    listing: str
    agent: str | None
    starts_at: datetime
    ends_at: datetime
    group: bool = False
    rank: int = 0


class Clash(NamedTuple):
    """`booking` came later than `rival` and wants the same `what` ("listing" or "agent") at the same time."""

    booking: Booking
    rival: Booking
    what: str


def overlap(a: Booking, b: Booking) -> bool:
    """Whether two bookings share time; one may start at the moment the other ends."""
    return a.starts_at < b.ends_at and b.starts_at < a.ends_at


def may_share(a: Booking, b: Booking) -> bool:
    """Group viewings of one listing share both the listing and the agent."""
    return a.group and b.group and a.listing == b.listing


def clashes(bookings: Iterable[Booking]) -> list[Clash]:
    """All clashes that a booking of rank > 0 is to blame for.

    Two of rank 0 are left alone: they were accepted before, by the rules of then.
    """
    listings: dict[str, list[Booking]] = defaultdict(list)
    agents: dict[str, list[Booking]] = defaultdict(list)
    for booking in sorted(bookings, key=lambda b: (b.starts_at, b.rank, b.id)):
        listings[booking.listing].append(booking)
        if booking.agent is not None:
            agents[booking.agent].append(booking)
    found: list[Clash] = []
    for what, calendars in (("listing", listings), ("agent", agents)):
        for calendar in calendars.values():
            for pair in _overlapping(calendar):
                rival, booking = sorted(pair, key=lambda b: b.rank)
                if booking.rank > 0:
                    found.append(Clash(booking, rival, what))
    return found


def _overlapping(calendar: list[Booking]) -> Iterator[tuple[Booking, Booking]]:
    """The pairs that share time and may not, from one calendar in order of start."""
    running: list[Booking] = []
    for booking in calendar:
        running = [other for other in running if other.ends_at > booking.starts_at]
        for other in running:
            if overlap(other, booking) and not may_share(other, booking):
                yield other, booking
        running.append(booking)


def notice_missing(now: datetime, starts_at: datetime, hours: int) -> bool:
    """Whether a viewing requested now starts too soon. What has begun already is a record of the past, no request."""
    return now < starts_at < now + timedelta(hours=hours)


def days_on_market(on_market: date | None, ends: Iterable[date | None]) -> int | None:
    """Days from coming on the market to the first of `ends` that is known; None where either is unknown."""
    last = next((day for day in ends if day is not None), None)
    return None if on_market is None or last is None else max((last - on_market).days, 0)


def address(parts: Mapping[str, str | None]) -> str | None:
    """UnparsedAddress from its parts: `Brīvības iela 45-12, Rīga`; None without a street."""
    street = [parts.get(name) for name in ("street_dir_prefix", "street_name", "street_suffix")]
    line = " ".join(part for part in street if part)
    if not line:
        return None
    number = "-".join(part for part in (parts.get("street_number"), parts.get("unit_number")) if part)
    return ", ".join(part for part in (f"{line} {number}".strip(), parts.get("city")) if part)


def square_metres(area: float | None, units: str | None) -> float | None:
    """An area in square metres; without units it is taken to be in them."""
    return None if area is None else float(area) * SQUARE_METRES.get(units or "", 1.0)
