"""Data migrations of plugins: each once in a database, in order, resumable, and no fault stops the app."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from crm_kernel import Change
from crm_kernel.storage import plugin_states
from crm_kernel.testing import TestCrm
from tests.operations.conftest import MakeCrm

ENTITY = """
    ran = []
    fail = set()
    class Item(Entity, name="item", title="{name}"):
        name: str
        size: int = 0
    @hookimpl
    def register_entities(): return [Item]
"""
MIGRATIONS = """
    async def grow(crm):
        ran.append("grow")
        async for items in crm.batches(Item, size=2):
            ran.append([i.name for i in items])
            if "grow" in fail and len(ran) > 3:
                raise RuntimeError("no more")
            await crm.write([Change.update(Item, i.id, size=i.size + 1) for i in items])
            if "late" in fail:
                raise RuntimeError("after the write")
    async def rename(crm):
        ran.append("rename")
        async for items in crm.batches(Item, "size > 0", size=2):
            await crm.write([Change.update(Item, i.id, name=i.name.upper()) for i in items])
    async def older(crm):
        ran.append("older")
    @hookimpl
    def register_migrations():
        return [
            Migration(version="0.10.0", name="grow", run=grow),
            Migration(version="0.10.0", name="rename", run=rename),
            Migration(version="0.9.0", name="older", run=older),
        ]
"""


async def upgraded(with_plugin: MakeCrm, count: int = 5) -> tuple[TestCrm, Any]:
    """An app whose plugin had records before it had migrations, and the plugin's module."""
    before = await with_plugin(ENTITY)
    await before.kernel.migrations.run()
    await before.write([Change.create("item", name=f"i{n}") for n in range(count)])
    del sys.modules["crm_shop"]
    crm = await with_plugin(ENTITY + MIGRATIONS)
    return crm, crm.kernel.plugins.migrations()[0][1].run.__globals__


async def items(crm: TestCrm) -> list[tuple[str, int]]:
    return [(r["name"], r["size"]) for r in await crm.find("item", sort="name")]


async def states(crm: TestCrm) -> dict[str, str]:
    return {s["name"]: s["state"] for s in await crm.kernel.migrations.states()}


async def test_each_runs_once_by_version_and_as_listed(with_plugin: MakeCrm) -> None:
    crm, plugin = await upgraded(with_plugin)
    assert await states(crm) == {"grow": "waiting", "rename": "waiting", "older": "waiting"}
    [waiting] = await crm.kernel.migrations.upgrades()
    assert waiting.answer()["migrations"] == ["0.9.0 older", "0.10.0 grow", "0.10.0 rename"]
    assert await crm.kernel.migrations.run()
    assert plugin["ran"] == ["older", "grow", ["i0", "i1"], ["i2", "i3"], ["i4"], "rename"]
    assert await items(crm) == [(f"I{n}", 1) for n in range(5)]
    assert await crm.kernel.migrations.run()
    assert len(plugin["ran"]) == 6
    assert set((await states(crm)).values()) == {"done"}
    assert await crm.kernel.migrations.upgrades() == []
    assert await crm.kernel.database.read("SELECT count(*) FROM crm_key WHERE scope = 'plugin:shop'") == [(0,)]


async def test_a_new_plugin_has_nothing_to_migrate(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(ENTITY + MIGRATIONS)
    await crm.kernel.migrations.settle()
    await crm.write([Change.create("item", name="first")])
    await crm.kernel.migrations.run()
    assert (await states(crm), await items(crm)) == (dict.fromkeys(("grow", "rename", "older"), "done"), [("first", 0)])


async def test_records_from_before_versions_were_noted_are_migrated(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(ENTITY + MIGRATIONS)
    await crm.write([Change.create("item", name="old")])
    await crm.kernel.migrations.run()
    assert await items(crm) == [("OLD", 1)]


async def test_one_that_fails_is_told_and_goes_on_where_it_was(with_plugin: MakeCrm) -> None:
    crm, plugin = await upgraded(with_plugin)
    plugin["fail"].add("grow")
    assert await crm.kernel.migrations.run()
    assert await states(crm) == {"grow": "failed", "rename": "waiting", "older": "done"}
    assert [size for _, size in await items(crm)] == [1, 1, 0, 0, 0]
    [problem] = await crm.kernel.migrations.problems()
    assert problem.startswith("The migration 'grow' of the plugin 'shop' failed: RuntimeError: no more Hint: mend it;")
    await crm.write([Change.create("item", name="j")])  # the app is served all the same
    plugin["fail"].clear()
    plugin["ran"].clear()
    await crm.kernel.migrations.run()
    assert plugin["ran"] == ["grow", ["i2", "i3"], ["i4", "j"], "rename"]
    assert await items(crm) == [*((f"I{n}", 1) for n in range(5)), ("J", 1)]
    assert await crm.kernel.migrations.problems() == []


async def test_a_list_that_was_written_and_not_noted_is_not_written_twice(with_plugin: MakeCrm) -> None:
    crm, plugin = await upgraded(with_plugin)
    plugin["fail"].add("late")
    for _ in range(2):
        await crm.kernel.migrations.run()
    assert [size for _, size in await items(crm)] == [1, 1, 0, 0, 0]
    plugin["fail"].clear()
    await crm.kernel.migrations.run()
    assert [size for _, size in await items(crm)] == [1] * 5


async def test_of_two_that_start_at_once_one_runs(with_plugin: MakeCrm) -> None:
    crm, plugin = await upgraded(with_plugin)
    other = await with_plugin(ENTITY + MIGRATIONS)
    await asyncio.gather(crm.kernel.migrations.look(), other.kernel.migrations.look())
    await crm.kernel.migrations.look()
    await other.kernel.migrations.look()
    assert len(plugin["ran"]) == 6
    assert [size for _, size in await items(crm)] == [1] * 5


async def test_versions_are_noted(with_plugin: MakeCrm) -> None:
    crm, _ = await upgraded(with_plugin)
    assert await plugin_states.versions(crm.kernel.database) == {"shop": ""}


@pytest.mark.parametrize("size", [1, 2, 5, 100])
async def test_batches_have_each_record_once_in_order(crm: TestCrm, size: int) -> None:
    made = await crm.write([Change.create("contact", name=f"c{n}", do_not_contact=n % 3 == 0) for n in range(7)])
    found = [r async for records in crm.batches("contact", size=size) for r in records]
    assert [r["id"] for r in found] == [r["id"] for r in made]
    some = crm.batches("contact", "do_not_contact = @param.wanted", size=size, wanted=True)
    lists = [records async for records in some]
    assert [r["name"] for records in lists for r in records] == ["c0", "c3", "c6"]
    assert all(0 < len(records) <= size for records in lists)
