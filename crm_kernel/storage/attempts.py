"""How soon something may be tried again: one moment for each key."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from crm_kernel.storage.ports import Reads, Tx
from crm_kernel.storage.tables import Attempt

_PUT = (
    "INSERT INTO crm_attempt (key, clear_at) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET clear_at = excluded.clear_at"
)


async def find(reads: Reads, keys: Collection[str]) -> dict[str, int]:
    """The moments of those keys that have one, in milliseconds since 1970."""
    query = Attempt.select(Attempt.key, Attempt.clear_at).where(Attempt.key.is_in(list(keys)))
    return {row["key"]: row["clear_at"] for row in await reads.run(query)}


async def put(tx: Tx, moments: Mapping[str, int]) -> None:
    """Set the moments of some keys."""
    await tx.executemany(_PUT, list(moments.items()))


async def forget(tx: Tx, keys: Collection[str]) -> None:
    """Let some keys be as if nothing had been tried."""
    await tx.run(Attempt.delete().where(Attempt.key.is_in(list(keys))))


async def prune(tx: Tx, *, before: int) -> None:
    """Remove the keys whose moment is over."""
    await tx.run(Attempt.delete().where(Attempt.clear_at < before))
