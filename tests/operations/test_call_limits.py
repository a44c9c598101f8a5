"""What plugins' code is called for outside of hooks: with a limit and figures, and no way to end or stop the server."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from crm_kernel import Change, Error
from crm_kernel.operations.export import export, format_of
from crm_kernel.operations.list_query import ListQuery
from crm_kernel.operations.uninstall import uninstall_plan
from crm_kernel.testing import TestCrm
from tests.operations.conftest import MakeCrm, refusal

FEEDS = """
import asyncio, sys

ended = []

async def some():
    try:
        async with asyncio.timeout(60):
            for number in range(3):
                await asyncio.sleep(0)
                yield number
    finally:
        ended.append("some")

async def hangs():
    yield 0
    await asyncio.sleep(60)

async def deaf():
    yield 0
    for _ in range(60):
        try: await asyncio.sleep(1)
        except asyncio.CancelledError: yield 1

async def leaves():
    yield 0
    sys.exit(3)

async def cancels():
    yield 0
    raise asyncio.CancelledError

async def raises():
    yield 0
    raise ValueError("broken")

async def ends_badly():
    try: yield 0
    finally: sys.exit(4)

def none(): sys.exit(5)

async def refuses():
    yield 0
    raise Error("bad_value", "Not today.")
"""


@pytest.fixture
async def feeds(with_plugin: MakeCrm, app: Any) -> TestCrm:
    """A kernel with a plugin that has generators, and a second for each call."""
    app.toml = "call_deadline_ms = 1000"
    return await with_plugin(FEEDS)


def shop(crm: TestCrm) -> dict[str, Any]:
    return next(state for state in crm.kernel.plugins.states() if state["name"] == "shop")


def code_of(crm: TestCrm, name: str) -> Callable[[], AsyncIterator[int]]:
    return getattr(crm.kernel.plugins._by_name["shop"].module, name)


async def taken(crm: TestCrm, name: str) -> list[int]:
    """What a generator of the plugin yields, up to its end or its fault; that is raised."""
    got: list[int] = []
    async with aclosing(crm.kernel.calls.each("shop", name, code_of(crm, name))) as items:
        async for item in items:
            got.append(item)
    return got


async def test_a_generator_runs_in_one_task_to_its_end_and_counts_as_one_call(feeds: TestCrm) -> None:
    assert await taken(feeds, "some") == [0, 1, 2]
    [call] = shop(feeds)["calls"]
    assert (call["call"], call["calls"], call["errors"]) == ("some", 1, 0)


async def test_a_generator_is_closed_when_nobody_asks_any_more(feeds: TestCrm) -> None:
    async with aclosing(feeds.kernel.calls.each("shop", "some", code_of(feeds, "some"))) as items:
        assert await anext(items) == 0
    assert feeds.kernel.plugins._by_name["shop"].module.ended == ["some"]
    assert shop(feeds)["calls"][0]["calls"] == 1


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("hangs", "Overrun: it took longer than 1 s"),
        ("deaf", "Overrun: it took longer than 1 s"),
        ("leaves", "PluginExit: SystemExit: 3"),
        ("cancels", "PluginExit: CancelledError"),
        ("raises", "ValueError: broken"),
        ("ends_badly", "PluginExit: SystemExit: 4"),
        ("none", "PluginExit: SystemExit: 5"),
    ],
)
async def test_a_generator_that_fails_ends_nothing_but_itself(feeds: TestCrm, name: str, said: str) -> None:
    with pytest.raises(Exception, match=said.partition(": ")[2].replace("(", ".")):
        await taken(feeds, name)
    assert said in shop(feeds)["faults"][-1]["cause"]
    assert shop(feeds)["calls"][0]["errors"] == 1
    assert not [task for task in asyncio.all_tasks() if task.get_name() == f"crm-{name}"]


async def test_a_refusal_is_no_fault_where_it_is_expected(feeds: TestCrm) -> None:
    refused = await refusal(_all_of(feeds.kernel.calls.each("shop", "r", code_of(feeds, "refuses"), expected=Error)))
    assert refused.code == "bad_value"
    assert shop(feeds)["faults"] == []


DOORS = """
import asyncio, sys

class Item(Entity, name="item", title="{name}"):
    name: str

async def read(file, crm):
    yield [Change.create(Item, name="A")]
    HOW

async def write(records):
    yield b"["
    HOW

async def work(crm):
    await crm.write([Change.create(Item, name="B")])
    HOW

@hookimpl
def register_entities(): return [Item]
@hookimpl
def register_importers(): return [Importer(name="items", title="Items", entity="item", read=read, suffixes=[".itm"])]
@hookimpl
def register_exporters(): return [Exporter(name="items", title="Items", entity="item", write=write, suffix=".itm")]
@hookimpl
def register_jobs(): return [Job(name="tidy", every="0 6 * * *", handle=work, timeout=1.0)]
@hookimpl
def register_migrations(): return [Migration(version="0.1.0", name="grow", run=work)]
@hookimpl
async def on_uninstall(plan):
    HOW
