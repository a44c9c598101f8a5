"""`crm x real_estate …`."""

from datetime import timedelta
from typing import Any

from crm_kernel import Argument, Command, Crm

from .entities import Listing
from .pipelines import SHOWN


async def unsold(crm: Crm, days: int) -> list[dict[str, Any]]:
    """The listings that have been on the market for so many days, the longest first."""
    since = crm.now().date() - timedelta(days=days)
    found = await crm.find(
        Listing, "stage in @param.stages and on_market_date <= @param.since", sort="on_market_date", limit=500,
        stages=list(SHOWN), since=since.isoformat(),
    )  # fmt: skip
    return [
        {"listing": one["listing_id"], "address": one["unparsed_address"], "on_market": one["on_market_date"]}
        for one in found
    ]


ALL = [
    Command(
        name="unsold",
        handle=unsold,
        help="Listings that have been on the market for long.",
        arguments=[Argument(name="days", type="integer", default=90, help="For how many days at least.")],
    )
]
