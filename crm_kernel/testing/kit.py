"""A kernel to test with: on a temporary database, copied from a template that is made once (floor 11)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, TypeVar, overload

import msgspec

from crm_kernel.callers import ADMIN, Caller
from crm_kernel.entities import Entity, entity_name
from crm_kernel.errors import Error
from crm_kernel.fields.reference import ANY
from crm_kernel.kernel import Kernel
from crm_kernel.operations.changes import Change, RecordView, plain
from crm_kernel.operations.crm import AnyEntity, Crm
from crm_kernel.settings import Settings, load_settings
from crm_kernel.storage.evolution import evolve
from crm_kernel.testing.client import Answer, Client
from crm_kernel.testing.factories import Drafts
from crm_kernel.testing.people import Person

E = TypeVar("E", bound=Entity)

NewDatabase = Callable[..., str]
"""Makes a database for an app in a folder, as `Databases.new`; it goes when its test, or the session, ends."""


class TestCrm(Crm):
    """A `crm` with all rights, and what tests need beside.

    `kernel`, `clock` (`set`, `advance`), `deliver`, records from factories (`make`), people (`as_user(role=…)`) and
    requests over HTTP (`send`). What factories make up is the same for the same `seed`.
    """

    __test__ = False

    def __init__(
        self, kernel: Kernel, *, samples: Mapping[str, Mapping[str, Any]] | None = None, seed: int = 0
    ) -> None:
        super().__init__(kernel, kernel.system("job"))
        self.kernel = kernel
        self.client = Client(kernel)
        self.samples = dict(samples or {})
        """Values that factories give each record of an entity, where rules want what no schema says."""
        self._seed = seed
        self._numbers: Counter[str] = Counter()
        self._wanted: defaultdict[str, set[str]] = defaultdict(set)
        self._people: dict[str, Person] = {}

    async def deliver(self) -> int:
        """Deliver all events to the plugins' listeners now; how many were looked at."""
        return await self.kernel.dispatcher.deliver_all()

    async def run_job(self, name: str) -> None:
        """Run one job of a plugin now (`job`, or `plugin.job`). Raises `Error`: not_found, conflict (it failed)."""
        ran = await self.kernel.schedule.run(name)
        if ran.error is not None:
            raise Error("conflict", f"The job {ran.name} failed: {ran.error}")

    # Records ----------------------------------------------------------------------------------------------------------

    async def values(self, entity: AnyEntity, *, full: bool = False, **values: Any) -> dict[str, Any]:
        """Valid values for a new record: those given, else those of required fields, with `full` of all that are no
        references. Records that it must refer to are made. Raises `Error` where a rule refuses them."""
        return await self._accepted(entity_name(entity), values, full=full, above=())

    @overload
    async def make(self, entity: type[E], *, full: bool = False, **values: Any) -> E: ...
    @overload
    async def make(self, entity: str, *, full: bool = False, **values: Any) -> RecordView: ...
    async def make(self, entity: AnyEntity, *, full: bool = False, **values: Any) -> Any:
        """A new record with `values`. Raises `Error` where a rule refuses it: `samples` say what rules want."""
        return await self._make(entity_name(entity), values, full=full, above=())

    async def make_many(self, entity: AnyEntity, count: int, **values: Any) -> list[RecordView]:
        """So many new records, written in one batch."""
        name = entity_name(entity)
        sent = [await self._accepted(name, values, full=False, above=()) for _ in range(min(count, 1))]
        sent += [await self._values(name, values, full=False, above=()) for _ in range(count - 1)]
        return await self.write([Change.create(name, one) for one in sent])

    def drafts(self, entity: AnyEntity) -> Drafts:
        """What makes up values for an entity, and says what is wrong with values."""
        registry = self.kernel.registry
        return Drafts(registry.entities[entity_name(entity)], registry.value_context, self._seed)

    async def _make(self, entity: str, given: Mapping[str, Any], *, full: bool, above: tuple[str, ...]) -> RecordView:
        values = await self._accepted(entity, given, full=full, above=above)
        return (await self.write([Change.create(entity, values)]))[0]

    async def _accepted(
        self, entity: str, given: Mapping[str, Any], *, full: bool, above: tuple[str, ...]
    ) -> dict[str, Any]:
        """Values that the rules take: what one of them says is missing is filled in, for later records too."""
        while True:
            values = await self._values(entity, given, full=full, above=above)
            try:
                await self.kernel.writer.write([Change.create(entity, values)], self._caller, dry_run=True)
                return values
            except Error as error:
                missing = {f.pointer.strip("/") for f in error.faults if f.code == "required"}
                known = {name for name in missing if name in self.kernel.registry.entities[entity].fields}
                if not known - self._wanted[entity] - values.keys():
                    raise
                self._wanted[entity] |= known

    async def _values(
        self, entity: str, given: Mapping[str, Any], *, full: bool, above: tuple[str, ...]
    ) -> dict[str, Any]:
        self._numbers[entity] += 1
        given = plain({**self.samples.get(entity, {}), **given})
        values = self.drafts(entity).draft(self._numbers[entity], given, full=full, wanted=self._wanted[entity])
        for field in self.kernel.registry.entities[entity].references:
            required = field.required or field.name in self._wanted[entity]
            if required and field.name not in values and entity not in above:
                several = field.item_reference
                target = str(several or field.options.reference)
                target = "contact" if target == ANY else target
                made = (await self._make(target, {}, full=False, above=(*above, entity)))["id"]
                values[field.name] = [made] if several else made
        return values

    # People -----------------------------------------------------------------------------------------------------------

    async def user(self, login: str, *roles: str, team: str | None = None, **values: Any) -> Caller:
        """A new user with these roles, as a caller."""
        fields = {"login": login, "name": values.pop("name", login), "roles": list(roles), "team": team, **values}
        await self.write([Change.create("user", fields)])
        return await self.kernel.caller_for(login, "api")

    def acting(self, caller: Caller) -> Crm:
        """A `crm` with the rights of a caller, through both doors as his requests would pass."""
        return Crm(self.kernel, caller)

    @overload
    def as_user(self, user: str) -> Crm: ...
    @overload
    def as_user(self, *, role: str | Sequence[str], **values: Any) -> Person: ...
    def as_user(self, user: str | None = None, *, role: str | Sequence[str] = (), **values: Any) -> Crm:
        """A `crm` with the rights of a user (id or login), or of a fresh one with a role, or several.

        `values` are further fields of the fresh one (`team=…`). Each call makes another one.
        """
        if user is not None:
            return super().as_user(user)
        roles = [role] if isinstance(role, str) else list(role)
        self._numbers["person"] += 1
        return Person(self.kernel, self.client, f"test-{self._numbers['person']}", roles, **values)

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        role: str | None = ADMIN,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer to a request over HTTP by somebody with a role, None: by nobody. One person for each role."""
        if role is None:
            return await self.client.send(method, path, body, headers=headers, query=query)
        return await (await self.person(role)).send(method, path, body, headers=headers, query=query)

    async def person(self, role: str) -> Person:
        """The user with one role who sends requests: the same at each call."""
        if role not in self._people:
            self._people[role] = self.as_user(role=role)
        return await self._people[role]

    async def put(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Plan and apply one document. Raises `Error("plan_refused")`."""
        caller = self.kernel.system("api")
        return await self.kernel.documents.put(body["kind"], body["name"], dict(body), caller)


