"""What an engine says of itself: version, size, settings that durability depends on, damage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from crm_kernel.storage.ports import Selects

_ABOUT = {
    "sqlite": (
        "SELECT 'SQLite ' || sqlite_version(), page_count * page_size"
        " FROM pragma_page_count() CROSS JOIN pragma_page_size()"
    ),
    "postgresql": (
        "SELECT 'PostgreSQL ' || split_part(current_setting('server_version'), ' ', 1),"
        " pg_database_size(current_database())"
    ),
}
_SETTINGS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "sqlite": (("journal_mode", "PRAGMA journal_mode"),),
    "postgresql": tuple((s, f"SHOW {s}") for s in ("fsync", "full_page_writes", "synchronous_commit")),
}
_WRONG = frozenset({"off", "delete", "truncate", "memory", "persist"})
"""Values with which a COMMIT may be lost, or readers wait for writers."""
_DAMAGE = {
    "sqlite": "PRAGMA quick_check(20)",
    "postgresql": (
        "SELECT 'the index ' || i.relname || ' of ' || t.relname || ' is not valid' FROM pg_index AS x"
        " JOIN pg_class AS i ON i.oid = x.indexrelid JOIN pg_class AS t ON t.oid = x.indrelid"
        " WHERE NOT x.indisvalid AND t.relnamespace = CAST(current_schema() AS regnamespace)"
    ),
}
_DELIVERIES = "SELECT state, count(*) FROM crm_delivery GROUP BY state"


class About(NamedTuple):
    """An engine with its version, and the bytes of the database."""

    engine: str
    size: int


async def about(reads: Selects) -> About:
    """What it is."""
    ((engine, size),) = await reads.read(_ABOUT[reads.dialect.name])
    return About(engine, size)


async def settings(reads: Selects) -> dict[str, tuple[str, bool]]:
    """Setting -> its value, and whether that is as it must be."""
    found = {name: (await reads.read(sql))[0][0] for name, sql in _SETTINGS[reads.dialect.name]}
    return {name: (value, value not in _WRONG) for name, value in found.items()}


async def damage(reads: Selects) -> list[str]:
    """Sentences about what is damaged, [] where nothing is. It may read the whole database: give it a snapshot."""
    return [row[0] for row in await reads.read(_DAMAGE[reads.dialect.name]) if row[0] != "ok"]


async def deliveries(reads: Selects) -> dict[str, int]:
    """How many deliveries are still to be made beyond the listeners' positions, by their state."""
    return dict(await reads.read(_DELIVERIES))


async def jobs(reads: Selects) -> list[tuple[str, int]]:
    """(state, how many) of the jobs that have not ended; both states always."""
    sql = "SELECT state, count(*) FROM crm_job WHERE state IN ('queued', 'running') GROUP BY state"
    found = dict(await reads.read(sql))
    return [(state, found.get(state, 0)) for state in ("queued", "running")]