"""
WAYS = {
    "hangs": ("await asyncio.sleep(60)", "Overrun", "took too long"),
    "leaves": ("sys.exit(3)", "PluginExit", "failed"),
    "cancels": ("raise asyncio.CancelledError", "PluginExit", "failed"),
}


@pytest.mark.contract("hooks.md#call-limit")
@pytest.mark.parametrize("way", WAYS)
async def test_who_reads_writes_works_or_says_goodbye_too_long_is_cut(
    with_plugin: MakeCrm, app: Any, tmp_path: Path, way: str
) -> None:
    body, fault, how = WAYS[way]
    app.toml = "call_deadline_ms = 1000"
    crm = await with_plugin(DOORS.replace("HOW", body))
    kernel, system = crm.kernel, crm.kernel.system("cli")
    (tmp_path / "a.itm").write_bytes(b"")
    refused = await refusal(kernel.imports.run("item", tmp_path / "a.itm", None, caller=system))
    assert refused.faults == [("", "plugin_fault")]
    assert how in refused.error.detail
    form = format_of(kernel, "items")
    refused = await refusal(_all_of(await export(kernel.reader, "item", system, ListQuery(), form=form)))
    assert refused.faults == [("", "plugin_fault")]
    assert how in refused.error.detail
    assert await crm.count("item") == 0
    due = await kernel.schedule.run("tidy")
    assert due.error is not None
    assert await crm.count("item") == 1  # what was committed before it was cut
    plan = await uninstall_plan(kernel, "shop", [])
    assert [fault in refusal for refusal in plan.refusals] == [True]
    calls = {call["call"]: call["errors"] for call in shop(crm)["calls"]}
    assert calls == {"importer items": 1, "exporter items": 1, "job tidy": 1}
    assert next(h["errors"] for h in shop(crm)["hooks"] if h["hook"] == "on_uninstall") == 1
    assert len([f for f in shop(crm)["faults"] if fault in f["cause"]]) == 4


@pytest.mark.parametrize("body", ["sys.exit(3)", "raise asyncio.CancelledError"])
async def test_a_migration_that_wants_to_end_the_server_has_failed(with_plugin: MakeCrm, body: str) -> None:
    before = await with_plugin(DOORS.replace("def register_migrations", "def _").replace("@hookimpl\ndef _", "def _"))
    await before.write([Change.create("item", name="A")])
    del sys.modules["crm_shop"]
    crm = await with_plugin(DOORS.replace("HOW", body))
    assert await crm.kernel.migrations.run()
    [state] = await crm.kernel.migrations.states()
    assert (state["state"], state["error"].partition(":")[0]) == ("failed", "PluginExit")
    assert await crm.count("item") == 2


@pytest.mark.contract("hooks.md#call-limit")
async def test_an_exporter_that_blocks_three_times_is_quarantined_and_an_importer_is_not(
    with_plugin: MakeCrm, app: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An import has a process of its own; an export keeps all others of the server waiting."""
    app.toml = "deadline_ms = 50"
    crm = await with_plugin(DOORS.replace("HOW", "from time import sleep; sleep(0.3)"))
    kernel, system = crm.kernel, crm.kernel.system("cli")
    (tmp_path / "a.itm").write_bytes(b"")
    for number in range(3):
        await kernel.imports.run("item", tmp_path / "a.itm", None, caller=system, on_duplicate="skip")
        assert shop(crm)["state"] == "active"
        (tmp_path / "a.itm").write_bytes(b" " * number)
    form = format_of(kernel, "items")
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            await _all_of(await export(kernel.reader, "item", system, ListQuery(), form=form))
    assert caplog.text.count("plugin shop blocks the event loop in exporter items for 0.") == 3
    assert shop(crm)["state"] == "quarantined"
    with pytest.raises(Error, match="quarantined"):
        format_of(kernel, "items")


MANY = """
from time import sleep

class Item(Entity, name="item", title="{name}"):
    name: str

ROWS = [{"create": {"values": {"name": str(n)}}} for n in range(4000)]

async def fill(crm):
    await crm.write(ROWS, entity="item")

async def grind(crm):
    try: await crm.write([Change.create(Item)])
    except Error: sleep(0.3)

async def hog(crm):
    sum(range(10_000_000))

@hookimpl
def register_entities(): return [Item]
@hookimpl
def register_jobs(): return [Job(name=j.__name__, every="0 6 * * *", handle=j) for j in (fill, grind, hog)]
"""


@pytest.mark.contract("hooks.md#call-limit")
async def test_what_the_kernel_takes_for_a_call_is_not_held_against_the_plugin(
    with_plugin: MakeCrm, app: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app.toml = "deadline_ms = 50"
    crm = await with_plugin(MANY)
    for _ in range(3):
        assert (await crm.kernel.schedule.run("fill")).error is None
    assert await crm.count("item") == 12_000
    assert "blocks the event loop" not in caplog.text
    assert shop(crm)["state"] == "active"
    for _ in range(3):
        await crm.kernel.schedule.run("grind")  # once the kernel has answered it is the plugin again
    assert caplog.text.count("plugin shop blocks the event loop in job grind for 0.") == 3
    assert shop(crm)["state"] == "quarantined"


async def test_code_that_lets_no_thread_run_is_found_by_its_processor_time(with_plugin: MakeCrm, app: Any) -> None:
    app.toml = "deadline_ms = 20"
    crm = await with_plugin(MANY)
    for _ in range(3):
        await crm.kernel.schedule.run("hog")
    assert (shop(crm)["state"], shop(crm)["reason"]) == (
        "quarantined",
        "took too long 3 times within ten minutes, last in job hog",
    )


async def _all_of(items: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in items]
