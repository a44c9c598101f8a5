"""Rules that refuse: those about one record before it is written, those over several after (`check_write`)."""

from collections.abc import Iterator
from typing import Any, TypeVar

from crm_kernel import Batch, Change, DocumentPlan

from . import domain
from .entities import Listing, Offer, Viewing
from .pipelines import BOOKED, SHOWN
from .upkeep import is_accepted_now

BY_PEOPLE = ("api", "web")
"""Channels through which people ask for a viewing; imports, plugins and the command line tell of arranged ones."""

AT_ONCE = 400
"""Viewings whose rivals are sought with one query: a list in a filter holds 1,000 values."""

EVERY = 100_000
"""A limit that no calendar reaches: a rule that saw only some of the rivals would be none."""

C = TypeVar("C")


def times(batch: Batch) -> None:
    """A viewing ends after it starts, and is requested with the notice that the office asks for."""
    for change in _viewings(batch):
        if not _differs(change, "starts_at", "ends_at"):
            continue
        viewing = change.after
        if viewing.ends_at is not None and viewing.ends_at <= viewing.starts_at:
            change.refuse("/ends_at", "A viewing ends after it starts.", code="real_estate.ends_before_start")
        if batch.channel in BY_PEOPLE and viewing.stage == "requested" and not viewing.notice_waived:
            _notice(batch, change)


def sold_listings_stay(batch: Batch) -> None:
    """A closed listing is the record of a sale: it is not merged into another one, nor is that with what it said."""
    for change in batch.of(Listing):
        for place, listing in enumerate(change.merged_records):
            if listing.stage == "Closed":
                detail = f"{listing.listing_id} is sold; its sale would be lost."
                change.refuse(f"/from/{place}", detail, code="real_estate.sold")


def stages_that_rules_name(plan: DocumentPlan) -> None:
    """A pipeline that takes the place of one of ours keeps the stages that the rules of this plugin speak of."""
    needed = {"listing": {*SHOWN, "Pending"}, "viewing": {*BOOKED}, "offer": {"accepted"}}
    for document in plan.of("pipeline"):
        if document.after is not None and document.after.get("overrides") == "real_estate":
            kept = {stage["name"] for stage in document.after["stages"]}
            for name in sorted(needed[document.name] - kept):
                detail = f"The stage {name!r} is missing; the rules of real estate speak of it."
                plan.refuse(document, "/stages", detail, code="real_estate.stage_missing")


def _notice(batch: Batch, change: Change[Viewing]) -> None:
    hours = batch.settings.viewing_notice_hours
    if _differs(change, "starts_at") and domain.notice_missing(batch.now(), change.after.starts_at, hours):
        detail = f"A viewing is requested {hours} hours ahead; with the seller's consent set notice_waived."
        change.refuse("/starts_at", detail, code="real_estate.notice")


async def shown(batch: Batch) -> None:
    """A viewing is requested or confirmed only for a listing that may be shown. What took place already may be told
    of any listing."""
    asked = [c for c in _viewings(batch) if c.after.stage in ("requested", "confirmed")]
    asked = [c for c in asked if _differs(c, "listing", "stage", "starts_at")]
    if not asked:
        return
    stages = (*SHOWN, "Coming Soon") if batch.settings.show_coming_soon else SHOWN
    for part in _parts(asked):
        ids = sorted({change.after.listing for change in part})
        stage_of = {r.id: r.stage for r in await batch.find(Listing, "id in @param.ids", ids=ids)}
        for change in part:
            stage = stage_of.get(change.after.listing)
            if stage not in stages:
                detail = f"A listing is shown in the stages {', '.join(stages)}; this one is {stage or 'deleted'}."
                change.refuse("/listing", detail, code="real_estate.not_shown")


