"""Single values about the database: two of them change whenever something changes that processes keep in memory."""

from __future__ import annotations

from crm_kernel.storage.ports import Reads, Tx

EPOCH = "epoch"
"""Of users, teams and tokens."""
DOCUMENTS = "documents"
"""Of the documents in force."""
_MARKS = "SELECT key, value FROM crm_meta WHERE key IN ('epoch', 'documents')"
_SET = "INSERT INTO crm_meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
_BUMP = (
    "INSERT INTO crm_meta (key, value) VALUES (?, '1')"
    " ON CONFLICT (key) DO UPDATE SET value = CAST(CAST(crm_meta.value AS INTEGER) + 1 AS TEXT)"
    " RETURNING value"
)


async def get(reads: Reads, key: str) -> str | None:
    """One value, None where it was never set."""
    rows = await reads.read("SELECT value FROM crm_meta WHERE key = ?", (key,))
    return rows[0][0] if rows else None


async def put(tx: Tx, key: str, value: str) -> None:
    """Set one value."""
    await tx.execute(_SET, (key, value))


async def marks(reads: Reads) -> tuple[int, int]:
    """(epoch, documents): what was read under another epoch, or other documents, is out of date."""
    found = dict(await reads.read(_MARKS))
    return int(found.get(EPOCH, 0)), int(found.get(DOCUMENTS, 0))


async def bump_epoch(tx: Tx) -> None:
    """Say that users, teams or tokens change with this transaction."""
    await tx.read(_BUMP, (EPOCH,))
    await tx.announce()


async def bump_documents(tx: Tx) -> int:
    """Say that documents change with this transaction, and with them what people may do; the new number."""
    await bump_epoch(tx)
    return int((await tx.read(_BUMP, (DOCUMENTS,)))[0][0])
