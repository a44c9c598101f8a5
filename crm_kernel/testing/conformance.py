"""What every plugin must pass: a class to subclass in six lines (floor 11)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from crm_kernel.errors import Error
from crm_kernel.kernel import Kernel
from crm_kernel.model import EntityModel, Source
from crm_kernel.operations.changes import Change, RecordView
from crm_kernel.operations.replay import replay
from crm_kernel.plugin_finding import GROUP
from crm_kernel.plugin_imports import foreign_imports
from crm_kernel.storage import outbox
from crm_kernel.testing.kit import TestCrm, write_app

_MOST = 10_000
_KINDS = ("text", "integer", "number", "boolean", "choice", "date")


class PluginConformance:
    """The contract of plugins as tests. In a plugin's tests:

    ```
    from crm_kernel.testing import PluginConformance

    class TestConformance(PluginConformance):
        plugin = "real_estate"
        samples = {"listing": {"stage": "Active"}}
    ```

    `plugin` is the name of the installed plugin, `fixed` the entities whose records stay as they were made.
    `samples` give values of each record of an entity that the factories make, where rules want what no schema says;
    `values` may be overridden for more.
    """

    plugin: ClassVar[str] = ""
    samples: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    fixed: ClassVar[Collection[str]] = ()

    async def values(self, crm: TestCrm, entity: str, *, full: bool = False) -> dict[str, Any]:
        """What a new record of an entity of the plugin is made of."""
        return await crm.values(entity, full=full)

    # What the tests work with -----------------------------------------------------------------------------------------

    @pytest.fixture
    def crm_plugins(self) -> Sequence[str]:
        """The plugin and those it requires."""
        return with_requirements(self.plugin)

    @pytest.fixture
    def crm_samples(self) -> Mapping[str, Mapping[str, Any]]:
        """What the factories give each record."""
        return self.samples

    def entities(self, crm: TestCrm) -> list[EntityModel]:
        """The entities that the plugin brings."""
        own = Source("plugin", self.plugin)
        return [model for model in crm.kernel.registry.entities.values() if model.source == own]

    def state(self, crm: TestCrm) -> dict[str, Any]:
        """What `crm plugins` tells of the plugin."""
        return next(state for state in crm.kernel.plugins.states() if state["name"] == self.plugin)

    # The contract -----------------------------------------------------------------------------------------------------

    async def test_it_loads_by_itself(self, crm: TestCrm) -> None:
        """With what it requires and nothing else it is active; each of its hooks is one of the contract."""
        assert not crm.kernel.problems
        state = self.state(crm)
        assert state["state"] == "active", state["reason"]
        assert state["hooks"], "it implements no hook"

    async def test_what_it_names_exists(self, crm: TestCrm) -> None:
        """Roles, pipelines, reports and views name only entities, fields, actions and stages that there are."""
        broken = [b for b in crm.kernel.registry.broken if b.source.name == self.plugin]
        assert not broken, broken

    async def test_its_entities_have_words_for_people(self, crm: TestCrm) -> None:
        """Each has a label, a description and a title; each of its fields a label; titles of records are not empty."""
        for model in self.entities(crm):
            assert model.label, model.name
            assert model.plural, model.name
            described = any(part.get("description") for part in model.schema["allOf"])
            assert described, f"{model.name} has no description: write a docstring"
            assert "{" in model.title, f"{model.name} has no title made of its fields"
            assert all(field.label.strip() for field in model.own_fields), model.name

    def test_it_imports_public_names_only(self) -> None:
        """Of the kernel `crm_kernel`, `crm_kernel.base`, `crm_kernel.testing`; of plugins those it requires."""
        module = _module(self.plugin)
        folder = Path(str(module.__file__)).parent
        found = [
            f"{file}:{line} imports {name}" for file, line, name in foreign_imports(folder, _packages(self.plugin))
        ]
        assert not found, "\n".join(found)

    async def test_records_of_its_schemas_are_taken(self, crm: TestCrm) -> None:
        """What the factories make, few fields filled or all, is refused by none of its hooks."""
        for model in self.entities(crm):
            for full in (False, True, False):
                await self._make(crm, model.name, full=full)
        await self._is_sound(crm)

    async def test_records_go_round_over_http(self, crm: TestCrm) -> None:
        """Each entity's records are created, read, listed, updated, deleted and restored over HTTP."""
        for model in self.entities(crm):
            await self._goes_round(crm, model.name, await self.values(crm, model.name))
        await self._is_sound(crm)

    async def _goes_round(self, crm: TestCrm, entity: str, values: Mapping[str, Any]) -> None:
        at = f"/api/records/{entity}"
        created = await crm.send("POST", at, values)
        assert created.status == 201, created.text
        one = f"{at}/{created.json()['id']}"
        listed = await crm.send("GET", at, query={"filter": f"id = '{created.json()['id']}'"})
        assert [item["version"] for item in listed.json()["items"]] == [1]
        if entity in self.fixed:
            return
        await self._is_updated(crm, entity, one, values)
        steps = [("DELETE", one, 204), ("GET", one, 404), ("POST", f"{one}/restore", 200), ("GET", one, 200)]
        for method, path, status in steps:
            answer = await crm.send(method, path)
            assert answer.status == status, f"{method} {path}: {answer.text}"

    async def _is_updated(self, crm: TestCrm, entity: str, one: str, values: Mapping[str, Any]) -> None:
        """Some field takes another value: which of them a rule keeps as they are is the plugin's affair."""
        model = crm.kernel.registry.entities[entity]
        others = await self.values(crm, entity, full=True)
        plain = {f.name: others[f.name] for f in model.own_fields if f.type.kind in _KINDS and f.name in others}
        refusals: list[str] = []
        for name, value in plain.items():
            if value != values.get(name):
                answer = await crm.send("PATCH", one, {name: value})
                if answer.status != 200:
                    refusals.append(answer.text)
                elif answer.json()["version"] > 1:  # else the plugin keeps the field itself
                    return
        assert not refusals, f"no field of {entity} can be updated: {refusals}"

    async def _make(self, crm: TestCrm, entity: str, *, full: bool = False) -> RecordView:
        return (await crm.write([Change.create(entity, await self.values(crm, entity, full=full))]))[0]

    async def test_listeners_may_be_told_again(self, crm: TestCrm) -> None:
        """All events told to its listeners a second time change nothing."""
        mine = [bound.name for bound in crm.kernel.registry.listeners if bound.plugin == self.plugin]
        for model in self.entities(crm):
            await self._make(crm, model.name, full=True)
        await crm.deliver()
        events = await outbox.after(crm.kernel.database, 0, _MOST)
        before = await self._everything(crm)
        for listener in mine:
            await replay(crm.kernel.database, mine, events[0].id, events[-1].id, listener)
        await crm.deliver()
        after = await self._everything(crm)
        differing = [name for name, records in after.items() if records != before[name]]
        assert not differing, f"told again, its listeners change records of {', '.join(differing)}"
        await self._is_sound(crm)

    async def test_disabled_and_enabled_it_has_its_data(self, crm: TestCrm) -> None:
        """Without the plugin the app works, and with it again everything is there."""
        made = [await self._make(crm, model.name) for model in self.entities(crm)]
        await crm.deliver()
        before = await self._everything(crm)
        others = [name for name in with_requirements(self.plugin) if name != self.plugin]
        async with _opened_again(crm, others) as without:
            assert not self.entities(TestCrm(without)), "it is still there"
            await TestCrm(without).make("contact")
        async with _opened_again(crm, [*others, self.plugin]) as again:
            after = await self._everything(TestCrm(again))
        assert {entity: after[entity] for entity in before if entity != "contact"} == {
            entity: records for entity, records in before.items() if entity != "contact"
        }
        assert len(made) == len(self.entities(crm))

    async def _everything(self, crm: TestCrm) -> dict[str, list[Mapping[str, Any]]]:
        return {
            name: [dict(record) for record in await crm.find(name, sort="id", limit=_MOST)]
            for name in crm.kernel.registry.entities
        }

    async def _is_sound(self, crm: TestCrm) -> None:
        """No hook failed unexpectedly or was cut."""
        state = self.state(crm)
        assert state["state"] == "active", state["reason"]
        assert not state["faults"], state["faults"]