async def no_double_booking(batch: Batch) -> None:
    """No two viewings of one listing, or by one agent, at the same time; but group viewings of one listing may.

    Rivals share the key of the listing or of the agent, so the later of two transactions sees the earlier one's row.
    """
    booked = [c for c in _viewings(batch) if c.after.stage in BOOKED and _takes_up(c)]
    if not booked:
        return
    ranks = {change.after.id: rank for rank, change in enumerate(booked, start=1)}
    changes = {change.after.id: change for change in booked}
    await batch.lock(*sorted({key for change in booked for key in _keys(change)}))
    bookings: dict[str, domain.Booking] = {}
    for part in _parts(sorted(booked, key=lambda c: c.after.starts_at)):
        for rival in await _rivals(batch, part):
            bookings[rival.id] = _booking(rival, ranks.get(rival.id, 0))
    for clash in domain.clashes(bookings.values()):
        detail = f"The {clash.what} is booked from {clash.rival.starts_at:%Y-%m-%d %H:%M} UTC on."
        changes[clash.booking.id].refuse("/starts_at", detail, code="real_estate.double_booking")


async def _rivals(batch: Batch, part: list[Change[Viewing]]) -> list[Any]:
    """The stored viewings, those of this batch among them, that may want what these want."""
    same = "(listing in @param.listings or agent in @param.agents)"
    if not any(change.after.agent for change in part):
        same = "listing in @param.listings"
    return await batch.find(
        Viewing,
        f"stage in ('requested', 'confirmed', 'completed') and starts_at < @param.until"
        f" and ends_at > @param.since and {same}",
        listings=sorted({change.after.listing for change in part}),
        agents=sorted({change.after.agent for change in part if change.after.agent is not None}),
        since=min(change.after.starts_at for change in part),
        until=max(change.after.ends_at or change.after.starts_at for change in part),
        limit=EVERY,
    )


def _booking(viewing: Any, rank: int) -> domain.Booking:
    return domain.Booking(
        id=viewing.id,
        listing=viewing.listing,
        agent=viewing.agent,
        starts_at=viewing.starts_at,
        ends_at=viewing.ends_at or viewing.starts_at,
        group=viewing.group_viewing,
        rank=rank,
    )


def _keys(change: Change[Viewing]) -> Iterator[str]:
    yield f"listing:{change.after.listing}"
    if change.after.agent is not None:
        yield f"agent:{change.after.agent}"


def _takes_up(change: Change[Viewing]) -> bool:
    """Whether a booked viewing wants something it did not have before."""
    if change.before is not None and change.before.stage not in BOOKED:
        return True
    return _differs(change, "listing", "agent", "starts_at", "ends_at", "group_viewing")


async def one_accepted_offer(batch: Batch) -> None:
    """A listing is sold once: a second offer is accepted only after the first fell through (accepted → withdrawn)."""
    accepted = [c for c in batch.of(Offer) if is_accepted_now(c)]
    if not accepted:
        return
    await batch.lock(*sorted({f"listing:{change.after.listing}" for change in accepted}))
    for part in _parts(accepted):
        ids = sorted({change.after.listing for change in part})
        stored = await batch.find(Offer, "listing in @param.ids and stage = 'accepted'", limit=EVERY, ids=ids)
        first: dict[str, str] = {}
        mine = {change.after.id for change in part}
        for offer in sorted(stored, key=lambda o: o.id in mine):
            first.setdefault(offer.listing, offer.id)
        for change in part:
            if first.get(change.after.listing) != change.after.id:
                detail = "Another offer for this listing is accepted."
                change.refuse("/stage", detail, code="real_estate.accepted_already")


def _viewings(batch: Batch) -> list[Change[Viewing]]:
    return [change for change in batch.of(Viewing) if change.kind not in ("delete", "purge")]


def _differs(change: Change[Viewing], *names: str) -> bool:
    before = change.before
    return (
        before is None
        or change.kind == "restore"
        or any(getattr(before, name) != getattr(change.after, name) for name in names)
    )


def _parts(changes: list[C]) -> Iterator[list[C]]:
    for start in range(0, len(changes), AT_ONCE):
        yield changes[start : start + AT_ONCE]
