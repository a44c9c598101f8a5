"""What a hook that misbehaves can do to the operation it is asked about, and to others: nothing."""

from __future__ import annotations

import asyncio
import logging
from time import thread_time
from typing import Any

import pytest

from crm_kernel import Change
from tests.operations.conftest import MakeCrm, refusal
from tests.operations.test_hooks import code


def shop(crm: Any) -> dict[str, Any]:
    return next(state for state in crm.kernel.plugins.states() if state["name"] == "shop")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return [1, 2]", "TypeError: before_write returned [1, 2], expected None"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise asyncio.CancelledError()", "CancelledError"),
        ("raise GeneratorExit()", "GeneratorExit"),
        ("raise BaseExceptionGroup('both', [KeyError(), SystemExit()])", "BaseExceptionGroup: both"),
        ("await Odd()", "A hook can wait for a Future, not for str."),
    ],
)
async def test_whatever_a_hook_returns_or_raises_is_a_fault_of_its_plugin(
    with_plugin: MakeCrm, body: str, said: str
) -> None:
    crm = await with_plugin(
        code(f"""
    import asyncio

    class Odd:
        def __await__(self):
            yield "odd"

    @hookimpl
    async def before_write(batch):
        {body}
    """)
    )
    refused = await refusal(crm.write([Change.create("item", name="A")]))
    assert refused.faults == [("", "plugin_fault")]
    assert said in shop(crm)["faults"][-1]["cause"]
    assert await crm.count("item") == 0
    assert (await crm.find("contact")) == []


@pytest.mark.contract("hooks.md#hook-awaits")
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(  # it does not end when it is thrown away either, as Python tells then
            "await deaf()", marks=pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
        ),
        "await asyncio.gather(deaf())",
        "async with asyncio.TaskGroup() as group: group.create_task(deaf())",
        "await asyncio.shield(asyncio.sleep(60))",
        "while True: await asyncio.sleep(0)",
        "async with asyncio.timeout(60): await asyncio.sleep(60)",
    ],
)
async def test_no_hook_can_refuse_to_be_cut(with_plugin: MakeCrm, body: str, caplog: pytest.LogCaptureFixture) -> None:
    crm = await with_plugin(
        code(f"""
    import asyncio

    stopped = []

    async def deaf():
        while not stopped:
            try: await asyncio.sleep(0.4)
            except BaseException: pass

    @hookimpl
    async def before_write(batch):
        {body}
    """),
    )
    async with asyncio.timeout(30):
        refused = await refusal(crm.write([Change.create("item", name="A")]))
    assert refused.faults == [("", "plugin_fault")]
    assert "Cut" in shop(crm)["faults"][-1]["cause"]
    assert "waits in before_write for something else than batch.*" in caplog.text
    assert next(h for h in shop(crm)["hooks"] if h["hook"] == "before_write")["waits"] >= 1
    crm.kernel.plugins._by_name["shop"].module.stopped.append(True)
    if left := [task for task in asyncio.all_tasks() if "deaf" in repr(task)]:
        await asyncio.wait(left)


