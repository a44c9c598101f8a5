"""Dates and moments. A moment is answered in UTC, whatever offset it was sent with."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, Self
from zoneinfo import ZoneInfo

from crm_kernel.fields.base import Column, Faulty, FieldType, Kind, Shape, ValueContext
from crm_kernel.fields.text import clean

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]+))?"
    r"(?:[Zz]|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))"
)
_CANONICAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_LOCAL = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[Tt ]([0-9]{2}:[0-9]{2})(:[0-9]{2}(?:\.[0-9]+)?)?)?")
_OFFSET_MISSING = "Not an RFC 3339 date-time with offset, such as 2026-03-01T10:00:00+02:00."


def moment_text(moment: datetime) -> str:
    """The canonical form of an aware datetime: `2026-03-01T10:00:00Z`, a fraction only where there is one.

    Raises `OverflowError` where UTC lies outside the years 1 to 9999.
    """
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if "." in text else text) + "Z"


def read_moment(text: str) -> datetime:
    """An RFC 3339 date-time as an aware datetime; digits beyond microseconds are cut. Raises `ValueError`."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise ValueError(_OFFSET_MISSING)
    day, time, fraction, sign, hours, minutes = found.groups()
    moment = datetime.fromisoformat(f"{day}T{time}")
    if fraction:
        moment = moment.replace(microsecond=int(fraction[:6].ljust(6, "0")))
    offset = timedelta(hours=int(hours), minutes=int(minutes)) if sign else timedelta()
    return moment.replace(tzinfo=timezone(-offset if sign == "-" else offset))


class Date(FieldType):
    """A day: `YYYY-MM-DD`."""

    name = "date"
    kind = Kind.DATE

    @classmethod
    def match(cls, shape: Shape) -> Self | None:
        return cls() if shape.type == "string" and shape.schema.get("format") == "date" else None

    def columns(self) -> tuple[Column, ...]:
        return (Column("", "date"),)

    def canonical(self, value: Any, context: ValueContext) -> Any:
        if isinstance(value, date) and not isinstance(value, datetime):
            return value.isoformat()
        if not isinstance(value, str):
            return value
        text = clean(value)
        if text is None:
            return None
        try:
            if not _DATE.fullmatch(text):
                raise ValueError(text)
            return date.fromisoformat(text).isoformat()
        except ValueError:
            got = repr(text[:40])
            raise Faulty("format", f"Not a date as YYYY-MM-DD: {got}.", told="date", got=got) from None


class Moment(FieldType):
    """A moment: RFC 3339 with offset."""

    name = "date-time"
    kind = Kind.MOMENT

    @classmethod
    def match(cls, shape: Shape) -> Self | None:
        return cls() if shape.type == "string" and shape.schema.get("format") == "date-time" else None

    def columns(self) -> tuple[Column, ...]:
        return (Column("", "moment"),)

    def canonical(self, value: Any, context: ValueContext) -> Any:
        if not isinstance(value, str | datetime):
            return value
        try:
            if isinstance(value, datetime):
                if value.tzinfo is None:
                    raise ValueError(_OFFSET_MISSING)
                return moment_text(value)
            text = clean(value)
            if text is None:
                return None
            if _CANONICAL.fullmatch(text):
                datetime.fromisoformat(text)
                return text
            return moment_text(read_moment(text))
        except (ValueError, OverflowError):
            raise Faulty("format", _OFFSET_MISSING, told="moment") from None

    def parse(self, text: str, context: ValueContext) -> Any:
        found = _LOCAL.fullmatch(text.strip())
        if found is None:
            return text
        day, time, seconds = found.groups()
        try:
            local = datetime.fromisoformat(f"{day}T{time or '00:00'}")
            return f"{day}T{time or '00:00'}{seconds or ':00'}{_offset(local, context.timezone)}"
        except ValueError:
            return text


def _offset(local: datetime, zone: str) -> str:
    """The offset of a local time as `+02:00`; what the clock shows twice means the first time."""
    minutes = round((local.replace(tzinfo=ZoneInfo(zone)).utcoffset() or timedelta()).total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
