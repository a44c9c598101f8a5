"""Consent and the suppression list, as they are written: the moment, the hash, which record is the latest."""

from collections.abc import Iterable
from typing import Any

from crm_kernel import Batch, Change

from . import domain
from .entities import Consent, Suppression
from .finding import among
from .members import written


def hashes(batch: Batch) -> None:
    """The hash of an address that is listed."""
    for change in written(batch.of(Suppression)):
        address = change.after.address
        if address is None:
            continue
        hash = domain.address_hash(address)
        if change.after.address_hash not in (None, hash):
            detail = "This is not the SHA-256 of the address in lower case; leave it out."
            change.refuse("/address_hash", detail, code="marketing.address_hash")
        elif change.after.address_hash is None:
            change.amend(address_hash=hash)


def moments(batch: Batch) -> None:
    """What is said now is said now; nobody has said yet what he will say."""
    for change in batch.of(Consent):
        if change.kind != "create":
            continue
        if change.after.at is None:
            change.amend(at=batch.now())
        elif change.after.at > batch.now():
            change.refuse("/at", "Consent is recorded when it was given, not before.", code="marketing.future")


async def latest(batch: Batch) -> None:
    """Marks the newest record of each contact, purpose and channel; those before it no longer are."""
    new = [change for change in batch.of(Consent) if change.kind == "create" and change.after.at is not None]
    stored = await among(
        batch.find, Consent, "contact in @param.among and latest = true", {change.after.contact for change in new}
    )
    newest: dict[tuple[str, str, str], Any] = {}
    for record in sorted((*stored, *(change.after for change in new)), key=age):
        newest[record.contact, record.purpose, record.channel] = record
    ids = {record.id for record in newest.values()}
    for change in new:
        change.amend(latest=change.after.id in ids)
    mark(batch, stored, ids)


def mark(batch: Batch, stored: Iterable[Any], ids: set[str]) -> None:
    """Says of stored records whether they are the latest, where that is not what they say."""
    for record in stored:
        if record.latest != (record.id in ids):
            batch.add(Change.update(Consent, record.id, latest=record.id in ids))


def age(record: Any) -> tuple[Any, int]:
    """What newer and, of one moment, stricter records are greater by."""
    return record.at, domain.STRICTNESS.index(record.status)
