"""Hooks of a write: amend, add, refuse, order, rounds, faults, deadlines, nested operations."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from crm_kernel import Change
from crm_kernel.storage.postgres_transaction import PostgresTx
from crm_kernel.storage.sqlite_transaction import SqliteTx
from tests.operations.conftest import MakeCrm, refusal

ENTITY = """
    class Item(Entity, name="item", title="{name}"):
        name: str
        price: float | None = None
        note: str | None = None
        twin: str | None = None

    @hookimpl
    def register_entities(): return [Item]
"""


def code(body: str) -> str:
    return "from typing import Annotated, Any\n" + ENTITY.replace("\n    ", "\n") + body.replace("\n    ", "\n")


async def history(crm: Any, record: Any) -> list[dict[str, Any]]:
    return (await crm.kernel.reader.history("item", record["id"], crm.kernel.system("cli")))["items"]


@pytest.mark.contract("hooks.md#before-write-amend", "hooks.md#change-members", "hooks.md#batch-of")
async def test_before_write_amends_and_history_names_the_plugin(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(
        code("""
    @hookimpl
    async def before_write(batch):
        assert batch.of("contact") == []
        for change in batch.of(Item):
            assert (change.kind, change.entity) in (("create", "item"), ("update", "item"))
            was = None if change.before is None else change.before["name"]
            change.amend(note=f"{was} -> {change.after.name}")
    """)
    )
    record = (await crm.write([Change.create("item", name="A")]))[0]
    assert record["note"] == "None -> A"
    changed = (await crm.write([Change.update("item", record["id"], name="B")]))[0]
    assert changed["note"] == "A -> B"
    newest = (await history(crm, record))[0]
    assert newest["cause"] == {"amended": {"shop": ["note"]}}


async def test_what_a_hook_amends_is_validated(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(
        code("""
    @hookimpl
    async def before_write(batch):
        for change in batch.of(Item):
            change.amend(name=None, price="dear", wrong=1)
    """)
    )
    refused = await refusal(crm.write([Change.create("item", name="A")]))
    assert refused.faults == [("/wrong", "unknown_field")]


@pytest.mark.contract("hooks.md#before-write-add")
async def test_added_changes_pass_the_rules_and_the_hooks(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(
        code("""
    @hookimpl
    async def before_write(batch):
        for change in batch.of(Item):
            if change.after.name == "first":
                batch.add(Change.create(Item, name="second", price=change.after.price))
            change.amend(note="seen")
    """)
    )
    await crm.write([Change.create("item", name="first", price=2)])
    found = await crm.find("item", sort="name")
    assert [(r["name"], r["price"], r["note"]) for r in found] == [("first", 2.0, "seen"), ("second", 2.0, "seen")]
    assert (await history(crm, found[1]))[0]["cause"]["plugin"] == "shop"


async def test_a_fault_of_an_added_change_refuses_all(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(
        code("""
    @hookimpl
    async def before_write(batch):
        if batch.of(Item) and batch.of(Item)[0].after.name == "first":
            batch.add(Change.create(Item, {"price": 1}))
    """)
    )
    refused = await refusal(crm.write([Change.create("item", name="first")]))
    assert refused.faults == [("/name", "required")]
    assert await crm.count("item") == 0


@pytest.mark.contract("hooks.md#hook-loop")
async def test_hooks_that_keep_adding_are_stopped(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(
        code("""
    @hookimpl
    async def before_write(batch):
        batch.add(Change.create(Item, name="again"))
    """)
    )
    refused = await refusal(crm.write([Change.create("item", name="first")]))
    assert refused.faults == [("", "hook_loop")]
    assert await crm.count("item") == 0


@pytest.mark.contract("hooks.md#before-write-refuse", "hooks.md#check-write", "hooks.md#batch-find")
async def test_check_write_sees_all_rows_stored_and_refuses(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(
        code("""
    @hookimpl
    async def before_write(batch):
        for change in batch.of(Item):
            if change.after.price and change.after.price > 100:
                change.refuse("/price", "too dear", code="shop.dear")
            change.amend(note=str(len(await batch.find(Item))))

    @hookimpl
    async def check_write(batch):
        await batch.lock("items")
        total = len(await batch.find(Item, "price < @param.most", most=50))
        for change in batch.of(Item):
            if total > 2:
                change.refuse("/name", f"{total} cheap items", code="shop.many")
    """)
    )
    two = await crm.write([Change.create("item", name=n, price=1) for n in "ab"])
    assert [r["note"] for r in two] == ["0", "0"]
    refused = await refusal(
        crm.write([Change.create("item", name="c", price=1), Change.create("item", name="d", price=101)])
    )
    assert refused.rows == [(1, "/name", "shop.many"), (2, "/price", "shop.dear")]
    assert await crm.count("item") == 2


@pytest.mark.contract("hooks.md#before-write-once")
async def test_each_plugin_is_called_once_in_order_and_sees_what_earlier_ones_amended(
    with_plugin: MakeCrm, app: Any
) -> None:
    other = """
    @hookimpl
    async def before_write(batch):
        for change in batch.of("item"):
            change.amend(note=(change.after["note"] or "") + "second")
    """
    app.plugin("other", other, after=["shop"])
    crm = await with_plugin(
        code("""
    @hookimpl
    async def before_write(batch):
        for change in batch.of(Item):
            change.amend(note=(change.after.note or "") + "first,")
    """)
    )
    record = (await crm.write([Change.create("item", name="A")]))[0]
    assert record["note"] == "first,second"
    assert (await history(crm, record))[0]["cause"] == {"amended": {"shop": ["note"], "other": ["note"]}}


async def test_a_partial_batch_keeps_what_the_check_lets_pass(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(
        code("""
    @hookimpl
    async def check_write(batch):
        for change in batch.of(Item):
            if change.after.name == "bad":
                change.refuse("/name", "no", code="shop.no")
    """)
    )
    outcomes = await crm.kernel.writer.write(
        [Change.create("item", name=n) for n in ("good", "bad", "fine")], crm.kernel.system("cli"), atomic=False
    )
    assert [(o.status, o.outcome) for o in outcomes] == [(201, "created"), (422, "failed"), (201, "created")]
    assert await crm.count("item") == 2


@pytest.mark.contract("hooks.md#on-error-refuse")
async def test_an_unexpected_fault_refuses_the_operation(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(
        code("""
    @hookimpl
    async def check_write(batch):
        raise ZeroDivisionError("secret words")
    """)
    )
    refused = await refusal(crm.write([Change.create("item", name="A")]))
    assert refused.faults == [("", "plugin_fault")]
    assert "secret words" not in str(refused.error.render())
    state = next(s for s in crm.kernel.plugins.states() if s["name"] == "shop")
    assert next(h for h in state["hooks"] if h["hook"] == "check_write")["errors"] == 1
    assert await crm.count("item") == 0


@pytest.mark.contract("hooks.md#on-error-skip")
async def test_with_skip_the_operation_goes_on(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(
        code("""
    @hookimpl
    async def before_write(batch):
        raise RuntimeError("broken")
    """),
        on_error="skip",
    )
    assert (await crm.write([Change.create("item", name="A")]))[0]["name"] == "A"


@pytest.mark.contract("hooks.md#hook-awaits", "hooks.md#hook-overruns")
async def test_a_hook_that_waits_is_cut_and_after_three_times_quarantined(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(
        code("""
    import asyncio

    @hookimpl
    async def before_write(batch):
        await asyncio.sleep(60)
    """)
    )
    for _ in range(3):
        started = asyncio.get_running_loop().time()
        refused = await refusal(crm.write([Change.create("item", name="A")]))
        assert refused.faults == [("", "plugin_fault")]
        assert asyncio.get_running_loop().time() - started < 2
    state = next(s for s in crm.kernel.plugins.states() if s["name"] == "shop")
    assert state["state"] == "quarantined"
    started = asyncio.get_running_loop().time()
    refused = await refusal(crm.write([Change.create("item", name="A")]))
    assert refused.faults == [("", "plugin_fault")]
    assert asyncio.get_running_loop().time() - started < 0.25  # it was not called
    assert (await crm.write([Change.create("contact", {"name": "Anna"})]))[0]["name"] == "Anna"


async def test_what_a_hook_waits_for_of_the_kernel_is_not_held_against_it(
    with_plugin: MakeCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rivals queue for a lock far longer than hooks may take: nobody is cut, and a hook that idles then still is."""
    crm = await with_plugin(
        code("""
    import asyncio

    @hookimpl
    async def before_write(batch):
        await batch.lock("slot")
        await batch.find(Item)
        if batch.of(Item)[0].after.name == "idle":
            await asyncio.sleep(60)
    """)
    )

    async def held_by_another(*_: str) -> None:
        await asyncio.sleep(0.4)

    for tx in (SqliteTx, PostgresTx):
        monkeypatch.setattr(tx, "lock", held_by_another)
    for name in ("A", "B", "C", "D"):
        assert (await crm.write([Change.create("item", name=name)]))[0]["name"] == name
    assert next(s for s in crm.kernel.plugins.states() if s["name"] == "shop")["faults"] == []
    assert (await refusal(crm.write([Change.create("item", name="idle")]))).faults == [("", "plugin_fault")]


