"""What follows after the commit: viewings become activities, offers are linked to viewings, buyers are matched."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crm_kernel import Change, Crm, Event, Listener

from . import matching
from .entities import ListingMatch

MATCHED = "stage in ('Coming Soon', 'Active', 'Active Under Contract')"
"""Listings that buyers are told of."""

CAME = f"{MATCHED} and event.from not in ('Coming Soon', 'Active', 'Active Under Contract')"
"""They were not before: what stays on the market was measured then, and at each change since."""

MATCHES = 50
"""The best matches kept for a new requirement; listings that come later add theirs."""

ENOUGH = 10_000
"""More records than one office has requirements or listings on the market."""


async def log_viewing(event: Event, crm: Crm) -> None:
    """A completed viewing is an activity on the buyer (without one, on the listing)."""
    viewing = event.after or {}
    listing = await crm.get("listing", viewing["listing"])
    where = listing["unparsed_address"] or listing["listing_id"]
    impressions = [viewing["comment"], viewing["price_opinion"] and f"Price: {viewing['price_opinion']}"]
    activity = {
        "type": "meeting",
        "subject": f"Viewing: {where}",
        "body": "\n".join(text for text in impressions if text) or None,
        "about": viewing["buyer"] or viewing["listing"],
        "starts_at": viewing["starts_at"],
        "ends_at": viewing["ends_at"],
        "done_at": viewing["ends_at"],
        "outcome": viewing["interest"] and f"interest {viewing['interest']} of 5",
        "location": listing["unparsed_address"],
        "owner": viewing["agent"],
    }
    await crm.write([Change.create("activity", activity)])


async def link_viewings(event: Event, crm: Crm) -> None:
    """The viewings that led to an offer name it: so the report knows how many it took."""
    offer = event.after
    if offer is None:  # purged since
        return
    led = "listing = @param.listing and buyer = @param.buyer and stage = 'completed' and offer is null"
    viewings = await crm.find("viewing", led, listing=offer["listing"], buyer=offer["buyer"])
    if viewings:
        await crm.write([Change.update("viewing", viewing["id"], offer=event.record) for viewing in viewings])


async def match_buyers(event: Event, crm: Crm) -> None:
    """A listing came on the market or changed: which buyers look for it ("reverse prospecting")."""
    listing = dict(event.after or {})
    if event.type == "record.updated" and not matching.MEASURED & set(event.changed):
        return
    requirements = await crm.find("buyer_requirement", "active = true", limit=ENOUGH)
    known = await crm.find("listing_match", "listing = @param.listing", limit=ENOUGH, listing=event.record)
    remembered = {found["requirement"] for found in known}
    looking = [r for r in map(dict, requirements) if r["id"] in remembered or matching.fits(r, listing)]
    await _remember(crm, [(requirement, listing, matching.match(requirement, listing)) for requirement in looking])


async def match_listings(event: Event, crm: Crm) -> None:
    """A requirement is new or changed: which listings on the market fit it."""
    requirement = dict(event.after or {})
    listings = [dict(listing) for listing in await crm.find("listing", MATCHED, limit=ENOUGH)]
    known = await crm.find("listing_match", "requirement = @param.id", limit=ENOUGH, id=event.record)
    remembered = {found["listing"] for found in known}
    fitting = matching.best(requirement, (r for r in listings if r["id"] not in remembered), MATCHES)
    again = [(r, matching.match(requirement, r)) for r in listings if r["id"] in remembered]
    await _remember(crm, [(requirement, listing, found) for listing, found in [*fitting, *again]])


async def _remember(crm: Crm, pairs: Iterable[tuple[Any, Any, matching.Match]]) -> None:
    """Keeps one record a pair; what the buyer was sent and how he judged it stays."""
    changes = [
        Change.upsert(
            ListingMatch,
            ("pair",),
            {
                "pair": f"{requirement['id']}:{listing['id']}",
                "requirement": requirement["id"],
                "listing": listing["id"],
                "fits": found.fits,
                "score": found.score,
                "reasons": [finding._asdict() for finding in found.reasons],
                "owner": requirement["owner"],
            },
        )
        for requirement, listing, found in pairs
    ]
    if changes:
        await crm.write(changes)


ALL = [
    Listener(event="record.moved", entity="viewing", where="event.to = 'completed'", handle=log_viewing),
    Listener(event="record.created", entity="offer", handle=link_viewings),
    Listener(
        event="record.created", entity="listing", where=MATCHED, handle=match_buyers, name="match_created_listing"
    ),
    Listener(
        event="record.updated", entity="listing", where=MATCHED, handle=match_buyers, name="match_updated_listing"
    ),
    Listener(event="record.moved", entity="listing", where=CAME, handle=match_buyers, name="match_moved_listing"),
    Listener(
        event="record.created",
        entity="buyer_requirement",
        where="active = true",
        handle=match_listings,
        name="match_created_requirement",
    ),
    Listener(
        event="record.updated",
        entity="buyer_requirement",
        where="active = true",
        handle=match_listings,
        name="match_updated_requirement",
    ),
]
