"""Delivery of events to listeners: after the commit, in order, again where it failed, once for what was written."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from crm_kernel import Change, Error
from crm_kernel.kernel import Kernel
from crm_kernel.operations import deliver
from crm_kernel.operations.deliver_faults import FIRST_PAUSE, LONGEST_PAUSE, MAX_ATTEMPTS
from crm_kernel.operations.lag import lags
from crm_kernel.operations.replay import dead_letters
from crm_kernel.storage import delivery
from crm_kernel.testing import TestCrm
from crm_kernel.testing.databases import Databases
from tests.operations.conftest import MakeCrm
from tests.operations.item_shop import CREATED, LISTENING, NOW, UPDATED, create, item_shop, module, told, update


def names(crm: Any) -> list[str]:
    return [event.after["name"] for event in told(crm)]


@pytest.mark.contract("hooks.md#listener-after-commit")
async def test_a_listener_runs_after_the_commit_with_all_that_is_known(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(LISTENING)
    crm.clock.set(NOW)
    user = await crm.user("ilze", "admin")
    id = await create(crm, name="A", price=2)
    await crm.acting(user).write([Change.update("item", id, name="B")])
    assert told(crm) == []
    await crm.deliver()
    created, updated = told(crm)
    assert (created.type, created.before, created.actor) == ("record.created", None, None)
    assert (updated.type, updated.entity, updated.record, updated.actor) == ("record.updated", "item", id, user.id)
    assert (updated.before["name"], updated.after["name"], updated.changed) == ("A", "B", ("name",))
    assert (updated.at, updated.attempt, updated.depth) == ("2026-03-01T10:00:00Z", 1, 0)
    await crm.move("item", id, "out")
    await crm.deliver()
    moved = told(crm)[2]
    assert (moved.type, moved.from_, moved.to, moved.reason) == ("record.moved", "in", "out", None)


@pytest.mark.contract("hooks.md#listener-after-commit")
async def test_what_was_not_committed_is_not_told(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(LISTENING)
    with pytest.raises(Error):
        await crm.write([Change.create("item", name="A"), Change.create("item", {})])
    await crm.kernel.writer.write([Change.create("item", name="A")], crm.kernel.system("cli"), dry_run=True)
    assert await crm.deliver() == 0
    assert told(crm) == []


@pytest.mark.contract("hooks.md#listener-where")
async def test_where_is_an_expression_on_event_images_and_related_records(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(
        item_shop("""
    @hookimpl
    def register_listeners():
        where = "event.changed contains 'name' and before.price < 5 and parent.name = 'wanted'"
        return [Listener(event="record.updated", entity="item", where=where, handle=note)]
    """)
    )
    parents = [await create(crm, name=name) for name in ("wanted", "other")]
    for parent in parents:
        for price in (4, 6):
            id = await create(crm, name=f"{price}", price=price, parent=parent)
            await update(crm, id, price=9)
            await update(crm, id, price=price)
            await update(crm, id, name="new")
    await crm.deliver()
    assert [(e.before["name"], e.after["parent"]) for e in told(crm)] == [("4", parents[0])]


@pytest.mark.contract("hooks.md#listener-order")
async def test_a_failure_holds_back_its_record_for_its_listener_only(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(
        item_shop("""
    heard = []

    async def hear(event, crm): heard.append(event.after["name"])

    @hookimpl
    def register_listeners():
        return [Listener(event="record.updated", handle=note), Listener(event="record.updated", handle=hear)]
    """)
    )
    crm.clock.set(NOW)
    one, two = await create(crm, name="1"), await create(crm, name="2")
    module(crm)("failing").add("1a")
    for name in ("1a", "1b", "1c"):
        await update(crm, one, name=name)
        await update(crm, two, name=name.replace("1", "2"))
    await crm.deliver()
    assert names(crm) == ["1a", "2a", "2b", "2c"]
    assert module(crm)("heard") == ["1a", "2a", "1b", "2b", "1c", "2c"]
    await update(crm, one, name="1d")  # in a later batch
    await crm.deliver()
    module(crm)("failing").clear()
    assert names(crm) == ["1a", "2a", "2b", "2c"]
    crm.clock.advance(timedelta(seconds=2))
    await crm.deliver()
    assert names(crm)[4:] == ["1a", "1b", "1c", "1d"]
    assert [event.attempt for event in told(crm)] == [1, 1, 1, 1, 2, 1, 1, 1]


@pytest.mark.contract("hooks.md#listener-retry")
async def test_pauses_grow_until_a_delivery_is_dead_and_then_only_a_replay_helps(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(CREATED)
    crm.clock.set(NOW)
    module(crm)("failing").add("A")
    await create(crm, name="A")
    await crm.deliver()
    for attempt in range(1, MAX_ATTEMPTS):
        pause = min(FIRST_PAUSE * 2 ** (attempt - 1), LONGEST_PAUSE)
        crm.clock.advance(timedelta(seconds=pause * 0.7))
        assert await crm.deliver() == 0
        crm.clock.advance(timedelta(seconds=pause * 0.55))
        assert await crm.deliver() == 1
    assert [event.attempt for event in told(crm)] == list(range(1, MAX_ATTEMPTS + 1))
    crm.clock.advance(timedelta(days=9))
    await create(crm, name="B")
    await crm.deliver()
    assert names(crm)[MAX_ATTEMPTS:] == ["B"]
    (dead,) = await delivery.dead(crm.kernel.database)
    assert dead.error == "ZeroDivisionError: no"
    module(crm)("failing").clear()
    await crm.kernel.database.write(lambda tx: delivery.replay(tx, dead.seq, dead.seq))
    await crm.deliver()
    assert names(crm)[MAX_ATTEMPTS:] == ["B", "A"]
    assert await delivery.waiting(crm.kernel.database) == set()


@pytest.mark.contract("hooks.md#listener-once-key")
async def test_a_repeat_does_not_write_twice(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(
        item_shop("""
    answers = []

    async def copy(event, crm):
        first = await crm.write([Change.create("contact", name="first")])
        second = await crm.as_user("ilze").write([Change.create("contact", name="second")])
        moved = await crm.move("item", event.record, "out")
        answers.append([(r["id"], r.name) for r in (*first, *second, moved)])
        if event.attempt < 3:
            raise ZeroDivisionError

    @hookimpl
    def register_listeners(): return [Listener(event="record.created", entity="item", handle=copy)]
    """)
    )
    crm.clock.set(NOW)
    await crm.user("ilze", "admin")
    id = await create(crm, name="A")
    for _ in range(3):
        await crm.deliver()
        crm.clock.advance(timedelta(seconds=9))
    contacts = await crm.find("contact", sort="name")
    assert [r["name"] for r in contacts] == ["first", "second"]
    answers = module(crm)("answers")
    assert answers == [[*((r["id"], r["name"]) for r in contacts), (id, "A")]] * 3
    assert (await crm.get("item", id))["version"] == 2


@pytest.mark.contract("hooks.md#listener-depth")
async def test_deeper_than_five_causes_is_cut_and_reported(
    with_plugin: MakeCrm, caplog: pytest.LogCaptureFixture
) -> None:
    crm = await with_plugin(
        item_shop("""
    async def again(event, crm):
        told.append(event)
        await crm.write([Change.create(Item, name=str(event.depth))])

    @hookimpl
    def register_listeners(): return [Listener(event="record.created", entity="item", handle=again)]
    """)
    )
    await create(crm, name="first")
    await crm.deliver()
    assert [event.depth for event in told(crm)] == [0, 1, 2, 3, 4, 5]
    assert await crm.count("item") == 7
    assert "is not told to shop.again: more than 5 events led to it" in caplog.text
    (cut,) = await dead_letters(crm.kernel.database, 10)
    assert (cut["listener"], cut["state"], cut["error"]) == ("shop.again", "cut", "more than 5 events led to it")
    assert (await lags(crm.kernel.database, crm.kernel.registry, crm.clock))["shop.again"].cut == 1
    await update(crm, cut["record"], name="goes on")  # it holds nothing back
    assert await delivery.held_back(crm.kernel.database, "shop.again") == set()


@pytest.mark.contract("hooks.md#listener-limit", "hooks.md#lag")
async def test_a_listener_that_hangs_is_cut_and_rests_and_others_are_served(with_plugin: MakeCrm, app: Any) -> None:
    app.toml = "call_deadline_ms = 50"
    crm = await with_plugin(
        item_shop("""
    import asyncio, sys

    async def hangs(event, crm):
        told.append(event)
        try: await asyncio.sleep(60)
        except asyncio.CancelledError: raise ValueError("its last words")

    async def leaves(event, crm): sys.exit(3)

    @hookimpl
    def register_listeners():
        return [Listener(event="record.created", entity="item", handle=h) for h in (hangs, leaves, note)]
    """)
    )
    for name in ("A", "B"):
        await create(crm, name=name)
    await crm.deliver()
    assert names(crm) == ["A", "A", "B"]  # of `hangs` once, of `note` twice
    faults = next(s for s in crm.kernel.plugins.states() if s["name"] == "shop")["faults"]
    assert any("Listener hangs failed: Overrun" in fault["cause"] for fault in faults)
    assert any("Listener leaves failed: PluginExit: SystemExit: 3" in fault["cause"] for fault in faults)
    found = await lags(crm.kernel.database, crm.kernel.registry, crm.clock)
    assert [(name, lag.events, lag.retry) for name, lag in found.items()] == [
        ("shop.hangs", 1, 1),
        ("shop.leaves", 0, 2),
        ("shop.note", 0, 0),
    ]


async def test_listeners_of_a_quarantined_plugin_wait(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(UPDATED)
    crm.clock.set(NOW)
    one, two = await create(crm, name="1"), await create(crm, name="2")
    module(crm)("failing").add("1a")
    await update(crm, one, name="1a")
    await crm.deliver()
    before = await delivery.positions(crm.kernel.database)
    crm.kernel.plugins.quarantine("shop", "test")
    crm.clock.advance(timedelta(hours=1))
    await update(crm, two, name="2a")
    assert await crm.deliver() == 0
    assert await delivery.positions(crm.kernel.database) == before
    module(crm)("failing").clear()
    crm.kernel.plugins.reset("shop")
    await crm.deliver()
    assert names(crm) == ["1a", "1a", "2a"]


async def test_a_new_listener_begins_with_what_happens_from_now_on(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(CREATED)
    await create(crm, name="before")
    database = crm.kernel.database
    await database.write(lambda tx: delivery.forget_listener(tx, "shop.note"))
    again = await with_plugin(CREATED)  # the same app, opened anew
    await create(again, name="after")
    await again.deliver()
    assert names(again) == ["after"]


async def test_events_for_nobody_cost_next_to_nothing(with_plugin: MakeCrm, monkeypatch: pytest.MonkeyPatch) -> None:
    crm = await with_plugin(UPDATED)
    database = crm.kernel.database
    await crm.write([Change.create("contact", name=f"{n}") for n in range(300)])
    start = database.statements
    assert await crm.deliver() == 0
    assert database.statements - start <= 8  # the last event, what waits, the next events
    monkeypatch.setattr(deliver, "UNSAVED", 10)
    await crm.write([Change.create("contact", name=f"{n}") for n in range(10)])
    await crm.deliver()
    assert (await delivery.positions(database))["shop.note"] >= 310  # so that a restart need not look at them again


async def test_many_events_are_told_batch_by_batch(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(CREATED)
    wanted = [f"{n:03}" for n in range(deliver.BATCH + 50)]
    await crm.write([Change.create("item", name=name) for name in wanted])
    start = crm.kernel.database.statements
    assert await crm.deliver() == len(wanted)
    assert names(crm) == wanted
    assert crm.kernel.database.statements - start < 30


WAITING = item_shop("""
import asyncio
begun, go = asyncio.Event(), asyncio.Event()

