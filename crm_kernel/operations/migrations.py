"""What plugins must do once with the records of an earlier version (floor 7).

How far a migration is stands in the database, and each of its writes has a key: so it may be killed at any moment, and
whoever comes next goes on with it. Where it fails the app is served all the same; later ones of its plugin wait.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple, Protocol

from packaging.version import Version

from crm_kernel.callers import Caller
from crm_kernel.manifest import Migration
from crm_kernel.operations.calls import NO_LIMIT, Calls
from crm_kernel.operations.crm import AnyEntity, Crm
from crm_kernel.operations.crm import Services as CrmServices
from crm_kernel.operations.leases import Leases, Taken
from crm_kernel.plugins import PluginHost
from crm_kernel.storage import keys, plugin_states, scan
from crm_kernel.storage.plugin_states import DONE, FAILED, RUNNING, Migrated
from crm_kernel.storage.ports import Reads, Tx

LOOK_SECONDS = 1.0
"""How often a server sees whether migrations that another process runs have ended; after that it looks no more."""

_LEASE = "migrations"

_log = logging.getLogger(__name__)


class Services(CrmServices, Protocol):
    """What migrations need of their kernel."""

    @property
    def plugins(self) -> PluginHost: ...
    @property
    def calls(self) -> Calls: ...
    def system(self, channel: str, plugin: str | None = None) -> Caller: ...


class Upgrade(NamedTuple):
    """What a plugin's records are of, what is installed, and the migrations that wait, in their order."""

    plugin: str
    before: str | None
    version: str
    waiting: Sequence[Migration]
    is_first: bool

    def answer(self) -> dict[str, Any]:
        """A member of `plugins` in a plan."""
        names = [] if self.is_first else [f"{m.version} {m.name}" for m in self.waiting]
        return {"name": self.plugin, "from": self.before, "to": self.version, "migrations": names}


