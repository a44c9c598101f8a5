"""What a database knows of plugins: the version its records are of, and the data migrations that were run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from crm_kernel.storage.introspect import introspect
from crm_kernel.storage.jsontext import from_json, to_json
from crm_kernel.storage.ports import Reads, Tx
from crm_kernel.storage.tables import Migration, PluginState

RUNNING = "running"
DONE = "done"
FAILED = "failed"

_PUT_VERSION = (
    "INSERT INTO crm_plugin (name, version, at) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE"
    " SET version = excluded.version, at = excluded.at"
)
_PUT = (
    "INSERT INTO crm_migration (plugin, name, at, state, version, error) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (plugin, name) DO UPDATE SET at = excluded.at, state = excluded.state, error = excluded.error"
)


class Migrated(NamedTuple):
    """One migration: `progress` tells how far each of its loops is."""

    plugin: str
    name: str
    at: str
    state: str
    version: str
    progress: Mapping[str, str]
    error: str | None


async def are_known(reads: Reads) -> bool:
    """Whether the database has a place for them yet."""
    return "crm_plugin" in (await introspect(reads)).tables


async def versions(reads: Reads) -> dict[str, str]:
    """The version of each plugin that the records are of."""
    return {row["name"]: row["version"] for row in await reads.run(PluginState.select())}


async def put_version(tx: Tx, plugin: str, version: str, at: str) -> None:
    """Note the version that the records of a plugin are of."""
    await tx.execute(_PUT_VERSION, (plugin, version, at))


async def migrations(reads: Reads) -> dict[tuple[str, str], Migrated]:
    """All migrations that were begun, by plugin and name."""
    columns = [getattr(Migration, name) for name in Migrated._fields]
    rows = await reads.run(Migration.select(*columns))
    return {(row["plugin"], row["name"]): _migrated(row) for row in rows}


def _migrated(row: dict[str, Any]) -> Migrated:
    progress: Any = from_json(row["progress"]) or {}
    return Migrated(**{**row, "progress": progress})


async def put_migration(
    tx: Tx, plugin: str, name: str, *, version: str, state: str, at: str, error: str | None = None
) -> None:
    """Note the state of one migration; how far it is stays."""
    await tx.execute(_PUT, (plugin, name, at, state, version, error))


async def advance(tx: Tx, plugin: str, name: str, progress: Mapping[str, str]) -> None:
    """Note how far a migration is."""
    query = Migration.update({Migration.progress: to_json(progress)})
    await tx.run(query.where(Migration.plugin == plugin).where(Migration.name == name))
