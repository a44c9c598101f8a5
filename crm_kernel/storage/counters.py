"""Autonumbers: counters that give each number once, and none for what was rolled back."""

from __future__ import annotations

from crm_kernel.storage.ports import Tx

_TAKE = (
    "INSERT INTO crm_counter (name, value) VALUES (?, ?)"
    " ON CONFLICT (name) DO UPDATE SET value = crm_counter.value + excluded.value RETURNING value"
)
_RAISE = (
    "INSERT INTO crm_counter (name, value) VALUES (?, ?)"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE crm_counter.value < excluded.value"
)


async def take(tx: Tx, name: str, count: int = 1) -> range:
    """The next `count` numbers of a counter, from 1."""
    last = (await tx.read(_TAKE, (name, count)))[0][0]
    return range(last - count + 1, last + 1)


async def raise_to(tx: Tx, name: str, value: int) -> None:
    """Let the counter go on after `value`, where an import brought numbers of its own."""
    await tx.execute(_RAISE, (name, value))