async def wait(event, crm):
    begun.set()
    await go.wait()
    told.append(event)

@hookimpl
def register_listeners(): return [Listener(event="record.created", entity="item", handle=wait)]
""")


async def test_a_started_app_delivers_by_itself_and_ends_what_is_at_hand(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(WAITING)
    await crm.kernel.start()
    await crm.write([Change.create("item", name=name) for name in "AB"])
    async with asyncio.timeout(20):
        await module(crm)("begun").wait()
        stopping = asyncio.create_task(crm.kernel.dispatcher.stop())
        asyncio.get_running_loop().call_soon(module(crm)("go").set)
        await stopping
    assert names(crm) == ["A"]
    await crm.deliver()
    assert names(crm) == ["A"]


async def test_a_listener_that_does_not_end_is_cut_and_gets_its_event_again(
    with_plugin: MakeCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "GRACE", 0.01)
    crm = await with_plugin(WAITING)
    await crm.kernel.start()
    await create(crm, name="A")
    async with asyncio.timeout(20):
        await module(crm)("begun").wait()
        await crm.kernel.dispatcher.stop()
        module(crm)("go").set()
        await crm.kernel.dispatcher.start()
        while not told(crm):
            await crm.deliver()
    assert names(crm) == ["A"]


async def test_of_two_processes_one_delivers_to_a_listener_and_the_other_goes_on(
    with_plugin: MakeCrm, crm_databases: Databases
) -> None:
    crm = await with_plugin(CREATED)
    other = TestCrm(await Kernel.open(crm.kernel.settings))  # another process
    await other.kernel.dispatcher.adopt()
    await create(crm, name="a")
    assert await other.deliver() == 1
    await create(crm, name="b")
    await asyncio.gather(crm.deliver(), other.deliver())
    if crm_databases.engine == "postgresql":  # on SQLite one server has the file
        assert names(crm) == ["a", "b"]  # both kernels tell the same list
    await other.kernel.close()
    await create(crm, name="c")
    await crm.deliver()
    assert names(crm)[-1] == "c"
