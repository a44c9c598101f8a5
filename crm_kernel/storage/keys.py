"""Keys of writes that must happen once: with what they wrote, stored in the same transaction."""

from __future__ import annotations

from crm_kernel.storage.ports import Reads, Tx
from crm_kernel.storage.tables import Key


async def answer(reads: Reads, scope: str, key: str) -> str | None:
    """What the write with this key answered, None where it was not done."""
    rows = await reads.run(Key.select(Key.answer).where(Key.scope == scope).where(Key.key == key))
    return rows[0]["answer"] if rows else None


async def keep(tx: Tx, scope: str, key: str, answer: str, at: str) -> None:
    """Note that the write with this key was done, and its answer (JSON)."""
    await tx.run(Key.insert(Key(scope=scope, key=key, fingerprint="", at=at, answer=answer)))
