"""Withdrawal is immediate: who takes consent back, or whose address is listed, is taken out of what is being sent."""

from collections import defaultdict
from typing import Any

from crm_kernel import Batch, Change
from crm_kernel.base import Contact

from .domain import Channel, normal_address
from .entities import CampaignMember, Consent, Suppression
from .finding import among

NO = ("denied", "withdrawn", "expired", "objected")
BY_EMAIL: tuple[Channel, ...] = ("email",)
BY_PHONE: tuple[Channel, ...] = ("sms", "phone")


async def withhold(batch: Batch) -> None:
    """Moves members that wait for a message to `suppressed`, in the same transaction."""
    reasons: dict[str, str] = {}
    await _unwilling(batch, reasons)
    await _listed(batch, reasons)
    for id, reason in reasons.items():
        batch.add(Change.move(CampaignMember, id, "suppressed", values={"suppressed_reason": reason}))


async def _unwilling(batch: Batch, reasons: dict[str, str]) -> None:
    said: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for change in batch.of(Consent):
        if change.kind == "create" and change.after.status in NO:
            consent = change.after
            said[consent.status, consent.purpose, consent.channel].append(consent.contact)
    for (status, purpose, channel), contacts in said.items():
        where, params = "stage = 'pending' and contact in @param.among", {}
        if status != "objected":  # which is about every purpose and channel
            where, params = f"{where} and campaign.purpose = @param.purpose", {"purpose": purpose}
            if channel != "any":
                where, params = f"{where} and campaign.channel = @param.channel", {**params, "channel": channel}
        for member in await among(batch.find, CampaignMember, where, contacts, **params):
            reasons[member.id] = status


async def _listed(batch: Batch, reasons: dict[str, str]) -> None:
    """Addresses of which only the hash is known are looked up when the message is sent (`members.permitted`)."""
    listed: dict[str, str] = {}
    for change in batch.of(Suppression):
        address = change.after.address
        if change.kind == "create" and address is not None:
            listed |= dict.fromkeys((address, normal_address(address)), f"suppression_list: {change.after.reason}")
    for field, channels in (("email", BY_EMAIL), ("phone", BY_PHONE)):
        contacts = await among(batch.find, Contact, f"{field} in @param.among", listed)
        why: dict[Any, str] = {contact.id: listed[contact[field]] for contact in contacts}
        where = "stage = 'pending' and contact in @param.among and campaign.channel in @param.channels"
        for member in await among(batch.find, CampaignMember, where, list(why), channels=list(channels)):
            reasons[member.id] = why[member.contact]
