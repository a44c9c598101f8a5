"""Single values about the database. `epoch` changes whenever something changes that processes keep in memory."""

from __future__ import annotations

from crm_kernel.storage.ports import Reads, Tx

EPOCH = "epoch"
_SET = "INSERT INTO crm_meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
_BUMP = (
    "INSERT INTO crm_meta (key, value) VALUES (?, '1')"
    " ON CONFLICT (key) DO UPDATE SET value = CAST(CAST(crm_meta.value AS INTEGER) + 1 AS TEXT)"
)


async def get(reads: Reads, key: str) -> str | None:
    """One value, None where it was never set."""
    rows = await reads.read("SELECT value FROM crm_meta WHERE key = ?", (key,))
    return rows[0][0] if rows else None


async def put(tx: Tx, key: str, value: str) -> None:
    """Set one value."""
    await tx.execute(_SET, (key, value))


async def epoch(reads: Reads) -> int:
    """The number that was bumped last: users, teams, tokens or documents read before another are out of date."""
    return int(await get(reads, EPOCH) or 0)


async def bump_epoch(tx: Tx) -> None:
    """Say that users, teams, tokens or documents change with this transaction."""
    await tx.execute(_BUMP, (EPOCH,))
    await tx.announce()
