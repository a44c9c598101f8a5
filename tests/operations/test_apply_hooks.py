"""`before_apply`: a plugin may refuse a change of documents, in the plan and when it is applied."""

from __future__ import annotations

from typing import Any

import pytest

from crm_kernel import Error
from crm_kernel.hook_call import HookMisuse
from tests.operations.conftest import MakeCrm, plan_of

CODE = """
import asyncio

@hookimpl
async def before_apply(plan):
    for document in plan.of("view"):
        if document.after is None:
            plan.refuse(document, "", "Views stay.", code="shop.stays")
        elif document.after.get("label") == "slow":
            await asyncio.sleep(60)
        elif document.after.get("label") == "fail":
            raise ValueError("secret")
        elif document.before and document.before.get("label") != document.after.get("label"):
            plan.refuse(document, "/label", "Its label stays.", code="shop.label")
"""


def view(label: str, name: str = "mine") -> dict[str, Any]:
    return {"kind": "view", "name": name, "label": label, "entity": "contact"}


def errors(plan: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(d["name"], e["pointer"], e["code"]) for d in plan["documents"] for e in d["errors"]]


@pytest.mark.contract("hooks.md#before-apply")
async def test_a_plugin_refuses_what_documents_change(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(CODE)
    await crm.put(view("Mine"))
    system, documents = crm.kernel.system("apply"), crm.kernel.documents
    plan = await documents.plan({"documents": [view("Yours"), view("New", "new")]}, system)
    assert (plan["status"], errors(plan)) == ("refused", [("mine", "/label", "shop.label")])
    refused = await plan_of(crm.put(view("Yours")))
    assert errors(refused) == [("mine", "/label", "shop.label")]
    with pytest.raises(Error, match="Views stay") as raised:
        await documents.delete("view", "mine", system)
    assert raised.value.code == "plan_refused"
    assert (await documents.get("view", "mine", system))["label"] == "Mine"
    await crm.put(view("Mine"))


@pytest.mark.parametrize("label", ["fail", "slow"])
@pytest.mark.parametrize("on_error", ["refuse", "skip"])
async def test_a_fault_in_it_follows_on_error(with_plugin: MakeCrm, label: str, on_error: str) -> None:
    crm = await with_plugin(CODE, on_error=on_error)
    if on_error == "skip":
        await crm.put(view(label))
    else:
        assert errors(await plan_of(crm.put(view(label)))) == [("mine", "", "plugin_fault")]
    state = next(s for s in crm.kernel.plugins.states() if s["name"] == "shop")
    [hook] = [h for h in state["hooks"] if h["hook"] == "before_apply"]
    assert hook["errors"] >= 1


async def test_one_that_blocks_is_quarantined_and_a_plan_that_is_kept_refuses_nothing_later(
    with_plugin: MakeCrm,
) -> None:
    crm = await with_plugin("""
    from time import sleep
    kept = []

    @hookimpl
    async def before_apply(plan):
        kept.append(plan)
        if plan.documents[0].after["label"] == "block":
            sleep(0.5)
    """)
    await crm.put(view("Mine"))
    [plan] = crm.kernel.plugins._by_name["shop"].module.kept
    with pytest.raises(HookMisuse, match=r"plan\.refuse outside of the hook"):
        plan.refuse(plan.documents[0], "", "Late.")
    await crm.put(view("block"))
    state = next(s for s in crm.kernel.plugins.states() if s["name"] == "shop")
    assert state["state"] == "quarantined"
    assert state["reason"].startswith("blocked the event loop in before_apply for ")
