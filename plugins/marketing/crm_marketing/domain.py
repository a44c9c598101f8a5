"""The rules of the trade that need no database: consent, addresses, tracking parameters."""

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal, NamedTuple
from urllib.parse import unquote

Status = Literal["not_requested", "pending", "granted", "denied", "withdrawn", "objected", "expired"]
Channel = Literal["email", "sms", "phone", "post", "push"]
ConsentChannel = Literal["email", "sms", "phone", "post", "push", "any"]
Basis = Literal["consent", "contract", "legal_obligation", "vital_interests", "public_task", "legitimate_interests"]
"""Art. 6(1) a-f GDPR."""

STRICTNESS: tuple[Status, ...] = (
    "granted", "not_requested", "pending", "expired", "denied", "withdrawn", "objected"
)  # fmt: skip
"""Of two records of one moment the stricter holds."""

UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "utm_id")
CLICK_IDS = ("gclid", "fbclid", "msclkid")
LONGEST = 200
"""Characters of a tracking parameter that are kept."""


class Consent(NamedTuple):
    """One record of what a person said, or of what was asked."""

    status: Status
    at: datetime
    purpose: str
    channel: ConsentChannel = "any"
    basis: Basis = "consent"
    expires_at: datetime | None = None


class Verdict(NamedTuple):
    """Whether a person may be written to; `reason` is a status, or `no_consent`."""

    allowed: bool
    reason: str


def consent_of(records: Iterable[Consent], purpose: str, channel: Channel, now: datetime) -> Verdict:
    """What holds now for a purpose and a channel, of all records of one person.

    The newest record about the channel (or about any) holds; of two of one moment the stricter. An objection to direct
    marketing (Art. 21) is for every purpose and channel, and nothing later lifts it but consent that the person gives.
    """
    known = sorted((_at(r, now) for r in records if r.at <= now), key=lambda r: (r.at, STRICTNESS.index(r.status)))
    about = [r for r in known if r.purpose == purpose and r.channel in (channel, "any")]
    objected = max((r.at for r in known if r.status == "objected"), default=None)
    if objected is not None:
        about = [r for r in about if r.at > objected]
        if not any(r.status == "granted" and r.basis == "consent" for r in about):
            return Verdict(False, "objected")
    if not about:
        return Verdict(False, "no_consent")
    return Verdict(about[-1].status == "granted", about[-1].status)


def _at(record: Consent, now: datetime) -> Consent:
    """A record as it is now: what was granted until a moment is expired from then on."""
    over = record.status == "granted" and record.expires_at is not None and record.expires_at <= now
    return record._replace(status="expired") if over else record


def normal_address(address: str) -> str:
    """The form by which addresses are compared: NFC, without blanks around, in lower case. Phones are E.164 already."""
    return unicodedata.normalize("NFC", address).strip().casefold()


def address_hash(address: str) -> str:
    """SHA-256 of the normal form (64 hexadecimal digits): an address that was erased is still known by it."""
    return hashlib.sha256(normal_address(address).encode()).hexdigest()


def address_for(channel: Channel, contact: Mapping[str, object]) -> str | None:
    """Where a contact is reached through a channel; None where the channel has no address of his.

    Post and push go by what the sender knows of him: his id stands for the address.
    """
    if channel in ("post", "push"):
        return str(contact["id"])
    found = contact["email" if channel == "email" else "phone"]
    return str(found) if found else None


def suppressed(
    channel: Channel, contact: Mapping[str, object], listed: Mapping[str, str], verdict: Verdict
) -> str | None:
    """Why a contact is left out of a campaign, None where he is not. The suppression list beats everything.

    `listed`: reason by address hash.
    """
    address = address_for(channel, contact)
    if address is not None and (reason := listed.get(address_hash(address))) is not None:
        return f"suppression_list: {reason}"
    if contact["do_not_contact"]:
        return "do_not_contact"
    if not verdict.allowed:
        return verdict.reason
    return "no_address" if address is None else None


def tracking(name: str, value: str) -> str | None:
    """A tracking parameter as it is kept: percent-decoded, trimmed, cut; source and medium in lower case."""
    text = unicodedata.normalize("NFC", unquote(value)).replace("\0", "").strip()
    if name in ("utm_source", "utm_medium"):
        text = text.lower()
    return text[:LONGEST].rstrip() or None


def of_url(url: str) -> dict[str, str]:
    """The tracking parameters in the query of a URL, as they are kept; the first of each name."""
    found: dict[str, str] = {}
    _, _, query = url.partition("#")[0].partition("?")
    for part in query.split("&"):
        name, _, value = part.partition("=")
        kept = tracking(name, value.replace("+", " ")) if name in (*UTM, *CLICK_IDS) and name not in found else None
        if kept is not None:
            found[name] = kept
    return found


def channel_of(touch: Mapping[str, str | None]) -> str:
    """The channel of a touch that names none: its medium, a click id, where it came from, else `direct`."""
    if medium := touch.get("utm_medium"):
        return medium
    if touch.get("gclid") or touch.get("msclkid"):
        return "paid_search"
    if touch.get("fbclid"):
        return "paid_social"
    if touch.get("referrer"):
        return "referral"
    return touch.get("utm_source") or "direct"
