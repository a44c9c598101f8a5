"""What is written while a plugin is in quarantine."""

from __future__ import annotations

import pytest

from crm_kernel import Change
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


@pytest.mark.contract("hooks.md#on-error-refuse")
async def test_without_the_rules_of_a_quarantined_plugin_its_own_entities_are_not_written(
    with_plugin: MakeCrm,
) -> None:
    crm = await with_plugin(
        code("""
    @hookimpl
    async def check_write(batch):
        pass
    """)
    )
    [item] = await crm.write([Change.create("item", name="A")])
    crm.kernel.plugins.quarantine("shop", "test")
    for change in (Change.create("item", name="B"), Change.update("item", item["id"], name="B")):
        refused = await refusal(crm.write([change]))
        assert refused.faults == [("", "plugin_fault")]
    await crm.write([Change.create("contact", {"name": "Anna"})])
    assert await crm.count("item") == 1
    crm.kernel.plugins.reset("shop")
    assert (await crm.write([Change.create("item", name="A")]))[0]["name"] == "A"


async def test_with_skip_the_rules_of_a_quarantined_plugin_are_passed_by(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(
        code("""
    @hookimpl
    async def before_write(batch):
        raise RuntimeError("broken")
    """),
        on_error="skip",
    )
    crm.kernel.plugins.quarantine("shop", "test")
    assert (await crm.write([Change.create("item", name="A")]))[0]["name"] == "A"
