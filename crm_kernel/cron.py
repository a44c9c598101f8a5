"""When work is due by the clock: cron expressions in a time zone (floor 1)."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

FIELDS = 5
"""Minute, hour, day of month, month, day of week."""


def cron_fault(expression: str) -> str | None:
    """What is wrong with a cron expression, None where nothing is."""
    if len(expression.split()) != FIELDS:
        return "it has not five fields: minute, hour, day of month, month, day of week"
    try:
        next(CronSim(expression, datetime(2024, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        return str(error).lower()
    except StopIteration:
        return "there is no such day"
    return None


def next_after(expression: str, moment: datetime, zone: str) -> datetime:
    """The first time of a cron expression behind an aware moment, in UTC; the expression holds in the time zone.

    As cron does at a change of the clock: an hour named that is skipped is done right after, one that comes twice is
    done once; what is due every hour or every few minutes goes on by real time.
    """
    return next(CronSim(expression, moment.astimezone(ZoneInfo(zone)))).astimezone(UTC)
