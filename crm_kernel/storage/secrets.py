"""Secrets of users, as hashes: no field of a record and in no answer."""

from __future__ import annotations

from crm_kernel.storage.ports import Reads, Tx
from crm_kernel.storage.tables import Secret

PASSWORD = "password"


async def put(tx: Tx, user: str, kind: str, hash: str, at: str) -> None:
    """Set or replace one secret of a user."""
    row = Secret(user=user, kind=kind, hash=hash, updated_at=at)
    await tx.run(
        Secret.insert(row).on_conflict(
            (Secret.user, Secret.kind), action="DO UPDATE", values=[Secret.hash, Secret.updated_at]
        )
    )


async def get(reads: Reads, user: str, kind: str) -> str | None:
    """The hash of one secret of a user, None where he has none."""
    query = Secret.select(Secret.hash).where(Secret.user == user).where(Secret.kind == kind)
    rows = await reads.run(query)
    return rows[0]["hash"] if rows else None


async def remove(tx: Tx, user: str) -> None:
    """Remove all secrets of a user."""
    await tx.run(Secret.delete().where(Secret.user == user))
