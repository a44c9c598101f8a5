"""Actions that plugins have beside the kernel's: grants give them, and the plugin asks who may do them."""

from __future__ import annotations

import pytest

from crm_kernel import Change
from tests.operations.conftest import MakeCrm, plan_of, refusal

CODE = """
class Flat(Entity, name="flat", title="{name}"):
    name: str

@hookimpl
def register_entities(): return [Flat]
"""


def role(action: str) -> dict[str, object]:
    grant = {"entity": "flat", "actions": ["read", action], "where": "owner = @me"}
    return {"kind": "role", "name": "editor", "grants": [grant]}


@pytest.mark.contract("documents.md#plugin-actions")
async def test_a_grant_gives_an_action_of_a_plugin_on_its_rows(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(CODE, actions=["publish"])
    await crm.put(role("publish"))
    editor = await crm.user("editor", "editor")
    mine, other = await crm.write([Change.create("flat", name=name, owner=who) for name, who in
                                   (("a", editor.id), ("b", None))])  # fmt: skip
    asked = [await crm.may("publish", "flat", row["id"], as_user="editor") for row in (mine, other)]
    assert asked == [True, False]
    assert not await crm.may("delete", "flat", mine["id"], as_user="editor")
    assert not await crm.may("publish", "contact", mine["id"], as_user="editor")
    assert await crm.may("publish", "flat", other["id"])
    flat = next(item for item in crm.kernel.reader.schema(None, editor)["items"] if item["name"] == "flat")
    assert flat["actions"] == ["read", "publish"]
    told = await crm.kernel.explain.access({"action": "publish", "entity": "flat", "id": mine["id"]}, editor)
    assert told["allowed"]


@pytest.mark.contract("documents.md#plugin-actions")
async def test_an_action_that_nobody_has_is_refused_with_near_names(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(CODE, actions=["publish"])
    plan = await plan_of(crm.put(role("publsh")))
    [fault] = plan["documents"][0]["errors"]
    assert (fault["pointer"], fault["code"]) == ("/grants/0/actions/1", "enum")
    assert "did you mean 'publish'" in fault["detail"]
    assert (await refusal(crm.may("publsh", "flat", "x"))).code == "bad_value"
    question = {"action": "publsh", "entity": "flat"}
    refused = await refusal(crm.kernel.explain.access(question, crm.kernel.system("api")))
    assert refused.faults == [("/action", "enum")]


async def test_a_stored_role_whose_action_is_gone_is_left_out(
    with_plugin: MakeCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    crm = await with_plugin(CODE, actions=["publish"])
    await crm.put(role("publish"))
    monkeypatch.setattr(crm.kernel.plugins, "actions", list)
    await crm.kernel.reload()
    assert "There is no action 'publish'" in crm.kernel.problems[0]
    assert "editor" not in crm.kernel.registry.roles
