"""A kernel to test with: on a temporary database, copied from a template that is made once (floor 11)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import msgspec

from crm_kernel.callers import Caller
from crm_kernel.errors import Error
from crm_kernel.kernel import Kernel
from crm_kernel.operations.changes import Change
from crm_kernel.operations.crm import Crm
from crm_kernel.settings import Settings, load_settings
from crm_kernel.storage.evolution import evolve

NewDatabase = Callable[..., str]
"""Makes a database for an app in a folder, as `Databases.new`; it goes when its test, or the session, ends."""


class TestCrm(Crm):
    """A `crm` with all rights, and what tests need beside: the kernel, delivery by hand, callers with roles."""

    __test__ = False

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel, kernel.system("job"))
        self.kernel = kernel

    async def deliver(self) -> int:
        """Deliver all events to the plugins' listeners now; how many were looked at."""
        return await self.kernel.dispatcher.deliver_all()

    async def run_job(self, name: str) -> None:
        """Run one job of a plugin now (`job`, or `plugin.job`). Raises `Error`: not_found, conflict (it failed)."""
        ran = await self.kernel.schedule.run(name)
        if ran.error is not None:
            raise Error("conflict", f"The job {ran.name} failed: {ran.error}")

    async def user(self, login: str, *roles: str, team: str | None = None, **values: Any) -> Caller:
        """A new user with these roles, as a caller."""
        fields = {"login": login, "name": values.pop("name", login), "roles": list(roles), "team": team, **values}
        await self.write([Change.create("user", fields)])
        return await self.kernel.caller_for(login, "api")

    def acting(self, caller: Caller) -> Crm:
        """A `crm` with the rights of a caller, through both doors as his requests would pass."""
        return Crm(self.kernel, caller)

    async def put(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Plan and apply one document. Raises `Error("plan_refused")`."""
        caller = self.kernel.system("api")
        return await self.kernel.documents.put(body["kind"], body["name"], dict(body), caller)


class Template:
    """App folders of some compositions: each is built once, all others are copies of its database."""

    def __init__(self, folder: Path, new: NewDatabase) -> None:
        self._folder = folder
        self._new = new
        self._built: dict[tuple[tuple[str, ...], bytes], str] = {}

    async def open(
        self, target: Path, plugins: Sequence[str], documents: Sequence[Mapping[str, Any]], new: NewDatabase
    ) -> Kernel:
        """A kernel for an app in `target`, on a database that `new` makes, with these plugins and documents."""
        built = await self.database(plugins, documents)
        kernel = await Kernel.open(write_app(target, plugins, new(target, built), deadline_ms=5000), strict=True)
        await kernel.dispatcher.adopt()
        return kernel

    async def database(self, plugins: Sequence[str] = (), documents: Sequence[Mapping[str, Any]] = ()) -> str:
        """The closed database of a composition, to be copied; with documents it is itself a copy of the one without."""
        key = tuple(plugins), msgspec.json.encode(documents)
        if key not in self._built:
            source = await self.database(plugins) if documents else None
            folder = Path(mkdtemp(dir=self._folder))
            url = self._new(folder, source)
            await _settle(write_app(folder, plugins, url), documents)
            self._built[key] = url
        return self._built[key]


async def _settle(settings: Settings, documents: Sequence[Mapping[str, Any]]) -> None:
    """Bring a database to what an app declares, and close it."""
    kernel = await Kernel.open(settings, strict=True)
    try:
        await evolve(kernel.database, kernel.registry.entities)
        if documents:
            await kernel.documents.put_all(documents, kernel.system("apply"))
    finally:
        await kernel.close()


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
