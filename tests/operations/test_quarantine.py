"""What is written while a plugin is in quarantine."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from crm_kernel import Change
from crm_kernel.kernel import Kernel
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


STRANGE = """
    import asyncio

    @hookimpl
    async def before_write(batch):
        await asyncio.sleep(60)
    """


@pytest.mark.contract("hooks.md#quarantine-everywhere")
async def test_a_quarantine_and_its_end_reach_all_processes_and_outlive_a_restart(
    with_plugin: MakeCrm, app: Any
) -> None:
    crm = await with_plugin(code(STRANGE))
    kernel, other = crm.kernel, await Kernel.open(app.settings())
    await other.start(delivers=False)
    for _ in range(3):
        await refusal(crm.write([Change.create("item", name="A")]))
    reason = "took too long 3 times within ten minutes, last in before_write"
    await reaches(other, "quarantined")
    assert state_of(other)["reason"] == reason
    later = await Kernel.open(app.settings())
    assert (state_of(later)["state"], state_of(later)["reason"]) == ("quarantined", reason)
    assert any("quarantined" in problem for problem in later.problems)
    state = await later.quarantines.reset("shop", later.system("cli"))
    assert (state["name"], state["state"], state["reason"]) == ("shop", "active", None)
    await later.close()
    await reaches(other, "active")
    async with asyncio.timeout(2):
        while state_of(kernel)["state"] != "active":
            await kernel.following.look(closely=True)
            await asyncio.sleep(0.01)
    await other.close()


async def test_another_state_of_its_code_ends_a_quarantine(with_plugin: MakeCrm, app: Any) -> None:
    crm = await with_plugin(code(STRANGE))
    crm.kernel.plugins.quarantine("shop", "test")
    await crm.kernel.quarantines.save()
    file = app.folder / "plugins" / "shop" / "crm_shop" / "__init__.py"
    file.write_text(file.read_text() + "# mended\n")
    later = await Kernel.open(app.settings())
    assert state_of(later)["state"] == "active"
    await later.close()


@pytest.mark.contract("hooks.md#plugin-reset")
async def test_only_administrators_end_a_quarantine(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(code(""))
    ann = await crm.user("ann", "admin")
    for caller, refused in (
        (await crm.user("bob"), "forbidden"),
        (msgspec.structs.replace(ann, read_only=True), "read_only_token"),
        (msgspec.structs.replace(ann, entities=frozenset({"item"})), "forbidden"),
    ):
        assert (await refusal(crm.kernel.quarantines.reset("shop", caller))).code == refused
    assert (await refusal(crm.kernel.quarantines.reset("shap", ann))).code == "not_found"


def state_of(kernel: Kernel) -> dict[str, Any]:
    return next(state for state in kernel.plugins.states() if state["name"] == "shop")


async def reaches(kernel: Kernel, state: str) -> None:
    """Wait until a process that nobody asks has followed; a second is what it may take, were it alone."""
    async with asyncio.timeout(15):
        while state_of(kernel)["state"] != state:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
