"""Who a campaign goes to: its segment as it is when sending begins, kept as members. Each is one once, however often
this runs; those who must not be written to are members too, with the reason."""

import hashlib
from collections.abc import Sequence
from typing import Any

from crm_kernel import Change, Crm, Event, Job
from crm_kernel.base import Contact

from .entities import Campaign, CampaignMember
from .finding import AT_ONCE, among
from .permission import reasons

LISTED = "any(segment_memberships, segment = @param.segment)"


async def choose(crm: Crm, campaign: Any) -> None:
    """Make members of all contacts of the segment who are none yet. Where it was cut off, it goes on."""
    segment = await crm.get("segment", campaign.segment)
    chosen = LISTED if segment.kind == "static" else segment.filter
    params = {"segment": segment.id} if segment.kind == "static" else {}
    pages = crm.batches(Contact, chosen, size=AT_ONCE, as_user=campaign.launched_by, **params)
    async for contacts in pages:
        await _add(crm, campaign, contacts)
    await crm.write(
        [Change.update(Campaign, campaign.id, recipients_at=crm.now())], key=f"recipients:{campaign.id}:{crm.now()}"
    )


async def _add(crm: Crm, campaign: Any, contacts: Sequence[Any]) -> None:
    ids = [contact.id for contact in contacts]
    where = "campaign = @param.campaign and contact in @param.among"
    members = {m.contact for m in await among(crm.find, CampaignMember, where, ids, campaign=campaign.id)}
    new = [contact for contact in contacts if contact.id not in members]
    # With system rights: what someone said to others holds too.
    found = await among(crm.find, Contact, "id in @param.among", [contact.id for contact in new])
    refused = await reasons(crm.find, found, campaign.channel, campaign.purpose, crm.now())
    changes = [_member(campaign, contact.id, refused.get(contact.id)) for contact in found]
    if changes:
        # A key of their own: a listener that is repeated meets other contacts on its first page.
        digest = hashlib.sha256("".join(sorted(contact.id for contact in found)).encode()).hexdigest()
        await crm.write(changes, key=f"members:{campaign.id}:{digest}")


def _member(campaign: Any, contact: str, reason: str | None) -> Change[CampaignMember]:
    values = {
        "campaign": campaign.id,
        "contact": contact,
        "pair": f"{campaign.id}:{contact}",
        "stage": "pending" if reason is None else "suppressed",
        "suppressed_reason": reason,
        "owner": campaign.owner,
        "team": campaign.team,
    }
    return Change.upsert(CampaignMember, ("pair",), values, found="skip")


async def sending(event: Event, crm: Crm) -> None:
    """Sending begins: the recipients are chosen."""
    for campaign in await crm.find(Campaign, f"{UNCHOSEN} and id = @param.id", id=event.record):
        await choose(crm, campaign)


UNCHOSEN = "stage = 'sending' and recipients_at is null"
DUE = "stage = 'scheduled' and starts_at <= @now"


async def go_on(crm: Crm) -> None:
    """Begins campaigns whose time has come, and goes on with what was cut off."""
    for campaign in await crm.find(Campaign, DUE, limit=1000):
        await crm.move("campaign", campaign.id, "sending")
    for campaign in await crm.find(Campaign, UNCHOSEN, limit=1000):
        await choose(crm, campaign)


JOBS = [Job(name="send", every="* * * * *", handle=go_on, title="Campaigns whose time has come")]
