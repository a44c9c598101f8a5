"""What hooks add: records that have their id at once, and faults that are told of the change they were added for."""

from __future__ import annotations

import pytest

from crm_kernel import Change
from tests.operations.conftest import MakeCrm, refusal
from tests.operations.test_hooks import code

TWINS = (
    code("""
    @hookimpl
    async def before_write(batch):
        for change in batch.of(Item):
            if change.after.note == "double":
                twin = Change.create(Item, name=change.after.name, price=change.after.price)
                batch.add(twin, cause=change, pointer="/twin")
                change.amend(twin=twin.id)
    """)
    .replace("twin: str | None", 'twin: Ref["item"] | None')
    .replace("price: float | None", "price: Annotated[float | None, field(le=10)]")
)


async def test_a_record_may_refer_to_one_that_is_added(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(TWINS)
    (record,) = await crm.write([Change.create("item", name="A", note="double")])
    twin = await crm.get("item", record["twin"])
    assert (twin["name"], twin["twin"]) == ("A", None)


async def test_faults_of_what_is_added_are_told_of_the_row_it_was_added_for(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(TWINS)
    rows = [
        Change.create("item", name="A"),
        Change.create("item", name="B", note="double", price=3),
        Change.create("item", name="C", note="double"),
        Change.create("item", name="D", note="double", price=1.5),
    ]
    await crm.put(
        {
            "kind": "fields",
            "name": "cheap",
            "entity": "item",
            "schema": {"if": {"properties": {"note": False}}, "then": {"properties": {"price": {"minimum": 2}}}},
        }
    )
    refused = await refusal(crm.write(rows))
    assert refused.rows == [(4, "/twin/price", "minimum")]
    outcomes = await crm.kernel.writer.write(rows, crm.kernel.system("cli"), atomic=False)
    assert [o.outcome for o in outcomes] == ["created", "created", "created", "failed"]
    assert sorted(r["name"] for r in await crm.find("item")) == ["A", "B", "B", "C", "C"]


@pytest.mark.parametrize("kept", ["missing", "0191d5e8-0000-7000-8000-00000000abcd"])
async def test_what_a_hook_sets_must_still_be_there(with_plugin: MakeCrm, kept: str) -> None:
    crm = await with_plugin(TWINS.replace("change.amend(twin=twin.id)", f"change.amend(twin={kept!r})"))
    refused = await refusal(crm.write([Change.create("item", name="A", note="double")]))
    assert refused.faults == [("/twin", "reference")]


async def test_hooks_are_told_the_stage_of_a_change(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(
        code("""
    @hookimpl
    def register_pipelines():
        return [{"kind": "pipeline", "name": "flow", "entity": "item", "label": "Flow",
                 "stages": [{"name": "in", "type": "open", "probability": 30}, {"name": "out", "type": "won"}]}]

    @hookimpl
    async def before_write(batch):
        for change in batch:
            stage = batch.stage(change)
            if change.entity == "item":
                change.amend(note=f"{stage.type} {stage.probability}")
            else:
                assert stage is None
    """)
    )
    (record,) = await crm.write([Change.create("item", name="A")])
    assert record["note"] == "open 30.0"
    assert (await crm.move("item", record["id"], "out"))["note"] == "won None"
    await crm.write([Change.create("contact", name="Anna")])
