"""What is due by the clock: listings and offers whose time is over expire."""

from crm_kernel import Crm, Error, Job

RUNS_OUT = "expiration_date < @today and stage in ('Active', 'Coming Soon', 'Hold', 'Withdrawn')"
"""Under contract and later the date of the agreement with the seller does not matter any more."""

LAPSED = "expires_at < @now and stage in ('submitted', 'countered')"


async def expire_listings(crm: Crm) -> None:
    """Listings whose agreement has run out. Done again, it finds only those that are left."""
    await _move_all(crm, "listing", RUNS_OUT, "Expired")


async def expire_offers(crm: Crm) -> None:
    """Offers that nobody answered in time."""
    await _move_all(crm, "offer", LAPSED, "expired")


async def _move_all(crm: Crm, entity: str, which: str, to: str) -> None:
    """Each by itself: one that a rule holds back is told at the end and keeps no other."""
    refused: list[str] = []
    async for records in crm.batches(entity, which):
        for record in records:
            try:
                await crm.move(entity, record["id"], to)
            except Error as error:
                refused.append(f"{record['id']}: {error.detail}")
    if refused:
        raise RuntimeError(f"{len(refused)} could not be moved to {to}, such as {refused[0]}")


ALL = [
    Job(name="expire-listings", every="5 0 * * *", handle=expire_listings, title="Listings expire"),
    Job(name="expire-offers", every="*/15 * * * *", handle=expire_offers, title="Offers expire"),
]
