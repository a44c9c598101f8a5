"""Work that one process of many has for itself. A process that was killed has it no longer than it said."""

from __future__ import annotations

from collections.abc import Collection

from crm_kernel.storage.ports import Reads, Tx
from crm_kernel.storage.tables import Lease

# Without their `Z` moments sort by time: with it a fraction comes before its full second.
_TAKE = (
    "INSERT INTO crm_lease (name, holder, until) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE"
    " SET holder = excluded.holder, until = excluded.until WHERE rtrim(crm_lease.until, 'Z') < rtrim(?, 'Z')"
)


async def take(tx: Tx, name: str, holder: str, *, now: str, until: str) -> bool:
    """Take some work, unless another holds it beyond `now`."""
    return await tx.execute(_TAKE, (name, holder, until, now)) == 1


async def renew(tx: Tx, name: str, holder: str, *, until: str) -> bool:
    """Hold it for longer; false where another has taken it since."""
    return await tx.execute("UPDATE crm_lease SET until = ? WHERE name = ? AND holder = ?", (until, name, holder)) == 1


async def give_back(tx: Tx, name: str, holder: str) -> None:
    """Let others take it at once."""
    await tx.run(Lease.delete().where(Lease.name == name).where(Lease.holder == holder))


async def held(reads: Reads, names: Collection[str], now: str) -> set[str]:
    """Those of some works that somebody holds."""
    rows = await reads.read("SELECT name FROM crm_lease WHERE rtrim(until, 'Z') >= rtrim(?, 'Z')", (now,))
    return {row[0] for row in rows} & set(names)
