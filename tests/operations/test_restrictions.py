"""What plugins narrow: for everybody, the role `admin` included, and not for the system. Every way: tests/access."""

from __future__ import annotations

from typing import Any

import pytest

from crm_kernel import Change
from crm_kernel.operations.list_query import ListQuery
from crm_kernel.testing import TestCrm
from tests.operations.conftest import MakeCrm, refusal

CODE = """
class Case(Entity, name="case", title="{{name}}"):
    name: str
    sealed: bool = False

@hookimpl
def register_entities(): return [Case]

@hookimpl
def register_roles():
    actions = ["read", "create", "update", "delete"]
    return [{{"kind": "role", "name": "clerk", "grants": [
        {{"entity": "case", "actions": actions, "where": "owner = @me or team in @my_teams"}}]}}]

@hookimpl
def register_restrictions(): return [{restriction}]
"""
SEALED = 'Restriction(entity="case", where="sealed = false or owner.name = \'judge\'")'
KEPT = 'Restriction(entity="case", actions=["delete"], where="sealed = false")'


async def shop(with_plugin: MakeCrm, restriction: str) -> TestCrm:
    return await with_plugin(CODE.format(restriction=restriction))


@pytest.mark.contract("hooks.md#restrictions", "documents.md#restrictions-admin")
async def test_what_a_plugin_narrows_is_hidden_from_an_administrator_and_not_from_the_system(
    with_plugin: MakeCrm,
) -> None:
    crm = await shop(with_plugin, SEALED)
    root, clerk = await crm.user("root", "admin"), await crm.user("clerk", "clerk")
    rows = [Change.create("case", name=name, sealed=name == "b", owner=clerk.id) for name in ("a", "b")]
    _, hidden = await crm.write(rows)
    for caller in (root, clerk):
        page = await crm.kernel.reader.list("case", caller, ListQuery(count="exact"))
        assert ([item["name"] for item in page.items], page.count) == (["a"], 1)
        assert (await refusal(crm.kernel.reader.get("case", hidden["id"], caller))).code == "not_found"
        edit = Change.update("case", hidden["id"], name="c")
        assert (await refusal(crm.acting(caller).write([edit]))).code == "not_found"
        assert (await refusal(crm.acting(caller).write([Change.create("case", name="d", sealed=True)]))).code == (
            "forbidden"
        )
    assert await crm.count("case") == 2
    assert (await crm.write([Change.update("case", hidden["id"], name="c")]))[0]["name"] == "c"


async def test_only_the_actions_it_names_are_narrowed(with_plugin: MakeCrm) -> None:
    crm = await shop(with_plugin, KEPT)
    root = await crm.user("root", "admin")
    [case] = await crm.write([Change.create("case", name="a", sealed=True)])
    assert (await refusal(crm.acting(root).write([Change.delete("case", case["id"])]))).code == "forbidden"
    opened = Change.update("case", case["id"], sealed=False)
    assert (await crm.acting(root).write([opened]))[0]["sealed"] is False
    await crm.acting(root).write([Change.delete("case", case["id"])])


@pytest.mark.contract("http-api.md#explain-narrowed")
async def test_it_is_explained(with_plugin: MakeCrm) -> None:
    crm = await shop(with_plugin, KEPT)
    clerk, root = await crm.user("clerk", "clerk"), await crm.user("root", "admin")
    [case] = await crm.write([Change.create("case", name="a", sealed=True, owner=clerk.id)])
    question = {"action": "delete", "entity": "case", "id": case["id"]}
    for caller in (clerk, root):
        told = await crm.kernel.explain.access(question, caller)
        assert (told["allowed"], told["reason"]) == (False, "narrowed")
        narrow = told["rules"][-1]
        assert narrow["source"] == {"kind": "restriction", "name": "case", "plugin": "shop", "pointer": ""}
        assert (narrow["effect"], narrow["action"], narrow["row"]) == ("narrow", True, False)
        assert narrow["parts"] == [{"expression": "sealed = false", "held": False, "values": {"sealed": True}}]
    assert (await crm.kernel.explain.access({**question, "action": "update"}, clerk))["allowed"]


async def test_an_administrator_is_not_explained_what_is_hidden_from_him(with_plugin: MakeCrm) -> None:
    crm = await shop(with_plugin, SEALED)
    clerk, root = await crm.user("clerk", "clerk"), await crm.user("root", "admin")
    [case] = await crm.write([Change.create("case", name="a", sealed=True, owner=clerk.id)])
    for id in (case["id"], "01900000-0000-7000-8000-000000000999"):
        told = await crm.kernel.explain.access({"action": "read", "entity": "case", "id": id, "user": "clerk"}, root)
        assert (told["reason"], [rule["row"] for rule in told["rules"]]) == ("not_found", [None, None])


@pytest.mark.parametrize(
    ("restriction", "said"),
    [
        ('Restriction(entity="case", where="seald = false")', "unknown field 'seald'"),
        ('Restriction(entity="case", where="sealed = false", actions=["delte"])', "did you mean 'delete'"),
    ],
)
async def test_a_faulty_one_is_told_and_leaves_no_row(with_plugin: MakeCrm, restriction: str, said: str) -> None:
    crm = await shop(with_plugin, restriction)
    [problem] = crm.kernel.problems
    assert said in problem
    root = await crm.user("root", "admin")
    await crm.write([Change.create("case", name="a")])
    assert (await crm.kernel.reader.list("case", root, ListQuery())).items == []
    assert await crm.count("case") == 1


async def test_one_about_an_entity_that_is_not_there_is_told(with_plugin: MakeCrm) -> None:
    crm = await shop(with_plugin, 'Restriction(entity="cose", where="sealed = false")')
    assert "did you mean 'case'" in crm.kernel.problems[0]
    root: Any = await crm.user("root", "admin")
    await crm.write([Change.create("case", name="a")])
    assert len((await crm.kernel.reader.list("case", root, ListQuery())).items) == 1


async def test_lists_of_narrowed_rows_go_through_the_keys_of_the_rules(with_plugin: MakeCrm) -> None:
    crm = await shop(with_plugin, SEALED)
    clerk = await crm.user("clerk", "clerk")
    access = crm.kernel.registry.access(clerk)
    assert crm.kernel.reader.planner.list_plan(access, "case", ListQuery()).ordered is not None