async def test_a_hook_that_limits_its_own_questions_goes_on(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(
        code("""
    import asyncio

    @hookimpl
    async def before_write(batch):
        found = await asyncio.gather(batch.find(Item), batch.find("contact"))
        async with asyncio.timeout(60):
            found += [await batch.find(Item)]
        try:
            async with asyncio.timeout(0):
                await asyncio.sleep(0.1)
        except TimeoutError:
            batch.of(Item)[0].amend(note=str(len(found)))
    """)
    )
    assert (await crm.write([Change.create("item", name="A")]))[0]["note"] == "3"
    assert shop(crm)["faults"] == []


LATE = """
    import asyncio

    tried, late = [], asyncio.Event()

    async def stray(what, batch, change):
        await late.wait()
        for name, attempt in {
            "amend": lambda: change.amend(note="late"),
            "refuse": lambda: change.refuse("/note", "late"),
            "add": lambda: batch.add(Change.create(Item, name="late")),
            "find": lambda: batch.find(Item),
            "lock": lambda: batch.lock("late"),
        }.items():
            try:
                answer = attempt()
                if answer is not None: await answer
                tried.append((what, name, "done"))
            except Exception as error:
                tried.append((what, name, type(error).__name__))
"""


@pytest.mark.contract("hooks.md#batch-ends")
async def test_what_a_hook_leaves_behind_can_do_nothing_to_the_batch(with_plugin: MakeCrm, app: Any) -> None:
    """A task of one plugin wakes up while the hook of another runs in the same batch, one after the end of all."""
    app.plugin("other", "import asyncio\n@hookimpl\nasync def before_write(batch):\n    import crm_shop\n"
        "    if batch.of('item'): crm_shop.late.set(); await asyncio.sleep(0.02)", after=["shop"])  # fmt: skip
    crm = await with_plugin(
        code(
            LATE
            + """
    @hookimpl
    async def before_write(batch):
        for change in batch.of(Item):
            tasks.append(asyncio.create_task(stray("between", batch, change)))

    @hookimpl
    async def check_write(batch):
        late.clear()
        for change in batch.of(Item):
            tasks.append(asyncio.create_task(stray("after", batch, change)))

    tasks = []
    """
        )
    )
    module = crm.kernel.plugins._by_name["shop"].module
    (record,) = await crm.write([Change.create("item", name="A")])
    module.late.set()
    await asyncio.gather(*module.tasks)
    names = ("amend", "refuse", "add", "find", "lock")
    assert module.tried == [(what, name, "HookMisuse") for what in ("between", "after") for name in names]
    assert record["note"] is None
    assert [r["name"] for r in await crm.find("item")] == ["A"]


@pytest.mark.contract("hooks.md#nested-operation")
async def test_a_task_that_a_hook_started_may_do_nothing_later_either(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(
        code("""
    import asyncio
    kept, said = [], []

    @hookimpl
    async def on_start(crm): kept.append(crm)

    async def later():
        for call in (
            lambda: kept[0].write([Change.create(Item, name="B")]), lambda: kept[0].find(Item),
            lambda: kept[0].get(Item, "x"), lambda: kept[0].count(Item), lambda: kept[0].move(Item, "x", "y"),
            lambda: kept[0].may("read", Item, "x"), lambda: kept[0].as_user("nobody").find(Item),
        ):
            try: await call()
            except Exception as error: said.append(error.faults[0].code)

    @hookimpl
    async def before_write(batch):
        kept.append(asyncio.create_task(later()))
    """)
    )
    await crm.kernel.start()
    await crm.write([Change.create("item", name="A")])
    module = crm.kernel.plugins._by_name["shop"].module
    await module.kept[1]
    assert module.said == ["nested_operation"] * 7
    assert await crm.count("item") == 1


async def test_check_write_may_only_refuse(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(
        code("""
    @hookimpl
    async def check_write(batch):
        change = batch.of(Item)[0]
        if change.after.name == "amend": change.amend(note="late")
        if change.after.name == "add": batch.add(Change.create(Item, name="more"))
    """)
    )
    for name in ("amend", "add"):
        assert (await refusal(crm.write([Change.create("item", name=name)]))).faults == [("", "plugin_fault")]
        assert "it may only refuse" in shop(crm)["faults"][-1]["cause"]
    assert await crm.count("item") == 0


async def test_no_hook_keeps_a_fault_of_the_database_to_itself(
    with_plugin: MakeCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    crm = await with_plugin(
        code("""
    @hookimpl
    async def before_write(batch):
        try: await batch.find(Item)
        except Exception: pass
    """),
        on_error="skip",
    )

    async def broken(*_: Any, **__: Any) -> Any:
        raise OSError("the connection is lost")

    monkeypatch.setattr(crm.kernel.writer, "_find", broken)
    assert (await refusal(crm.write([Change.create("item", name="A")]))).faults == [("", "plugin_fault")]


async def test_who_waits_for_the_kernel_is_not_blamed_for_what_others_do_meanwhile(
    with_plugin: MakeCrm, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.toml = "deadline_ms = 50"
    crm = await with_plugin(
        code("""
    @hookimpl
    async def before_write(batch):
        await batch.find(Item)
    """)
    )

    async def others() -> None:
        for _ in range(20):
            begun = thread_time()
            while thread_time() - begun < 0.01:
                pass
            await asyncio.sleep(0)

    async def find(*_: Any, **__: Any) -> Any:
        await asyncio.create_task(others())
        return []

    monkeypatch.setattr(crm.kernel.writer, "_find", find)
    await crm.write([Change.create("item", name="A")])
    assert (shop(crm)["state"], shop(crm)["faults"]) == ("active", [])


async def test_a_broken_hook_refuses_all_changes_at_once_that_may_stand_alone(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(
        code("""
    calls = []

    @hookimpl
    async def before_write(batch):
        calls.append(len(batch))
        raise ValueError("broken")
    """)
    )
    rows = [Change.create("item", name=str(n)) for n in range(50)]
    outcomes = await crm.kernel.writer.write(rows, crm.kernel.system("cli"), atomic=False)
    assert [o.status for o in outcomes] == [422] * 50
    assert crm.kernel.plugins._by_name["shop"].module.calls == [50]


async def test_one_time_for_all_hooks_of_an_operation(with_plugin: MakeCrm) -> None:
    """Two hooks that each idle for less than all have together: the second is cut."""
    crm = await with_plugin(
        code("""
    import asyncio

    @hookimpl
    async def before_write(batch): await asyncio.sleep(0.2)

    @hookimpl
    async def check_write(batch): await asyncio.sleep(0.2)
    """)
    )
    assert (await refusal(crm.write([Change.create("item", name="A")]))).faults == [("", "plugin_fault")]
    assert shop(crm)["faults"][-1]["hook"] == "check_write"


@pytest.mark.parametrize("blocking", ["asleep(0.8)", "while time.thread_time() < 0.6 + begun: pass"])
async def test_a_hook_that_blocks_is_named_while_it_does_and_quarantined_when_it_returns(
    with_plugin: MakeCrm, caplog: pytest.LogCaptureFixture, blocking: str
) -> None:
    crm = await with_plugin(
        code(f"""
    import time
    from time import sleep as asleep

    def grinding():
        begun = time.thread_time()
        {blocking}

    @hookimpl
    async def before_write(batch):
        grinding()
        told.extend(heard())

    told, heard = [], list
    """)
    )
    module = crm.kernel.plugins._by_name["shop"].module
    module.heard = lambda: [r.getMessage() for r in caplog.records if r.name == "crm_kernel.watchdog"]
    with caplog.at_level(logging.ERROR):
        await crm.write([Change.create("item", name="A")])
    assert "plugin shop blocks the event loop in before_write for 0." in module.told[0]
    assert "in grinding" in module.told[0]
    assert shop(crm)["state"] == "quarantined"
    assert shop(crm)["reason"].startswith("blocked the event loop in before_write for ")
