"""Commands of the command line: `crm x sales …`."""

from __future__ import annotations

from datetime import date
from typing import Any

from crm_kernel import Argument, Command, Crm

from . import domain


async def forecast(crm: Crm, *, since: date | None, until: date | None) -> list[dict[str, Any]]:
    """A row for each month and currency: what is won, what is open by category, and what is to be expected."""
    period = {"since": since, "until": until}
    asked = {name: day.isoformat() for name, day in period.items() if day is not None}
    won = await crm.report("revenue-by-month", **asked)
    open_ = await crm.report("forecast", **asked)
    return domain.outlook(won["rows"], open_["rows"])


FORECAST = Command(
    name="forecast",
    handle=forecast,
    help="What was won and what is to be expected, by month and currency.",
    arguments=[
        Argument(name="since", type="date", help="Closed, or expected to close, on this day or later."),
        Argument(name="until", type="date", help="The same on this day or earlier."),
    ],
)

ALL = [FORECAST]
