"""Secrets of users, as hashes: no field of a record and in no answer."""

from __future__ import annotations

from crm_kernel.storage.ports import Reads, Tx
from crm_kernel.storage.tables import Secret

PASSWORD = "password"
_PUT = (
    'INSERT INTO crm_secret ("user", kind, hash, updated_at) VALUES (?, ?, ?, ?)'
    ' ON CONFLICT ("user", kind) DO UPDATE SET hash = excluded.hash, updated_at = excluded.updated_at'
)


async def put(tx: Tx, user: str, kind: str, hash: str, at: str) -> None:
    """Set or replace one secret of a user."""
    await tx.execute(_PUT, (user, kind, hash, at))


async def get(reads: Reads, user: str, kind: str) -> str | None:
    """The hash of one secret of a user, None where he has none."""
    query = Secret.select(Secret.hash).where(Secret.user == user).where(Secret.kind == kind)
    rows = await reads.run(query)
    return rows[0]["hash"] if rows else None


async def remove(tx: Tx, user: str) -> None:
    """Remove all secrets of a user."""
    await tx.run(Secret.delete().where(Secret.user == user))
