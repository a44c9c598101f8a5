"""What the plugin fills in before a write: prices kept, ends of viewings, acceptance; market dates at a move."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from crm_kernel import Batch, Change

from . import domain
from .entities import Listing, Offer, Viewing
from .pipelines import SHOWN

ON_MARKET = (*SHOWN, "Coming Soon")
OFF_MARKET = ("Pending", "Hold", "Withdrawn", "Closed", "Canceled", "Expired")
ADDRESS_PARTS = ("street_dir_prefix", "street_name", "street_suffix", "street_number", "unit_number", "city")


async def keep(batch: Batch) -> None:
    """All of it, for the changes of one operation."""
    _listings(batch)
    _viewings(batch)
    await _offers(batch)


def _listings(batch: Batch) -> None:
    """Keeps what a listing's own changes say: address, former prices, days on the market."""
    for change in batch.of(Listing):
        if change.kind in ("delete", "purge"):
            continue
        _keep_address(change)
        _keep_prices(change)
        _keep_days_on_market(change)


def _keep_address(change: Change[Listing]) -> None:
    after = change.after
    if after.unparsed_address is None and after.street_name is not None:
        change.amend(unparsed_address=domain.address({name: getattr(after, name) for name in ADDRESS_PARTS}))


def _keep_prices(change: Change[Listing]) -> None:
    before, after = change.before, change.after
    if after.list_price is None:
        return
    former = None if before is None else before.list_price
    if after.original_list_price is None:
        change.amend(original_list_price=former or after.list_price)
    if before is None or former is None or former == after.list_price:
        return
    if before.previous_list_price == after.previous_list_price:
        change.amend(previous_list_price=former)


def market_dates(batch: Batch) -> None:
    """Dates come from real moves only: a listing created in a late stage is history, and its dates are its own."""
    today = _today(batch)
    for change in batch.of(Listing):
        before, after = change.before, change.after
        if before is None:
            continue
        if after.stage in SHOWN and after.on_market_date is None:
            change.amend(on_market_date=today)
        if after.stage in OFF_MARKET and after.off_market_date is None:
            change.amend(off_market_date=today)
        came_back = after.stage in ON_MARKET and after.off_market_date is not None
        if came_back and after.off_market_date == before.off_market_date:
            change.amend(off_market_date=None)


def _keep_days_on_market(change: Change[Listing]) -> None:
    after = change.after
    if after.on_market_date is None:
        return
    days = domain.days_on_market(after.on_market_date, (after.off_market_date, after.close_date))
    if days != after.days_on_market:
        change.amend(days_on_market=days)


def _viewings(batch: Batch) -> None:
    """A viewing booked without an end takes as long as viewings of this office take."""
    for change in batch.of(Viewing):
        after = change.after
        if change.kind not in ("delete", "purge") and after.ends_at is None:
            change.amend(ends_at=after.starts_at + timedelta(minutes=batch.settings.viewing_minutes))


async def _offers(batch: Batch) -> None:
    """An accepted offer takes its listing off the market, in the same transaction; other offers stay as backup."""
    accepted = [c for c in batch.of(Offer) if is_accepted_now(c)]
    if not accepted:
        return
    ids = {change.after.listing for change in accepted} - {change.id for change in batch.of(Listing)}
    await batch.lock(*(f"listing:{id}" for id in ids))
    on_market = "id in @param.ids and stage in ('Active', 'Active Under Contract')"
    for listing in await batch.find(Listing, on_market, ids=sorted(ids)):
        batch.add(Change.move(Listing, listing.id, "Pending", values={"purchase_contract_date": _today(batch)}))


def _today(batch: Batch) -> date:
    """The day it is where the caller is."""
    return batch.now().astimezone(ZoneInfo(batch.actor.timezone)).date()


def is_accepted_now(change: Change[Offer]) -> bool:
    """Whether this change is what makes an offer accepted."""
    if change.kind in ("delete", "purge") or change.after.stage != "accepted":
        return False
    return change.before is None or change.kind == "restore" or change.before.stage != "accepted"
