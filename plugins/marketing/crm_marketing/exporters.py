"""The suppression list for whatever sends: hashes alone, as senders take them, so no address leaves the house."""

from collections.abc import AsyncIterable, AsyncIterator
from typing import Any

from crm_kernel import Exporter


async def hashes(records: AsyncIterable[Any]) -> AsyncIterator[bytes]:
    """One SHA-256 of an address in lower case a line."""
    async for record in records:
        if (hash := record.get("address_hash")) is not None:
            yield f"{hash}\n".encode()


EXPORTERS = [
    Exporter(
        name="suppression_hashes",
        title="Suppression list (SHA-256)",
        entity="suppression",
        suffix=".txt",
        media_type="text/plain",
        write=hashes,
    )
]
