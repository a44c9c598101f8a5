"""Who may be written to: what people said, and the suppression list. Asked when sending begins, and at each send."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from . import domain
from .domain import Channel
from .entities import Consent, Suppression
from .finding import Find, among


async def reasons(
    find: Find, contacts: Collection[Mapping[str, Any]], channel: Channel, purpose: str, now: datetime
) -> dict[str, str]:
    """Why contacts must not be written to: reason by the id of each who must not."""
    said = await said_by(find, [contact["id"] for contact in contacts])
    addresses = [domain.address_for(channel, contact) for contact in contacts]
    hashes = [domain.address_hash(address) for address in addresses if address is not None]
    rows = await among(find, Suppression, "address_hash in @param.among", hashes)
    listed = {row.address_hash: row.reason for row in rows}
    found: dict[str, str] = {}
    for contact in contacts:
        verdict = domain.consent_of(said.get(contact["id"], ()), purpose, channel, now)
        reason = domain.suppressed(channel, contact, listed, verdict)
        if reason is not None:
            found[contact["id"]] = reason
    return found


async def said_by(find: Find, contacts: Collection[str]) -> dict[str, list[domain.Consent]]:
    """All that these contacts (ids) ever said, by contact."""
    said: dict[str, list[domain.Consent]] = defaultdict(list)
    for record in await among(find, Consent, "contact in @param.among", contacts):
        said[record.contact].append(consent(record))
    return said


def consent(record: Any) -> domain.Consent:
    """A stored or new consent as the rules see it."""
    return domain.Consent(record.status, record.at, record.purpose, record.channel, record.basis, record.expires_at)
