"""Dates and moments in time zones."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_kernel.filters import moments

RIGA = "Europe/Riga"
ZONES = [RIGA, "America/Los_Angeles", "America/St_Johns", "Asia/Kathmandu", "Africa/Casablanca", "Pacific/Apia", "UTC"]


def at(text: str) -> datetime:
    found = moments.parse_moment(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01T10:00:00Z", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("2026-03-01t10:00:00.5z", datetime(2026, 3, 1, 10, 0, 0, 500000, tzinfo=UTC)),
        ("2026-03-01 10:00", datetime(2026, 3, 1, 10)),
        ("2026-03-01T10:00:00.1234567", datetime(2026, 3, 1, 10, 0, 0, 123456)),
        ("2026-03-01T10:00-03:30", datetime(2026, 3, 1, 13, 30, tzinfo=UTC)),
        ("2026-13-01T10:00", None),
        ("2026-03-01T25:00", None),
        ("2026-03-01T10", None),
        ("2026-03-01", None),
        ("\u0662026-03-01T10:00", None),
    ],
)
def test_reading_moments(text: str, expected: datetime | None) -> None:
    assert moments.parse_moment(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-02-29", date(2024, 2, 29)),
        ("2026-02-29", None),
        ("2026-2-9", None),
        ("20260209", None),
        ("2026-02-09T", None),
        ("", None),
    ],
)
def test_reading_dates(text: str, expected: date | None) -> None:
    assert moments.parse_date(text) == expected


@pytest.mark.contract("filters.md#week-monday")
@pytest.mark.contract("filters.md#moment-variables")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("today", "2026-11-01"),
        ("week_start", "2026-10-26"),
        ("month_start", "2026-11-01"),
        ("quarter_start", "2026-10-01"),
        ("year_start", "2026-01-01"),
    ],
)
def test_named_days_are_of_the_zone(name: str, expected: str) -> None:
    # In Riga it is Sunday, 1 November already.
    now = datetime(2026, 10, 31, 22, 30, tzinfo=UTC)
    assert moments.named(name, now, RIGA).isoformat() == expected


def test_now_is_now() -> None:
    now = datetime(2026, 10, 31, 22, 30, tzinfo=UTC)
    assert moments.named("now", now, RIGA) == now


@pytest.mark.contract("filters.md#moment-arithmetic")
@pytest.mark.parametrize(
    ("start", "amount", "unit", "expected"),
    [
        ("2026-01-31", 1, "m", "2026-02-28"),
        ("2024-01-31", 1, "m", "2024-02-29"),
        ("2024-02-29", 1, "y", "2025-02-28"),
        ("2024-02-29", 4, "y", "2028-02-29"),
        ("2026-03-31", -1, "m", "2026-02-28"),
        ("2026-01-15", -13, "m", "2024-12-15"),
        ("2026-12-31", 2, "m", "2027-02-28"),
        ("2026-03-01", -1, "d", "2026-02-28"),
        ("2026-03-01", 2, "w", "2026-03-15"),
        ("2026-03-01", 999999, "y", "9999-12-31"),
        ("2026-03-01", -999999, "m", "0001-01-01"),
        ("9999-12-31", 1, "d", "9999-12-31"),
        ("0001-01-01", -1, "w", "0001-01-01"),
    ],
)
def test_calendar_arithmetic(start: str, amount: int, unit: str, expected: str) -> None:
    assert moments.moved(date.fromisoformat(start), amount, unit, RIGA) == date.fromisoformat(expected)


@pytest.mark.contract("filters.md#moment-arithmetic")
@pytest.mark.parametrize(
    ("start", "amount", "unit", "expected"),
    [
        # The clock in Riga goes from 03:00 to 04:00 on 29 March 2026: a day keeps the wall clock, 24 hours do not.
        ("2026-03-28T10:00:00+02:00", 1, "d", "2026-03-29T10:00:00+03:00"),
        ("2026-03-28T10:00:00+02:00", 24, "h", "2026-03-29T11:00:00+03:00"),
        ("2026-03-28T03:30:00+02:00", 1, "d", "2026-03-29T04:30:00+03:00"),
        ("2026-01-31T23:00:00+02:00", 1, "m", "2026-02-28T23:00:00+02:00"),
        ("2026-03-29T12:00:00+03:00", -1, "w", "2026-03-22T12:00:00+02:00"),
    ],
)
def test_moments_keep_the_wall_clock(start: str, amount: int, unit: str, expected: str) -> None:
    assert moments.moved(at(start), amount, unit, RIGA) == at(expected)


@pytest.mark.contract("filters.md#moment-arithmetic")
def test_hours_turn_a_day_into_a_moment() -> None:
    assert moments.moved(date(2026, 3, 29), 5, "h", RIGA) == at("2026-03-29T06:00:00+03:00")
    assert moments.moved(date(2026, 3, 29), 0, "h", RIGA) == at("2026-03-29T00:00:00+02:00")


def test_hours_stay_within_the_calendar() -> None:
    last = moments.moved(date(9999, 12, 31), 900000, "h", RIGA)
    first = moments.moved(date.min, -900000, "h", RIGA)
    assert (str(last)[:10], str(first)[:10]) == ("9999-12-30", "0001-01-02")
    assert moments.moved(datetime.max.replace(tzinfo=UTC), 900000, "h", RIGA) == last


def test_days_begin_and_end_by_the_zone() -> None:
    assert moments.start_of(date(2026, 3, 29), RIGA) == at("2026-03-28T22:00:00Z")
    assert moments.end_of(date(2026, 3, 29), RIGA) == at("2026-03-29T21:00:00Z")
    # Midnight does not exist there on that day.
    assert moments.start_of(date(2018, 11, 4), "America/Sao_Paulo") == at("2018-11-04T03:00:00Z")


@pytest.mark.parametrize("day", [date.min, date.max])
@pytest.mark.parametrize("zone", ZONES)
def test_the_ends_of_the_calendar(day: date, zone: str) -> None:
    assert moments.start_of(day, zone) <= moments.end_of(day, zone)
    assert moments.local_date(moments.start_of(day, zone), zone).year == day.year


@pytest.mark.parametrize("zone", ZONES)
def test_segments_are_what_the_zone_says(zone: str) -> None:
    found = moments.segments(zone)
    assert found[0][0] == "0001-01-01T00:00:00Z"
    assert [s[0] for s in found] == sorted(s[0] for s in found)
    for (start, offset), (_, before) in zip(found[1:], found, strict=False):
        moment = at(start)
        assert moment.astimezone(ZoneInfo(zone)).utcoffset() == timedelta(seconds=offset)
        earlier = (moment - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).utcoffset()
        assert earlier == timedelta(seconds=before) != timedelta(seconds=offset)


@given(
    st.datetimes(datetime(1901, 1, 1), datetime(2099, 12, 1)),
    st.sampled_from(ZONES),
)
def test_the_day_by_segments_is_the_day_of_the_zone(naive: datetime, zone: str) -> None:
    moment = naive.replace(tzinfo=UTC)
    text = moments.moment_text(moment)
    assert moments.date_of(text, zone) == moments.local_date(moment, zone).isoformat()


def test_days_beyond_the_calendar() -> None:
    assert moments.date_of("0001-01-01T00:00:00Z", "America/Los_Angeles") == "0000-12-31"
    assert moments.date_of("9999-12-31T23:30:00Z", RIGA) is None
