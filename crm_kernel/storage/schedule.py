"""When each job of a plugin is due, and how its last run went."""

from __future__ import annotations

from typing import NamedTuple

from crm_kernel.storage.introspect import introspect
from crm_kernel.storage.ports import Reads, Tx
from crm_kernel.storage.tables import Schedule

_PUT = (
    "INSERT INTO crm_schedule (name, every, next_at) VALUES (?, ?, ?)"
    " ON CONFLICT (name) DO UPDATE SET every = excluded.every, next_at = excluded.next_at"
    " WHERE crm_schedule.every <> excluded.every"
)
_RAN = "UPDATE crm_schedule SET next_at = ?, last_at = ?, seconds = ?, error = ? WHERE name = ?"


class Due(NamedTuple):
    """One job: the rule and the moment it is due by; when it was last begun, what that took, what went wrong."""

    name: str
    every: str
    next_at: str
    last_at: str | None = None
    seconds: str | None = None
    error: str | None = None


async def is_known(reads: Reads) -> bool:
    """Whether the database has a place for jobs yet."""
    return "crm_schedule" in (await introspect(reads)).tables


async def everything(reads: Reads) -> dict[str, Due]:
    """All jobs that were ever known, by name."""
    return {row["name"]: Due(**row) for row in await reads.run(Schedule.select())}


async def get(reads: Reads, name: str) -> Due | None:
    """One job."""
    rows = await reads.run(Schedule.select().where(Schedule.name == name))
    return Due(**rows[0]) if rows else None


async def know(tx: Tx, name: str, every: str, next_at: str) -> None:
    """Note a job that is new, or is due by another rule than before."""
    await tx.execute(_PUT, (name, every, next_at))


async def ran(tx: Tx, due: Due) -> None:
    """Note how a run went, and when the next is due."""
    await tx.execute(_RAN, (due.next_at, due.last_at, due.seconds, due.error, due.name))


async def forget(tx: Tx, name: str) -> None:
    """Remove what is known of a job."""
    await tx.run(Schedule.delete().where(Schedule.name == name))
