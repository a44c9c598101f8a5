"""The moment, as operations see it: real time, or a time that tests and samples set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def is_timezone(name: str) -> bool:
    """Whether there is such an IANA time zone. The names of all would be found by reading all files: 20 ms."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return name[0].isupper()  # what the system keeps beside them is in lower case


def moment_text(moment: datetime) -> str:
    """The canonical text of a moment: RFC 3339 in UTC with `Z`, fraction only where there is one."""
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    text = in_utc.replace(tzinfo=None).isoformat()
    return f"{text.rstrip('0') if '.' in text else text}Z"


class Clock:
    """Gives the present. `set` stops it at a moment until `release`."""

    def __init__(self) -> None:
        self._at: datetime | None = None

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return self._at or datetime.now(UTC)

    def now_text(self) -> str:
        """The present moment as canonical text."""
        return moment_text(self.now())

    def set(self, moment: datetime) -> None:
        """Stand still at `moment` (aware)."""
        self._at = moment.astimezone(UTC)

    def advance(self, by: timedelta) -> None:
        """Go on from where it stands, by `by`."""
        self.set(self.now() + by)

    def release(self) -> None:
        """Run with real time again."""
        self._at = None
