"""Contacts that are merged into one: he is a member once, what all of them said is his, and the stricter holds."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from crm_kernel import Batch, Change
from crm_kernel.base import Contact

from . import consents
from .entities import CampaignMember, Consent, SegmentMember
from .finding import among

FURTHEST = (
    *("complained", "unsubscribed", "converted", "replied", "clicked", "opened", "bounced", "delivered", "sent"),
    *("failed", "suppressed", "pending"),
)
"""Of two members of one campaign the one whose stage stands first stays: what was said, then how far it came. One who
must not be written to is not written to because the other waits for a message."""


async def merge(batch: Batch) -> None:
    """Settles what would be there twice; the kernel then moves all that refers to the merged contacts."""
    for change in batch.of(Contact):
        if any(record["do_not_contact"] for record in change.merged_records) and not change.after.do_not_contact:
            change.amend(do_not_contact=True)
        people = [change.after.id, *(record["id"] for record in change.merged_records)]
        members = await among(batch.find, CampaignMember, "contact in @param.among", people)
        _once(batch, sorted(members, key=lambda member: FURTHEST.index(member.stage)), "campaign")
        _once(batch, await among(batch.find, SegmentMember, "contact in @param.among", people), "segment")
        said = await among(batch.find, Consent, "contact in @param.among and latest = true", people)
        newest = {(record.purpose, record.channel): record.id for record in sorted(said, key=consents.age)}
        consents.mark(batch, said, set(newest.values()))


def _once(batch: Batch, records: Iterable[Any], by: str) -> None:
    """Deletes all but the first record of each campaign or segment."""
    found: dict[str, list[Any]] = defaultdict(list)
    for record in records:
        found[record[by]].append(record)
    for _, *others in found.values():
        for record in others:
            batch.add(Change.delete(CampaignMember if by == "campaign" else SegmentMember, record.id))
