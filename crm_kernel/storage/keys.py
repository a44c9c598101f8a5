"""Keys of writes that must happen once: with what they answered, stored in the same transaction."""

from __future__ import annotations

from typing import NamedTuple

from crm_kernel.storage.ports import Reads, Tx
from crm_kernel.storage.tables import Key

_KEEP = "INSERT INTO crm_key (scope, key, fingerprint, at, answer) VALUES (?, ?, ?, ?, ?)"


class KeptKey(NamedTuple):
    """A key that was used. `fingerprint`: of the request it came with, "" for a listener's; `answer`: JSON."""

    fingerprint: str
    at: str
    answer: str


async def find(reads: Reads, scope: str, key: str) -> KeptKey | None:
    """What the write with this key was and answered, None where it was not done."""
    query = Key.select(Key.fingerprint, Key.at, Key.answer).where(Key.scope == scope).where(Key.key == key)
    rows = await reads.run(query)
    return KeptKey(**rows[0]) if rows else None


async def keep(tx: Tx, scope: str, key: str, answer: str, at: str, *, fingerprint: str = "") -> None:
    """Note that the write with this key was done, and its answer. Raises `NotUnique` where it was done already."""
    await tx.execute(_KEEP, (scope, key, fingerprint, at, answer))


async def drop(tx: Tx, scope: str, key: str, *, before: str) -> None:
    """Forget one key if it was used before a moment."""
    await tx.run(Key.delete().where(Key.scope == scope).where(Key.key == key).where(Key.at < before))


async def prune(tx: Tx, *, scopes: str, before: str) -> None:
    """Forget the keys used before a moment whose scopes begin with `scopes`."""
    await tx.run(Key.delete().where(Key.at < before).where(Key.scope.like(f"{scopes}%")))


async def forget(tx: Tx, scope: str, prefix: str) -> None:
    """Forget the keys of a scope that begin so: what they guarded cannot come again."""
    await tx.run(Key.delete().where(Key.scope == scope).where(Key.key.like(f"{prefix}%")))
