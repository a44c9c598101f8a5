"""What records of earlier versions need once."""

from crm_kernel import Change, Crm, Migration

from .entities import Listing


async def keep_first_prices(crm: Crm) -> None:
    """Listings from before `original_list_price` was kept: the first price known of them is the present one."""
    async for listings in crm.batches(Listing, "original_list_price is null and list_price is not null"):
        await crm.write([Change.update(Listing, r.id, original_list_price=r.list_price) for r in listings])


ALL = [Migration(version="0.1.0", name="keep-first-prices", run=keep_first_prices)]