@asynccontextmanager
async def _opened_again(crm: TestCrm, plugins: Sequence[str]) -> AsyncGenerator[Kernel]:
    """Another kernel on the database of `crm`, with other plugins."""
    place = crm.kernel.settings
    settings = write_app(place.folder, plugins, place.database.url, deadline_ms=5000)
    kernel = await Kernel.open(msgspec.structs.replace(settings, secret=place.secret))
    try:
        yield kernel
    finally:
        await kernel.close()


def _module(plugin: str) -> Any:
    points = {point.name: point for point in entry_points(group=GROUP)}
    if plugin not in points:
        raise Error("not_found", f"The plugin {plugin!r} is not installed.", hint="pip install --editable .")
    return points[plugin].load()


def _packages(plugin: str) -> set[str]:
    """The packages that the plugin may import from: its own, and those of plugins it requires."""
    return {str(_module(name).__name__).partition(".")[0] for name in with_requirements(plugin)}


def with_requirements(plugin: str) -> list[str]:
    """The names of a plugin and of those it requires, however far, those it needs first.

    Raises `Error("not_found")` for one that is not installed.
    """
    found: list[str] = []
    for name in _module(plugin).plugin.requires:
        found += [one for one in with_requirements(name) if one not in found]
    return [*found, plugin]
