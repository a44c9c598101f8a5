"""Dates and moments in a time zone: reading, writing, day edges and calendar arithmetic. Never raises on overflow."""

from __future__ import annotations

import re
from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from crm_kernel.fields.moment import moment_text

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,6})\d*)?)?([Zz]|[+-]\d\d:\d\d)?", re.ASCII)
_FIRST = datetime(1, 1, 2, tzinfo=UTC)
_LAST = datetime(9999, 12, 30, 23, 59, 59, 999999, tzinfo=UTC)
FIRST_YEAR, LAST_YEAR = 1900, 2100
"""Between these years a zone's offsets are exact in SQL; before and after, the nearest one holds."""


def parse_date(text: str) -> date | None:
    """A `YYYY-MM-DD`, or None for anything else."""
    if not _DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def parse_moment(text: str) -> datetime | None:
    """An RFC 3339 date-time, seconds and offset optional (without offset: naive, else in UTC), or None."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    day, clock, seconds, fraction, offset = found.groups()
    zone = "" if offset is None else "+00:00" if offset in "Zz" else offset
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}:{seconds or '00'}.{(fraction or '').ljust(6, '0')}{zone}")
    except ValueError:
        return None
    return moment if moment.tzinfo is None else _utc(moment)


def in_zone(naive: datetime, zone: str) -> datetime:
    """A wall-clock time as a moment; one that the clock skips is read with the offset before the jump."""
    return _utc(naive.replace(tzinfo=ZoneInfo(zone)))


def start_of(day: date, zone: str) -> datetime:
    """The first moment of a day."""
    return in_zone(datetime.combine(day, time()), zone)


def end_of(day: date, zone: str) -> datetime:
    """The first moment after a day."""
    return start_of(shift(day, 1, "d"), zone)


def local_date(moment: datetime, zone: str) -> date:
    """The day on which a moment falls."""
    return _local(moment, zone).date()


def named(name: str, now: datetime, zone: str) -> date | datetime:
    """The value of `@now` (a moment), `@today`, `@week_start` … (dates), without the `@`."""
    if name == "now":
        return now
    today = local_date(now, zone)
    match name:
        case "week_start":
            return shift(today, -today.weekday(), "d")
        case "month_start":
            return today.replace(day=1)
        case "quarter_start":
            return today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
        case "year_start":
            return today.replace(month=1, day=1)
        case _:
            return today


def moved(value: date | datetime, amount: int, unit: str, zone: str) -> date | datetime:
    """`value` plus an amount of h, d, w, m or y.

    Hours are exact time, and make a date the moment at which it starts; days and longer keep the wall clock of the
    zone; months and years clamp to the month's end.
    """
    if unit == "h":
        base = value if isinstance(value, datetime) else start_of(value, zone)
        try:
            return _within(base + timedelta(hours=amount))
        except OverflowError:
            return _LAST if amount > 0 else _FIRST
    if isinstance(value, datetime):
        local = _local(value, zone)
        return in_zone(datetime.combine(shift(local.date(), amount, unit), local.time()), zone)
    return shift(value, amount, unit)


def shift(day: date, amount: int, unit: str) -> date:
    """A day plus an amount of d, w, m or y, kept within the calendar."""
    if unit in "dw":
        try:
            return day + timedelta(days=amount * (7 if unit == "w" else 1))
        except OverflowError:
            return date.max if amount > 0 else date.min
    months = day.year * 12 + day.month - 1 + amount * (12 if unit == "y" else 1)
    year, month = divmod(months, 12)
    if not 1 <= year <= 9999:
        return date.max if amount > 0 else date.min
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


@lru_cache(maxsize=64)
def segments(zone: str) -> tuple[tuple[str, int], ...]:
    """(first moment in canonical form, offset in seconds) of each stretch of equal offset, the first from year 1."""
    found = [("0001-01-01T00:00:00Z", _offset(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC), zone))]
    found += [(moment_text(moment), offset) for moment, offset in _transitions(zone)]
    return tuple(found)


def date_of(moment: str, zone: str) -> str | None:
    """The day on which a canonical moment falls, by `segments`, as SQL finds it; None beyond the year 9999."""
    text = moment.removesuffix("Z")
    stretches = segments(zone)
    offset = stretches[bisect_right(stretches, text, key=lambda s: s[0].removesuffix("Z")) - 1][1]
    try:
        return (datetime.fromisoformat(text[:19]) + timedelta(seconds=offset)).date().isoformat()
    except OverflowError:
        return "0000-12-31" if offset < 0 else None


def _transitions(zone: str) -> Iterator[tuple[datetime, int]]:
    # zoneinfo does not tell its transitions. No zone ever changed twice within three days.
    step, moment = timedelta(days=3), datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
    last, offset = datetime(LAST_YEAR, 1, 1, tzinfo=UTC), _offset(moment, zone)
    while moment < last:
        following = moment + step
        changed = _offset(following, zone)
        if changed != offset:
            low, high = int(moment.timestamp()), int(following.timestamp())
            while high - low > 1:
                middle = (low + high) // 2
                if _offset(datetime.fromtimestamp(middle, UTC), zone) == offset:
                    low = middle
                else:
                    high = middle
            yield datetime.fromtimestamp(high, UTC), changed
            offset = changed
        moment = following


def _offset(moment: datetime, zone: str) -> int:
    offset = moment.astimezone(ZoneInfo(zone)).utcoffset()
    return int(offset.total_seconds()) if offset else 0


def _local(moment: datetime, zone: str) -> datetime:
    return _within(moment).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def _utc(moment: datetime) -> datetime:
    try:
        return _within(moment.astimezone(UTC))
    except OverflowError:
        return _LAST if moment.year > 5000 else _FIRST


def _within(moment: datetime) -> datetime:
    """A day away from the calendar's ends, so that every zone's offset still fits."""
    return min(max(moment, _FIRST), _LAST)
