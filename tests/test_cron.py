"""Cron expressions in a time zone, also where its clock is changed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crm_kernel.cron import cron_fault, next_after


def times(expression: str, begin: str, count: int) -> list[str]:
    """The next times behind a moment, in Riga (UTC+2, in summer UTC+3), as UTC."""
    found: list[str] = []
    moment = datetime.fromisoformat(begin).replace(tzinfo=UTC)
    for _ in range(count):
        moment = next_after(expression, moment, "Europe/Riga")
        assert moment.tzinfo is UTC
        found.append(moment.strftime("%m-%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("expression", "begin", "expected"),
    [
        ("0 6 * * *", "2026-01-05T00:00", ["01-05 04:00", "01-06 04:00"]),
        # The 29th of March has no 03:30: done once, right after; the clock goes from 03:00 to 04:00 at 01:00 UTC.
        ("30 3 * * *", "2026-03-28T12:00", ["03-29 01:00", "03-30 00:30"]),
        # The 25th of October has 03:30 twice (00:30 and 01:30 UTC): done once.
        ("30 3 * * *", "2026-10-24T12:00", ["10-25 00:30", "10-26 01:30"]),
        ("0 * * * *", "2026-10-24T23:30", ["10-25 00:00", "10-25 01:00", "10-25 02:00"]),
        ("0 9 * * MON", "2026-01-01T00:00", ["01-05 07:00", "01-12 07:00"]),
    ],
)
def test_times_are_those_of_the_zone(expression: str, begin: str, expected: list[str]) -> None:
    assert times(expression, begin, len(expected)) == expected


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("0 6 * * *", None),
        ("*/15 8-18 * * MON-FRI", None),
        ("@daily", "it has not five fields: minute, hour, day of month, month, day of week"),
        ("0 0 6 * * *", "it has not five fields: minute, hour, day of month, month, day of week"),
        ("61 * * * *", "bad minute"),
        ("0 25 * * *", "bad hour"),
        ("0 0 31 2 *", "bad day-of-month"),
    ],
)
def test_what_is_wrong_with_an_expression(expression: str, fault: str | None) -> None:
    assert cron_fault(expression) == fault