class Template:
    """App folders of some compositions: each is built once, all others are copies of its database.

    They share the kernel's plugins and registry too: what they consist of is loaded and built once.
    """

    def __init__(self, folder: Path, new: NewDatabase) -> None:
        self._folder = folder
        self._new = new
        self._built: dict[tuple[tuple[str, ...], bytes], tuple[str, Kernel]] = {}

    async def open(
        self, target: Path, plugins: Sequence[str], documents: Sequence[Mapping[str, Any]], new: NewDatabase
    ) -> Kernel:
        """A kernel for an app in `target`, on a database that `new` makes, with these plugins and documents."""
        url, built = await self._made(plugins, documents)
        settings = write_app(target, plugins, new(target, url), deadline_ms=5000)
        kernel = await Kernel.open(settings, strict=True, like=built)
        await kernel.dispatcher.adopt()
        return kernel

    async def database(self, plugins: Sequence[str] = (), documents: Sequence[Mapping[str, Any]] = ()) -> str:
        """The closed database of a composition, to be copied; with documents it is itself a copy of the one without."""
        return (await self._made(plugins, documents))[0]

    async def _made(self, plugins: Sequence[str], documents: Sequence[Mapping[str, Any]]) -> tuple[str, Kernel]:
        key = tuple(plugins), msgspec.json.encode(documents)
        if key not in self._built:
            source = await self.database(plugins) if documents else None
            folder = Path(mkdtemp(dir=self._folder))
            url = self._new(folder, source)
            self._built[key] = url, await _settle(write_app(folder, plugins, url, deadline_ms=5000), documents)
        return self._built[key]


async def _settle(settings: Settings, documents: Sequence[Mapping[str, Any]]) -> Kernel:
    """Bring a database to what an app declares, and close it; the kernel that did."""
    kernel = await Kernel.open(settings, strict=True)
    try:
        await evolve(kernel.database, kernel.registry.entities)
        if documents:
            await kernel.documents.put_all(documents, kernel.system("apply"))
    finally:
        await kernel.close()
    return kernel


def write_app(
    folder: Path,
    plugins: Sequence[str],
    url: str = "sqlite:///crm.db",
    extra: str = "",
    *,
    deadline_ms: int = 250,
) -> Settings:
    """An app folder with a crm.toml for tests; its settings."""
    enabled = ", ".join(f'"{name}"' for name in plugins)
    toml = (
        '[app]\nname = "Test"\nlocale = "en"\ntimezone = "Europe/Riga"\ncurrency = "EUR"\nregion = "LV"\n'
        f'[database]\nurl = "{url}"\n[plugins]\nenabled = [{enabled}]\ndeadline_ms = {deadline_ms}\n{extra}'
    )
    (folder / "crm.toml").write_text(toml, encoding="utf-8")
    return load_settings(folder, {"CRM_SECRET": "a secret for tests only, of forty characters"})
