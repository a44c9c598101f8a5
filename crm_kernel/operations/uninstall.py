"""What a plugin leaves when it is taken out, told before it is, and asked of the plugin itself (floor 7)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol, cast

from crm_kernel.document_check import document_hash
from crm_kernel.errors import Error
from crm_kernel.fields.base import FieldType
from crm_kernel.operations.answers import plain_json
from crm_kernel.operations.calls import Calls
from crm_kernel.operations.crm import Crm
from crm_kernel.plugins import FIELD_TYPES, PluginHost
from crm_kernel.registry import Broken, Registry
from crm_kernel.schema.normal import normal_property
from crm_kernel.storage import delivery, plugin_states, scan
from crm_kernel.storage.documents import StoredDocument
from crm_kernel.storage.introspect import introspect
from crm_kernel.storage.plugin_states import Left
from crm_kernel.storage.ports import Database, Reads, Tx


class Services(Protocol):
    """What an uninstall plan needs of its kernel."""

    @property
    def plugins(self) -> PluginHost: ...
    @property
    def registry(self) -> Registry: ...
    @property
    def database(self) -> Reads: ...
    @property
    def calls(self) -> Calls: ...
    def crm(self, plugin: str | None = None) -> Crm: ...


class UninstallPlan:
    """What `on_uninstall` is given: it may refuse, or say what must be kept and why.

    `records` are the numbers of records of the plugin's entities, deleted ones too; `fields` those it has on entities
    of others; `documents` what is stored and does not work without it, as `kind name`; `positions` its listeners with
    the last event each was told, `dead` deliveries that were given up; `jobs` their names. All of it stays in the
    database and is there again when the plugin is. `crm` reads as the plugin.
    """

    def __init__(self, plugin: str, crm: Crm) -> None:
        self.plugin = plugin
        self.crm = crm
        self.records: dict[str, int] = {}
        self.fields: dict[str, list[str]] = {}
        self.documents: list[str] = []
        self.positions: dict[str, int] = {}
        self.dead = 0
        self.jobs: list[str] = []
        self.kept: list[dict[str, str]] = []
        self.refusals: list[str] = []

    def keep(self, what: str, why: str) -> None:
        """Say what must not be purged later, an entity or `entity.field`, such as records that the law wants kept."""
        self.kept.append({"what": what, "why": why})

    def refuse(self, why: str) -> None:
        """Let the plugin stay."""
        self.refusals.append(why)

    def answer(self) -> dict[str, Any]:
        """The plan as data."""
        told = ("plugin", "records", "fields", "documents", "positions", "dead", "jobs", "kept", "refusals")
        return {name: getattr(self, name) for name in told}


async def uninstall_plan(services: Services, plugin: str, documents: Sequence[str]) -> UninstallPlan:
    """The plan of a plugin that takes part, after its `on_uninstall`. Whatever that raises is a refusal."""
    plan = UninstallPlan(plugin, services.crm(plugin))
    reads, entities = services.database, services.registry.entities
    for declared in services.plugins.documents():
        if declared.plugin != plugin:
            continue
        if declared.kind == "entity" and declared.name in entities:
            plan.records[declared.name] = await scan.count_all(reads, entities[declared.name])
        if declared.kind == "fields":
            names: Mapping[str, Any] = declared.body["schema"].get("properties", {})
            plan.fields.setdefault(declared.body["entity"], []).extend(names)
    listeners = {bound.name for bound in services.registry.listeners if bound.plugin == plugin}
    plan.positions = {n: seq for n, seq in (await delivery.positions(reads)).items() if n in listeners}
    plan.dead = sum(pending.listener in listeners for pending in await delivery.dead(reads, limit=100_000))
    plan.jobs = [job.name for owner, job in services.plugins.jobs() if owner == plugin]
    plan.documents = list(documents)
    for owner, hook in services.plugins.implementations("on_uninstall"):
        if owner == plugin:
            await _ask(services.calls, plan, hook)
    return plan


async def note_left(database: Database, plans: Sequence[UninstallPlan], versions: Mapping[str, str], at: str) -> None:
    """Keep what plugins that are taken out leave: `crm purge` may remove it. Raises `Error("conflict")`."""

    async def work(tx: Tx) -> None:
        for plan in plans:
            jobs = [f"{plan.plugin}.{name}" for name in plan.jobs]
            kept = {item["what"]: item["why"] for item in plan.kept}
            left = Left(list(plan.records), plan.fields, list(plan.positions), jobs, kept)
            await plugin_states.put_left(tx, plan.plugin, versions[plan.plugin], at, left)

    if "uninstalled" not in (await introspect(database)).tables["crm_plugin"]:
        raise Error("conflict", "The database is of an earlier version.", hint="`crm apply` first.")
    await database.write(work)


async def _ask(calls: Calls, plan: UninstallPlan, hook: Any) -> None:
    try:
        await calls.run(plan.plugin, "on_uninstall", hook(plan=plan), strict=False)
    except Exception as error:
        plan.refuse(f"it failed to say what must stay: {type(error).__name__}: {error}")


def detached(plugins: PluginHost, names: Collection[str]) -> list[dict[str, Any]]:
    """What plugins declare, as documents to be stored: so their records can be used without their code.

    Each says what it overrides. So it is no clash where the plugin is there again. Fields of a type that goes with them
    say what its values are by JSON Schema alone.
    """
    owners = [owner for owner, _ in plugins.declared(FIELD_TYPES)]
    going = [made for owner, made in zip(owners, plugins.field_types(), strict=True) if owner in names]
    return [
        {**_without_types(plain_json(d.body), going), "overrides": d.plugin}
        for d in plugins.documents()
        if d.plugin in names
    ]


def _without_types(value: Any, going: Sequence[type[FieldType]]) -> Any:
    """A document, or a part of it, in which no property names a type that goes."""
    if isinstance(value, list):
        return [_without_types(part, going) for part in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    part: dict[str, Any] = {k: _without_types(v, going) for k, v in cast("dict[str, Any]", value).items()}
    crm = part.get("x-crm")
    if isinstance(crm, dict) and any(made.name == crm.get("type") for made in going):
        part = dict(normal_property(part, going))
        part["x-crm"] = {name: option for name, option in part["x-crm"].items() if name != "type"}
    return part


def attached(plugins: PluginHost, name: str, stored: Sequence[StoredDocument]) -> list[tuple[str, str]]:
    """The (kind, name) of stored documents that only say what the plugin itself declares."""
    own = {(d["kind"], d["name"]): document_hash(d) for d in detached(plugins, [name])}
    return [(s.kind, s.name) for s in stored if own.get((s.kind, s.name)) == document_hash(s.body)]


def only_without(broken: Sequence[Broken], whole: Sequence[Broken]) -> list[str]:
    """`kind name` of what is left out here and not with all plugins."""
    sound = {(b.kind, b.name) for b in whole if b.source.kind == "document"}
    return [f"{b.kind} {b.name}" for b in broken if b.source.kind == "document" and (b.kind, b.name) not in sound]
