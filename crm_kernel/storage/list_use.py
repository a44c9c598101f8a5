"""How often lists were asked for that no index serves, by day: summed over all processes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from crm_kernel.storage.ports import Reads, Tx

_ADD = (
    "INSERT INTO crm_list_use (entity, fields, sort, day, times) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (entity, fields, sort, day) DO UPDATE SET times = crm_list_use.times + excluded.times"
)
_OFTEN = (
    "SELECT entity, fields, sort, CAST(sum(times) AS BIGINT) FROM crm_list_use WHERE day >= ?"
    " GROUP BY entity, fields, sort HAVING sum(times) >= ? ORDER BY 4 DESC, 1, 2, 3 LIMIT 20"
)


class Slow(NamedTuple):
    """A list without an index: the fields of its filter and the one it is sorted by ("" for the default order)."""

    entity: str
    fields: tuple[str, ...]
    sort: str


async def add(tx: Tx, day: str, counts: Mapping[Slow, int]) -> None:
    """Add what was counted on a day."""
    for slow, count in sorted(counts.items()):  # in one order, so that processes do not lock each other out
        await tx.execute(_ADD, (slow.entity, ",".join(slow.fields), slow.sort, day, count))


async def prune(tx: Tx, day: str) -> None:
    """Forget all days before one."""
    await tx.execute("DELETE FROM crm_list_use WHERE day < ?", (day,))


async def often(reads: Reads, day: str, least: int) -> list[tuple[Slow, int]]:
    """The lists that were asked for so often since a day, the most frequent first."""
    rows = await reads.read(_OFTEN, (day, least))
    return [(Slow(entity, tuple(filter(None, fields.split(","))), sort), count) for entity, fields, sort, count in rows]
