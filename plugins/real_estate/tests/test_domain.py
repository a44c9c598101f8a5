"""The trade's pure functions: bookings, notice, market days, addresses, areas."""

from datetime import UTC, date, datetime, timedelta

import pytest
from crm_real_estate.domain import (
    Booking,
    address,
    clashes,
    days_on_market,
    may_share,
    notice_missing,
    overlap,
    square_metres,
)
from hypothesis import given
from hypothesis import strategies as st

DAY = datetime(2026, 3, 2, tzinfo=UTC)


def booking(
    id: str, start: float, end: float, *, listing: str = "L", agent: str | None = "A", **more: object
) -> Booking:
    """A booking from `start` to `end` o'clock."""
    return Booking(id, listing, agent, DAY + timedelta(hours=start), DAY + timedelta(hours=end), **more)  # pyright: ignore


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ((9, 10), (9, 10), True),
        ((9, 10), (9.5, 9.75), True),
        ((9, 10), (9.75, 11), True),
        ((9, 10), (10, 11), False),
        ((9, 10), (11, 12), False),
        ((9, 9), (8, 10), True),
        ((9, 9), (9, 9), False),
    ],
)
def test_overlap(one: tuple[float, float], other: tuple[float, float], *, shared: bool) -> None:
    a, b = booking("a", *one), booking("b", *other)
    assert overlap(a, b) is shared
    assert overlap(b, a) is shared


def test_group_viewings_share_one_listing_only() -> None:
    one = booking("a", 9, 10, group=True)
    assert may_share(one, booking("b", 9, 10, group=True))
    assert not may_share(one, booking("b", 9, 10))
    assert not may_share(one, booking("b", 9, 10, group=True, listing="M"))


CLASHES = {
    "same listing, other agent": ([booking("b", 9, 10, agent="B", rank=1)], [("b", "a", "listing")]),
    "same agent, other listing": ([booking("b", 9, 10, listing="M", rank=1)], [("b", "a", "agent")]),
    "both": ([booking("b", 9, 10, rank=1)], [("b", "a", "listing"), ("b", "a", "agent")]),
    "neither": ([booking("b", 9, 10, listing="M", agent="B", rank=1)], []),
    "no agent yet": ([booking("b", 9, 10, listing="M", agent=None, rank=1)], []),
    "back to back": ([booking("b", 10, 11, rank=1)], []),
    "old against old": ([booking("b", 9, 10)], []),
    "the later comer is at fault": (
        [booking("c", 8, 9.5, agent=None, rank=2), booking("b", 9.5, 10.5, agent=None, rank=1)],
        [("b", "a", "listing"), ("c", "a", "listing")],
    ),
    "a long one reaches over a short one": (
        [booking("b", 8, 12, agent=None, rank=1), booking("c", 11, 11.5, agent=None)],
        [("b", "a", "listing"), ("b", "c", "listing")],
    ),
}


@pytest.mark.parametrize("name", CLASHES)
def test_clashes(name: str) -> None:
    others, expected = CLASHES[name]
    found = clashes([booking("a", 9, 10), *others])
    assert sorted((c.booking.id, c.rival.id, c.what) for c in found) == sorted(expected)


BOOKINGS = st.lists(
    st.tuples(
        st.sampled_from("LM"),
        st.sampled_from(["A", "B", None]),
        st.integers(0, 20),
        st.integers(1, 6),
        st.booleans(),
        st.booleans(),
    ),
    max_size=12,
)


@given(BOOKINGS)
def test_clashes_are_those_of_each_pair(rows: list[tuple[str, str | None, int, int, bool, bool]]) -> None:
    """The sweep finds exactly what comparing every pair finds."""
    bookings = [
        booking(str(i), start, start + long, listing=listing, agent=agent, group=group, rank=i if new else 0)
        for i, (listing, agent, start, long, group, new) in enumerate(rows)
    ]
    expected = {
        (frozenset((a.id, b.id)), what)
        for i, a in enumerate(bookings)
        for b in bookings[:i]
        for what, same in (("listing", a.listing == b.listing), ("agent", a.agent is not None and a.agent == b.agent))
        if same and overlap(a, b) and not may_share(a, b) and max(a.rank, b.rank) > 0
    }
    found = clashes(bookings)
    assert {(frozenset((c.booking.id, c.rival.id)), c.what) for c in found} == expected
    assert len(found) == len(expected)
    assert all(c.booking.rank > c.rival.rank for c in found)


@pytest.mark.parametrize(
    ("starts_in", "hours", "missing"),
    [(1, 24, True), (23.99, 24, True), (24, 24, False), (48, 24, False), (1, 0, False), (-1, 24, False)],
)
def test_notice(starts_in: float, hours: int, *, missing: bool) -> None:
    assert notice_missing(DAY, DAY + timedelta(hours=starts_in), hours) is missing


@pytest.mark.parametrize(
    ("on_market", "ends", "days"),
    [
        (date(2026, 1, 1), [date(2026, 1, 31)], 30),
        (date(2026, 1, 1), [None, date(2026, 1, 31)], 30),
        (date(2026, 1, 1), [date(2026, 1, 11), date(2026, 1, 31)], 10),
        (date(2026, 1, 1), [None], None),
        (None, [date(2026, 1, 31)], None),
        (date(2026, 2, 1), [date(2026, 1, 31)], 0),
    ],
)
def test_days_on_market(on_market: date | None, ends: list[date | None], days: int | None) -> None:
    assert days_on_market(on_market, ends) == days


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        (
            {"street_name": "Brīvības iela", "street_number": "45", "unit_number": "12", "city": "Rīga"},
            "Brīvības iela 45-12, Rīga",
        ),
        ({"street_dir_prefix": "N", "street_name": "Main", "street_suffix": "Street"}, "N Main Street"),
        ({"street_name": "Jomas iela", "city": "Jūrmala"}, "Jomas iela, Jūrmala"),
        ({"street_number": "45", "city": "Rīga"}, None),
        ({}, None),
    ],
)
def test_address(parts: dict[str, str | None], line: str | None) -> None:
    assert address(parts) == line


@pytest.mark.parametrize(
    ("area", "units", "metres"),
    [(100.0, "Square Feet", 9.290304), (80.0, "Square Meters", 80.0), (80.0, None, 80.0), (1, "Acres", 4046.8564224)],
)
def test_square_metres(area: float, units: str | None, metres: float) -> None:
    assert square_metres(area, units) == pytest.approx(metres)


def test_no_area_has_no_square_metres() -> None:
    assert square_metres(None, "Square Feet") is None
