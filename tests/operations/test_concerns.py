"""Hooks that say which entities they concern."""

from __future__ import annotations

from typing import Any

from crm_kernel import Change
from crm_kernel.operations.outcomes import Outcome
from tests.operations.conftest import MakeCrm

ITEM = """
from crm_kernel import Change, concerns
from crm_kernel.base import Company

class Item(Entity, name="item"):
    name: str
    note: str | None = None

@hookimpl
def register_entities(): return [Item]
"""

SEEN = """
async def tell(batch, hook):
    for change in batch.of("contact"):
        change.refuse("/name", f"{hook}: {sorted(one.entity for one in batch)}")

@hookimpl
@concerns(Item, Company)
async def before_write(batch):
    for change in batch.of(Item):
        change.amend(note=f"of {len(batch)}")
    if any(change.after["name"] == "refuse" for change in batch.of("contact")):
        await tell(batch, "before_write")

@concerns(Item)
@hookimpl
async def check_write(batch):
    if any(change.after["name"] == "refuse later" for change in batch.of("contact")):
        await tell(batch, "check_write")
"""


def calls(crm: Any) -> dict[str, int]:
    """How often each hook of a write was called."""
    state = next(state for state in crm.kernel.plugins.states() if state["name"] == "shop")
    return {hook["hook"]: hook["calls"] for hook in state["hooks"] if not hook["hook"].startswith("register_")}


def faults(outcome: Outcome) -> list[str]:
    """What is said against a change."""
    return [fault.detail for fault in outcome.error.faults] if outcome.error else []


async def test_a_hook_is_not_called_for_other_entities(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(ITEM + SEEN)
    await crm.write([Change.create("contact", name="refuse"), Change.create("contact", name="refuse later")])
    assert calls(crm) == {"before_write": 0, "check_write": 0}
    await crm.write([Change.create("company", name="Baltic Homes")])
    assert calls(crm) == {"before_write": 1, "check_write": 0}
    [record] = await crm.write([Change.create("item", name="chair")])
    assert (record["note"], calls(crm)) == ("of 1", {"before_write": 2, "check_write": 1})


async def test_one_change_that_concerns_it_brings_all_of_the_batch(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(ITEM + SEEN)
    for name, hook in (("refuse", "before_write"), ("refuse later", "check_write")):
        outcomes = await crm.kernel.writer.write(
            [Change.create("contact", name=name), Change.create("item", name="chair")],
            crm.kernel.system("cli"),
            atomic=False,
        )
        assert [outcome.outcome for outcome in outcomes] == ["failed", "created"]
        assert faults(outcomes[0]) == [f"{hook}: ['contact', 'item']"]


async def test_a_hook_is_called_for_what_another_adds(with_plugin: MakeCrm) -> None:
    adds = """
@hookimpl
@concerns(Item)
async def before_move(batch): ...

@hookimpl
async def before_write(batch):
    for change in batch.of("contact"):
        batch.add(Change.create(Item, name="added"))

@hookimpl
@concerns(Item)
async def check_write(batch):
    for change in batch.of(Item):
        change.refuse("/note", "seen")
"""
    crm = await with_plugin(ITEM + adds)
    outcomes = await crm.kernel.writer.write(
        [Change.create("contact", name="Anna")], crm.kernel.system("cli"), atomic=False
    )
    assert faults(outcomes[0]) == ["seen"]
