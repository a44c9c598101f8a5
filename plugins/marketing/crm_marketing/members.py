"""Members of campaigns: nobody twice, nobody who must not be written to; what their answers mean for later ones."""

from collections.abc import Iterable
from typing import Any

from crm_kernel import Batch, Change
from crm_kernel.base import Contact

from . import domain
from .entities import Campaign, CampaignMember, Consent, SegmentMember, Suppression
from .finding import among
from .permission import reasons

TOLD = ("import", "undo")
"""Channels that tell of what took place: what was sent once stays sent."""


def pairs(batch: Batch) -> None:
    """The unique pair of a member: a second one of the same is refused (`unique`)."""
    for change in written(batch.of(CampaignMember)):
        pair = f"{change.after.campaign}:{change.after.contact}"
        if change.after.pair != pair:
            change.amend(pair=pair)
    for change in written(batch.of(SegmentMember)):
        pair = f"{change.after.segment}:{change.after.contact}"
        if change.after.pair != pair:
            change.amend(pair=pair)


async def permitted(batch: Batch) -> None:
    """Who waits for a message or is sent one may be written to, at this moment."""
    if batch.channel in TOLD:
        return
    entering = [c for c in written(batch.of(CampaignMember)) if _enters(c, "pending", "sent")]
    for campaign, changes in (await _by_campaign(batch, entering)).values():
        ids = [change.after.contact for change in changes]
        contacts = await among(batch.find, Contact, "id in @param.among", ids)
        refused = await reasons(batch.find, contacts, campaign.channel, campaign.purpose, batch.now())
        for change in changes:
            if (reason := refused.get(change.after.contact)) is not None:
                detail = f"This contact must not be written to: {reason}."
                change.refuse("/contact", detail, code="marketing.suppressed")


async def answered(batch: Batch) -> None:
    """An unsubscription withdraws consent, a complaint is an objection; bad and complaining addresses are listed."""
    answers = [c for c in written(batch.of(CampaignMember)) if _enters(c, "unsubscribed", "complained", "bounced")]
    for campaign, changes in (await _by_campaign(batch, answers)).values():
        ids = [change.after.contact for change in changes]
        addressed = {c.id: c for c in await among(batch.find, Contact, "id in @param.among", ids)}
        for change in changes:
            _follow(batch, change.after, campaign, addressed.get(change.after.contact))


def _follow(batch: Batch, member: Any, campaign: Any, contact: Any) -> None:
    said = {"unsubscribed": "withdrawn", "complained": "objected"}.get(member.stage)
    if said is not None:
        record = {
            "contact": member.contact,
            "purpose": campaign.purpose,
            "channel": campaign.channel if said == "withdrawn" else "any",
            "status": said,
            "at": batch.now(),
            "source": f"campaign {campaign.name}"[:200],
        }
        batch.add(Change.create(Consent, record))
    reason = "complaint" if member.stage == "complained" else "hard_bounce" if member.bounce == "hard" else None
    address = None if contact is None else domain.address_for(campaign.channel, contact)
    if reason is not None and address is not None:
        listed = {"address": address, "address_hash": domain.address_hash(address), "reason": reason}
        batch.add(Change.upsert(Suppression, ("address_hash",), listed, found="skip"))


async def _by_campaign(
    batch: Batch, changes: list[Change[CampaignMember]]
) -> dict[str, tuple[Any, list[Change[CampaignMember]]]]:
    """Changes by the campaign of their members, with that campaign."""
    ids = {change.after.campaign for change in changes}
    campaigns = {c.id: c for c in await among(batch.find, Campaign, "id in @param.among", ids)}
    campaigns.update({c.after.id: c.after for c in written(batch.of(Campaign))})
    found: dict[str, tuple[Any, list[Change[CampaignMember]]]] = {}
    for change in changes:
        campaign = campaigns.get(change.after.campaign)
        if campaign is not None:
            found.setdefault(campaign.id, (campaign, []))[1].append(change)
    return found


def _enters(change: Change[CampaignMember], *stages: str) -> bool:
    before: Any = change.before
    return change.after.stage in stages and (before is None or before.stage != change.after.stage)


def written(changes: Iterable[Change[Any]]) -> list[Change[Any]]:
    """The changes after which their record is there."""
    return [change for change in changes if change.kind not in ("delete", "purge")]