class Migrations:
    """The data migrations of one kernel's plugins."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._leases = Leases(services.database, services.clock)
        self._settled = False

    async def look(self) -> None:
        """Run what waits, unless another process does; after that there is nothing to do until the next start."""
        if not self._settled:
            await self.run()

    async def run(self) -> bool:
        """Run what waits and note the versions; false where another process is at it."""
        if not await plugin_states.are_known(self._services.database):
            return True
        try:
            if await self.upgrades():
                await self._leases.alone(_LEASE, self._all)
        except Taken:
            return False
        self._settled = True
        return True

    async def upgrades(self, reads: Reads | None = None) -> list[Upgrade]:
        """The plugins that are new here, were replaced by another version, or have migrations that wait."""
        source = reads or self._services.database
        versions: dict[str, str] = {}
        done: dict[tuple[str, str], Migrated] = {}
        if await plugin_states.are_known(source):
            versions, done = await plugin_states.versions(source), await plugin_states.migrations(source)
        found = [await self._upgrade(state, versions, done, source) for state in self._installed()]
        return [upgrade for upgrade in found if upgrade.waiting or upgrade.before != upgrade.version]

    def _installed(self) -> list[dict[str, Any]]:
        states = self._services.plugins.states()
        return [s for s in states if s["order"] is not None and s["source"] != "builtin"]

    async def _upgrade(
        self,
        state: Mapping[str, Any],
        versions: Mapping[str, str],
        done: Mapping[tuple[str, str], Migrated],
        reads: Reads,
    ) -> Upgrade:
        name, before = state["name"], versions.get(state["name"])
        declared = sorted(self._of(name), key=lambda m: Version(m.version))
        waiting = [m for m in declared if (name, m.name) not in done or done[name, m.name].state != DONE]
        is_new = before is None and not any(owner == name for owner, _ in done)
        is_first = is_new and not await self._has_records(name, reads)
        return Upgrade(name, before, str(state["version"]), waiting, is_first)

    def _of(self, plugin: str) -> list[Migration]:
        return [migration for owner, migration in self._services.plugins.migrations() if owner == plugin]

    async def _has_records(self, plugin: str, reads: Reads) -> bool:
        """Whether an earlier version, from when nobody noted them, has left something."""
        entities = self._services.registry.entities
        own = [d.name for d in self._services.plugins.documents() if (d.plugin, d.kind) == (plugin, "entity")]
        return any([await scan.count_all(reads, entities[name]) for name in own if name in entities])

    # Running --------------------------------------------------------------------------------------------------------

    async def settle(self) -> None:
        """Let what a plugin brings that comes to this database for the first time be done: it has nothing to migrate.

        One that was taken out and is there again has all that it left. To be called once its tables are there, before
        anybody writes to them.
        """
        if await plugin_states.are_known(self._services.database):
            back = {s["name"] for s in self._installed()} & (await plugin_states.left(self._services.database)).keys()
            if back:
                await self._services.database.write(lambda tx: plugin_states.take_back(tx, back))
            for upgrade in await self.upgrades():
                if upgrade.is_first:
                    await self._services.database.write(lambda tx, u=upgrade: self._done(tx, u))

    async def _all(self) -> None:
        await self.settle()
        for upgrade in await self.upgrades():
            for migration in upgrade.waiting:
                if not await self._run(upgrade.plugin, migration):
                    break
            else:
                await self._services.database.write(lambda tx, u=upgrade: self._done(tx, u))

    async def _done(self, tx: Tx, upgrade: Upgrade) -> None:
        """Note the version of a plugin, and that none of its migrations waits."""
        at = self._services.clock.now_text()
        for migration in upgrade.waiting:
            await self._note_in(tx, upgrade.plugin, migration, DONE)
        await plugin_states.put_version(tx, upgrade.plugin, upgrade.version, at)

    async def _run(self, plugin: str, migration: Migration) -> bool:
        await self._note(plugin, migration, RUNNING)
        kept = (await plugin_states.migrations(self._services.database))[plugin, migration.name]
        crm = MigrationCrm(self._services, self._services.system("migration", plugin), migration.name, kept.progress)

        async def migrated() -> None:
            await migration.run(crm)

        name = f"migration {migration.name}"
        try:
            # It takes the time it takes. Not strict: a plugin in quarantine could not be migrated.
            await self._services.calls.run(plugin, name, migrated(), strict=False, seconds=NO_LIMIT)
        except Exception as fault:
            _log.error("migration %s of plugin %s failed", migration.name, plugin, exc_info=fault)
            await self._note(plugin, migration, FAILED, f"{type(fault).__name__}: {fault}"[:500])
            return False
        await self._note(plugin, migration, DONE)
        return True

    async def _note(self, plugin: str, migration: Migration, state: str, error: str | None = None) -> None:
        await self._services.database.write(lambda tx: self._note_in(tx, plugin, migration, state, error))

    async def _note_in(self, tx: Tx, plugin: str, migration: Migration, state: str, error: str | None = None) -> None:
        at, name = self._services.clock.now_text(), migration.name
        await plugin_states.put_migration(tx, plugin, name, version=migration.version, state=state, at=at, error=error)
        if state == DONE:
            await keys.forget(tx, f"plugin:{plugin}", f"migration:{name}:")

    # Telling --------------------------------------------------------------------------------------------------------

    async def states(self) -> list[dict[str, Any]]:
        """Every declared migration: waiting, running, done or failed."""
        reads = self._services.database
        known = await plugin_states.migrations(reads) if await plugin_states.are_known(reads) else {}
        return [_state(plugin, m, known.get((plugin, m.name))) for plugin, m in self._services.plugins.migrations()]

    async def problems(self) -> list[str]:
        """A sentence for each migration that failed."""
        return [
            f"The migration {s['name']!r} of the plugin {s['plugin']!r} failed: {s['error']} Hint: mend it;"
            " `crm apply` and the next start of a server try it again."
            for s in await self.states()
            if s["state"] == FAILED
        ]


class MigrationCrm(Crm):
    """What a migration works with: `batches` goes on where it was interrupted."""

    def __init__(self, services: CrmServices, caller: Caller, name: str, progress: Mapping[str, str]) -> None:
        super().__init__(services, caller)
        self._name = name
        self._progress = dict(progress)
        self._loops = count(1)

    async def batches(
        self,
        entity: AnyEntity,
        filter: str | None = None,
        *,
        size: int = 200,
        as_user: str | None = None,
        **params: Any,
    ) -> AsyncIterator[list[Any]]:
        """See `Crm.batches`. Loops are told apart by their order: it must be the same each time."""
        loop = str(next(self._loops))
        async for ids, records in self._batches(entity, filter, self._progress.get(loop, ""), size, as_user, params):
            if records:
                # The same records again are the same work; others are not, be they of the same stretch.
                of = hashlib.sha256(" ".join(record["id"] for record in records).encode()).hexdigest()[:24]
                self._key, self._ordinals = f"migration:{self._name}:{loop}:{of}", count(1)
                yield records
                self._key = None
            await self._keep(loop, ids[-1])

    async def _keep(self, loop: str, last: str) -> None:
        self._progress[loop] = last
        plugin = self._caller.plugin or ""
        await self._services.database.write(lambda tx: plugin_states.advance(tx, plugin, self._name, self._progress))


def _state(plugin: str, migration: Migration, known: Migrated | None) -> dict[str, Any]:
    return {
        "plugin": plugin,
        "name": migration.name,
        "version": migration.version,
        "state": known.state if known else "waiting",
        "at": known.at if known else None,
        "error": known.error if known else None,
    }
