"""The composition root: settings and plugins in, operations out. Nothing is global: two kernels live in one test."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import msgspec

from crm_kernel.callers import Caller, system
from crm_kernel.clock import Clock
from crm_kernel.documents import KINDS
from crm_kernel.errors import ConfigError
from crm_kernel.fields.base import ValueContext
from crm_kernel.model import Source
from crm_kernel.operations import migrations, schedule
from crm_kernel.operations.answers import plain_json
from crm_kernel.operations.apply_hooks import ApplyHooks
from crm_kernel.operations.attempts import Attempts
from crm_kernel.operations.calls import Calls
from crm_kernel.operations.crm import Crm
from crm_kernel.operations.deliver import Cause, Dispatcher
from crm_kernel.operations.documents import Documents
from crm_kernel.operations.explain import Explain
from crm_kernel.operations.following import FOLLOW_SECONDS, Following
from crm_kernel.operations.hooks import HookRunner
from crm_kernel.operations.housekeeping import Chore, Housekeeping
from crm_kernel.operations.identity import Identity
from crm_kernel.operations.imports import Imports
from crm_kernel.operations.job_files import JobFiles
from crm_kernel.operations.job_runner import JobRunner
from crm_kernel.operations.jobs import Jobs
from crm_kernel.operations.list_query import Cursors
from crm_kernel.operations.list_use import FLUSH_SECONDS
from crm_kernel.operations.log_in import LogIn
from crm_kernel.operations.migrations import Migrations
from crm_kernel.operations.once import Once
from crm_kernel.operations.own_tokens import OwnTokens
from crm_kernel.operations.purge import Purge
from crm_kernel.operations.quarantines import Quarantines
from crm_kernel.operations.recompute import LOOK_SECONDS, Recompute
from crm_kernel.operations.record_reader import RecordReader
from crm_kernel.operations.report import Reports
from crm_kernel.operations.routes import Routes
from crm_kernel.operations.schedule import Schedule
from crm_kernel.operations.sessions import Sessions
from crm_kernel.operations.shares import Shares
from crm_kernel.operations.tamper import SEAL_SECONDS, Tamper
from crm_kernel.operations.undo import Undo
from crm_kernel.operations.watchdog import Watchdog
from crm_kernel.operations.write import Writer
from crm_kernel.plugin_words import Messages
from crm_kernel.plugins import PluginHost
from crm_kernel.registry import Broken, Declaration, Registry
from crm_kernel.registry_build import build_registry
from crm_kernel.secret_key import secret_key
from crm_kernel.settings import Settings
from crm_kernel.storage import documents as stored_documents
from crm_kernel.storage import meta
from crm_kernel.storage.evolution import is_empty
from crm_kernel.storage.opening import database_of
from crm_kernel.storage.ports import Database
from crm_kernel.storage.store import Store

log = logging.getLogger("crm_kernel")

BUILTIN = "base"


class Kernel:
    """One app: its operations, and what they share. Made by `Kernel.open`, ended by `close`."""

    def __init__(self, settings: Settings, plugins: PluginHost, database: Database, clock: Clock) -> None:
        self.settings = settings
        self.plugins = plugins
        self.database = database
        self.clock = clock
        self.store = Store(database.dialect)
        self.secret = secret_key(settings)
        self.problems: list[str] = []
        self.pending: list[dict[str, Any]] = []
        self.quarantines = Quarantines(self)
        self._registry = build_registry((), (), self._value_context())  # until `reload`
        self._started = False
        self.reader = RecordReader(database, self.store, clock, Cursors(self.secret), self._current)
        self.watchdog = Watchdog()
        limits = settings.plugins
        hooks = HookRunner(plugins, self.watchdog, limits.deadline)
        self.calls = Calls(plugins, self.watchdog, blocking=limits.deadline, seconds=limits.call_deadline)
        self.writer = Writer(database, self.store, hooks, clock, self._current, self.reader.find)
        self.dispatcher = Dispatcher(
            database, self.store, clock, self._current, self._crm_for_listener, plugins.is_active, self.calls
        )
        self.writer.committed.append(self.dispatcher.wake)
        self.once = Once(database, clock)
        self.undo = Undo(database, self.store, self.reader, self._current)
        self.tamper = Tamper(database, clock, self._current)
        self.apply_hooks = ApplyHooks(plugins, self.watchdog, limits.deadline)
        self.documents = Documents(self)
        self.purge = Purge(self)
        self.identity = Identity(self)
        self.explain = Explain(database, self.store, clock, self._current, self.caller_for)
        self.sessions = Sessions(self)
        attempts = Attempts(self)
        self.log_in = LogIn(self, attempts)
        self.own_tokens = OwnTokens(self)
        self.shares = Shares(self)
        self.following = Following(database, self._forget_people, self.reload, self.quarantines)
        self.recompute = Recompute(database, self.store, clock, self._current)
        self.migrations = Migrations(self)
        self.schedule = Schedule(self, lambda plugin: Crm(self, self.system("job", plugin)))
        self.housekeeping = Housekeeping(
            Chore("migrations", migrations.LOOK_SECONDS, self.migrations.look),
            Chore("jobs", schedule.LOOK_SECONDS, self.schedule.look),
            Chore("recompute", LOOK_SECONDS, self.recompute.look),
            Chore("prune-keys", 3600.0, self.once.prune),
            Chore("prune-sessions", 3600.0, self.sessions.prune),
            Chore("prune-attempts", 3600.0, attempts.prune),
            Chore("seal-history", SEAL_SECONDS, self.tamper.seal),
            Chore("follow-changes", FOLLOW_SECONDS, self.following.look, everywhere=True),
            Chore("store-quarantines", FOLLOW_SECONDS, self.quarantines.save, everywhere=True),
            Chore("note-lists", FLUSH_SECONDS, self.reader.list_use.flush, everywhere=True),
        )
        self.imports = Imports(self)
        self.jobs = Jobs(self, JobFiles(settings.folder))
        self.job_runner = JobRunner(settings, self.jobs.files, self.jobs)
        self.routes = Routes(self, settings.plugins.route_deadline)
        self.reports = Reports(database, self.store.dialect, clock, self._current)
        plugins.count_statements(lambda: database.statements)

    @classmethod
    async def open(
        cls,
        settings: Settings,
        *,
        clock: Clock | None = None,
        strict: bool = False,
        pause_after_commit: float = 0.0,
        like: Kernel | None = None,
    ) -> Self:
        """Load the plugins, open the database and take its documents into force.

        With `like`, a kernel of the same plugins, settings and stored documents, nothing is loaded or built again: this
        one shares its plugins' modules and its registry, which never change, and has meters and states of its own.
        Raises `ConfigError` for settings, plugins or a database that cannot be used, and with `strict` for anything
        that is left out. What is left out otherwise is told in `problems`.
        """
        plugins = PluginHost(settings) if like is None else like.plugins.again()
        place = settings.database
        database = database_of(place.url, place.path, pause_after_commit=pause_after_commit)
        await database.open()
        try:
            kernel = cls(settings, plugins, database, clock or Clock())
            if like is None:
                await kernel.reload()
            else:
                await kernel.take_over(like.registry)
            if strict and kernel.problems:
                raise ConfigError(kernel.problems)
        except BaseException:
            await database.close()
            raise
        return kernel

    async def start(self, *, delivers: bool = True) -> None:
        """Begin to work in the background: tell plugins, follow other processes.

        `delivers`: also what one process of an app does for all: tell listeners of events, do jobs and chores.
        """
        self._started = True
        for plugin, hook in self.plugins.implementations("on_start"):
            await self._life(plugin, "on_start", hook)
        self.housekeeping.start(every=delivers)
        if delivers:
            await self.dispatcher.start()
            self.job_runner.start()

    async def close(self) -> None:
        """Stop the background work and close the database."""
        await self.job_runner.stop()
        await self.housekeeping.stop()
        await self.schedule.stop()
        await self.dispatcher.stop()
        if self._started:
            for plugin, hook in reversed(self.plugins.implementations("on_stop")):
                await self._life(plugin, "on_stop", hook)
        await self.quarantines.close()
        await self.identity.close()
        await self.sessions.close()
        await self.database.close()
        self.watchdog.stop()

    async def _life(self, plugin: str, name: str, hook: Any) -> None:
        try:
            await self.calls.run(plugin, name, hook(crm=self.crm(plugin)), strict=False)
        except Exception:
            log.exception("plugin %s failed in %s", plugin, name)

    # The registry ---------------------------------------------------------------------------------------------------

    @property
    def registry(self) -> Registry:
        """What is declared now; immutable, swapped when documents change."""
        return self._registry

    def _current(self) -> Registry:
        return self._registry

    async def reload(self) -> None:
        """Read the stored documents and take them into force."""
        if await is_empty(self.database):
            self.swap(self.build([], settle=True), None)
            return
        marks = await meta.marks(self.database)  # before what it numbers: else a change could be missed
        await self.quarantines.load(marks.plugins)
        stored = await stored_documents.everything(self.database)
        self.swap(self.build([plain_json(document.body) for document in stored], settle=True), marks.documents)
        await self.store.learn_indexes(self.database)

    async def take_over(self, registry: Registry) -> None:
        """Take a registry into force that was made of the same documents as are stored here."""
        marks = await meta.marks(self.database)
        await self.quarantines.load(marks.plugins)
        self.swap(registry, marks.documents)
        await self.store.learn_indexes(self.database)

    def swap(self, registry: Registry, documents: int | None) -> None:
        """Take a registry into force, made of the stored documents of this number (None: of the same as before)."""
        self._registry = registry
        self.store.forget_indexes()
        if documents is not None:
            self.following.documents = documents
        broken = [_sentence(broken) for broken in registry.broken]
        self.problems = [*self.plugins.faulty(), *broken]
        for problem in broken:  # the plugins that are left out were told when they were loaded
            log.warning("%s", problem)

    def build(self, stored: Sequence[dict[str, Any]], *, settle: bool = False) -> Registry:
        """The registry of the plugins and these stored documents.

        With `settle` a plugin whose own documents do not fit is left out; otherwise they are told as broken. A listener
        or restriction may name an entity that no document declares (yet), and is left out by itself.
        """
        context = self._value_context()
        while True:
            declared = [
                Declaration(_source(d.plugin), d.kind, d.name, d.body, d.cls, checked=True)
                for d in self.plugins.documents()
            ]
            declared += [Declaration(Source("document", b["name"]), b["kind"], b["name"], b) for b in stored]
            registry = build_registry(
                declared,
                self.plugins.listeners(),
                context,
                self.plugins.restrictions(),
                self.plugins.actions(),
                self.plugins.field_types(),
            )
            broken = next((b for b in registry.broken if b.source.kind == "plugin" and b.kind in KINDS), None)
            if broken is None or not settle:
                return registry
            self.plugins.leave_out(broken.source.name, _sentence(broken))

    def _value_context(self) -> ValueContext:
        app = self.settings.app
        return ValueContext(region=app.region, currency=app.currency, timezone=app.timezone)

    # Callers and what they work with --------------------------------------------------------------------------------

    def system(self, channel: str, plugin: str | None = None) -> Caller:
        """The system itself, acting through a channel."""
        return system(channel, timezone=self.settings.app.timezone, locale=self.settings.app.locale, plugin=plugin)

    def crm(self, plugin: str | None = None) -> Crm:
        """The `crm` object of a plugin (or of the kernel itself), with all rights."""
        return Crm(self, self.system("plugin" if plugin else "job", plugin))

    def _crm_for_listener(self, plugin: str, cause: Cause) -> Crm:
        told = {"event": cause.event, "listener": cause.listener}
        caller = msgspec.structs.replace(self.system("plugin", plugin), cause=told, depth=cause.depth)
        return Crm(self, caller, key=f"{cause.event}:{cause.listener}")

    def crm_for_route(self, plugin: str, sender: Caller | None, key: str | None, *, writes: bool) -> Crm:
        """The `crm` object of a plugin that answers a request of `sender`, whose scopes hold where it acts as him."""
        return Crm(self, self.system("plugin", plugin), key=key, sender=sender, writes=writes)

    def crm_for(self, plugin: str, caller: Caller, *, writes: bool = True) -> Crm:
        """The `crm` object by which a plugin works with the rights of a caller: its importers, its commands."""
        return Crm(self, msgspec.structs.replace(caller, plugin=plugin), writes=writes)

    def settings_of(self, plugin: str | None) -> Any:
        """The settings of a plugin, None where it has none."""
        return None if plugin is None else self.plugins.settings(plugin)

    def messages_of(self, plugin: str | None) -> Messages:
        """The messages of a plugin by language."""
        return {} if plugin is None else self.plugins.messages(plugin)

    def _forget_people(self) -> None:
        self.identity.by_token.forget()
        self.sessions.by_id.forget()

    async def holders(self, roles: Iterable[str]) -> Mapping[str, Sequence[Caller]]:
        """The active users who hold each of some roles, as callers."""
        return await self.identity.holders(roles)

    async def caller_for(self, user: str, channel: str) -> Caller:
        """A user by id or login, as a caller. Raises `Error("not_found")`."""
        return await self.identity.caller_for(user, channel)


def _source(plugin: str) -> Source:
    return Source("builtin" if plugin == BUILTIN else "plugin", plugin)


def _sentence(broken: Broken) -> str:
    faults = "; ".join(f"{fault.pointer or '/'}: {fault.detail}" for fault in broken.faults)
    return f"The {broken.kind} {broken.name!r} of {broken.source} is left out: {faults}"
