"""Secrets of users, as hashes: no field of a record and in no answer."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from crm_kernel.storage.ports import Reads, Tx
from crm_kernel.storage.tables import Secret

PASSWORD = "password"
RESET = "reset"
"""What proves that he may set a new password, once."""
_PUT = (
    'INSERT INTO crm_secret ("user", kind, hash, updated_at) VALUES (?, ?, ?, ?)'
    ' ON CONFLICT ("user", kind) DO UPDATE SET hash = excluded.hash, updated_at = excluded.updated_at'
)


class StoredSecret(NamedTuple):
    """The hash of a secret, and since when it is that one."""

    hash: str
    updated_at: str


async def put(tx: Tx, user: str, kind: str, hash: str, at: str) -> None:
    """Set or replace one secret of a user."""
    await tx.execute(_PUT, (user, kind, hash, at))


async def get(reads: Reads, user: str, kind: str) -> str | None:
    """The hash of one secret of a user, None where he has none."""
    found = await stored(reads, user, kind)
    return None if found is None else found.hash


async def stored(reads: Reads, user: str, kind: str) -> StoredSecret | None:
    """One secret of a user, None where he has none."""
    query = Secret.select(Secret.hash, Secret.updated_at).where(Secret.user == user).where(Secret.kind == kind)
    rows = await reads.run(query)
    return StoredSecret(**rows[0]) if rows else None


async def remove(tx: Tx, user: str, kind: str, hash: str | None = None) -> bool:
    """Remove one secret of a user (with `hash`: only if it is this one); whether it was there."""
    query = Secret.delete().where(Secret.user == user).where(Secret.kind == kind)
    if hash is not None:
        query = query.where(Secret.hash == hash)
    return bool(await tx.run(query.returning(Secret.kind)))


async def remove_all(tx: Tx, users: Collection[str]) -> None:
    """Remove all secrets of some users."""
    await tx.run(Secret.delete().where(Secret.user.is_in(list(users))))