@pytest.mark.contract("hooks.md#nested-operation")
async def test_operations_inside_a_hook_are_refused_through_a_kept_object_too(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(
        code("""
    kept = []

    @hookimpl
    async def on_start(crm): kept.append(crm)

    @hookimpl
    async def before_write(batch):
        if batch.of(Item)[0].after.name == "write":
            await kept[0].write([Change.create(Item, name="B")])
        if batch.of(Item)[0].after.name == "find":
            await kept[0].find(Item)
    """)
    )
    await crm.kernel.start()
    for name in ("write", "find"):
        refused = await refusal(crm.write([Change.create("item", name=name)]))
        assert refused.faults == [("", "nested_operation")]
    assert await crm.count("item") == 0


@pytest.mark.contract("hooks.md#batch-lock")
async def test_rivals_that_lock_one_key_cannot_both_pass(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(
        code("""
    @hookimpl
    async def check_write(batch):
        await batch.lock("slot")
        for change in batch.of(Item):
            if len(await batch.find(Item, "name = @param.name", name=change.after.name)) > 1:
                change.refuse("/name", "taken", code="shop.taken")
    """)
    )
    answers = await asyncio.gather(
        *(crm.write([Change.create("item", name="slot")]) for _ in range(20)), return_exceptions=True
    )
    assert sum(isinstance(a, list) for a in answers) == 1
    assert await crm.count("item") == 1


async def test_before_move_is_called_for_moves_only(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(
        code("""
    @hookimpl
    def register_pipelines():
        return [{"kind": "pipeline", "name": "flow", "entity": "item", "label": "Flow",
                 "stages": [{"name": "in", "type": "open"}, {"name": "out", "type": "won"}]}]

    @hookimpl
    async def before_move(batch):
        for change in batch.of(Item):
            change.amend(note=f"{change.before['stage']} to {change.after['stage']}")
    """)
    )
    record = (await crm.write([Change.create("item", name="A")]))[0]
    assert record["note"] is None
    renamed = (await crm.write([Change.update("item", record["id"], name="B", note="mine")]))[0]
    assert renamed["note"] == "mine"
    assert (await crm.move("item", record["id"], "out"))["note"] == "in to out"
