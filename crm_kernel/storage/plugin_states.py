"""What a database knows of plugins: the version its records are of, and the data migrations that were run."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from crm_kernel.storage.introspect import introspect
from crm_kernel.storage.jsontext import from_json, to_json
from crm_kernel.storage.ports import Reads, Tx
from crm_kernel.storage.tables import Migration, PluginState

RUNNING = "running"
DONE = "done"
FAILED = "failed"
NOTHING = ""
"""What a plugin has left that was taken out and then purged."""

_PUT_VERSION = (
    "INSERT INTO crm_plugin (name, version, at) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE"
    " SET version = excluded.version, at = excluded.at, uninstalled = NULL"
)
_PUT_LEFT = (
    "INSERT INTO crm_plugin (name, version, at, uninstalled) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE"
    " SET uninstalled = excluded.uninstalled"
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


class Left(NamedTuple):
    """What a plugin has left in the database when it was taken out: its entities, its `fields` of others' entities, its
    listeners and jobs. `kept`: what must not be purged (an entity, or `entity.field`), and why."""

    entities: Sequence[str]
    fields: Mapping[str, Sequence[str]]
    listeners: Sequence[str]
    jobs: Sequence[str]
    kept: Mapping[str, str]


async def are_known(reads: Reads) -> bool:
    """Whether the database has a place for them yet."""
    return "crm_plugin" in (await introspect(reads)).tables


async def versions(reads: Reads) -> dict[str, str]:
    """The version of each plugin that the records are of."""
    rows = await reads.run(PluginState.select())
    return {row["name"]: row["version"] for row in rows if row["uninstalled"] != NOTHING}


async def known(reads: Reads) -> set[str]:
    """The plugins that ever were here."""
    return {row["name"] for row in await reads.run(PluginState.select(PluginState.name))}


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


async def left(reads: Reads) -> dict[str, Left]:
    """What each plugin that was taken out has left."""
    sql = "SELECT name, uninstalled FROM crm_plugin WHERE uninstalled <> ? ORDER BY name"  # and is not null
    rows = await reads.read(sql, (NOTHING,))
    return {name: Left(**from_json(text)) for name, text in rows}


async def put_left(tx: Tx, plugin: str, version: str, at: str, what: Left) -> None:
    """Note that a plugin was taken out, and what it has left."""
    await tx.execute(_PUT_LEFT, (plugin, version, at, to_json(what._asdict())))


async def take_back(tx: Tx, plugins: Collection[str]) -> None:
    """Note that plugins are there again: what they have left is theirs."""
    await tx.executemany("UPDATE crm_plugin SET uninstalled = NULL WHERE name = ?", [(name,) for name in plugins])


async def forget(tx: Tx, plugin: str) -> None:
    """Know of a plugin only that it was here: when it comes again, it comes for the first time."""
    await tx.run(Migration.delete().where(Migration.plugin == plugin))
    await tx.execute("UPDATE crm_plugin SET uninstalled = ? WHERE name = ?", (NOTHING, plugin))
