"""Documents of plugins beside stored ones: overrides, and a plugin that takes the name of a stored field."""

from __future__ import annotations

from typing import Any

import pytest

from crm_kernel import Change
from crm_kernel.kernel import Kernel
from crm_kernel.storage.evolution import ddl_plan
from crm_kernel.testing import TestCrm
from tests.operations.conftest import fields, plan_of

PLUGIN_FIELD = """
@hookimpl
def register_extensions():
    return [{"kind": "fields", "name": "shop-contact", "entity": "contact",
             "schema": {"properties": {"size": {"type": "string"}}}}]
"""


@pytest.mark.contract("documents.md#plugin-against-document")
async def test_a_plugin_gets_the_name_of_a_documents_field_and_the_data_stays(app: Any, with_plugin: Any) -> None:
    other = await with_plugin("")
    refused = await plan_of(other.put(fields(properties={"phone": {"type": "string"}})))
    assert refused["documents"][0]["errors"][0]["code"] == "redefined"
    await other.put(fields(properties={"size": {"type": "integer"}, "depth": {"type": "integer"}}))
    record = (await other.write([Change.create("contact", {"name": "A", "size": 4, "depth": 2})]))[0]
    url = other.kernel.settings.database.url
    upgraded = type(app)(app.folder / "upgraded", lambda _: url)  # the same database
    upgraded.plugin("shop", PLUGIN_FIELD)
    upgraded.environ = app.environ
    later = TestCrm(await Kernel.open(upgraded.settings()))
    await later.kernel.documents.sync_files(later.kernel.settings.documents, safe_only=True)
    assert "set aside" in later.kernel.problems[0]
    seen = await later.get("contact", record["id"])
    assert (seen["size"], seen["depth"]) == (None, 2)
    await later.write([Change.update("contact", record["id"], {"size": "large"})])
    rows = await later.kernel.database.read("SELECT size, size__off FROM e_contact")
    assert rows == [("large", 4)]
    await later.kernel.documents.sync_files(later.kernel.settings.documents, safe_only=True)
    assert (await later.get("contact", record["id"]))["size"] == "large"
    await later.kernel.close()


async def upgraded(app: Any, before: TestCrm, code: str, *, served: bool) -> TestCrm:
    """The same app and database with another version of the plugin; `served` makes its columns as the server does."""
    again = type(app)(app.folder / f"version-{len(code)}", lambda _: before.kernel.settings.database.url)
    again.plugin("shop", code)
    again.environ = app.environ
    later = TestCrm(await Kernel.open(again.settings()))
    if served:
        await later.kernel.documents.sync_files(later.kernel.settings.documents, safe_only=True)
    return later


@pytest.mark.contract("documents.md#adopt", "documents.md#x-was")
@pytest.mark.parametrize("served_between", [True, False], ids=["served in between", "at once"])
async def test_a_plugin_adopts_a_field_or_it_gets_another_name(
    app: Any, with_plugin: Any, served_between: bool
) -> None:
    before = await with_plugin("")
    crm_of = {"depth": {"index": True}, "size": {"index": True}, "place": {}}
    types = {"depth": "string", "size": "integer", "place": "integer"}
    mine = fields(properties={n: {"type": t, "x-crm": crm_of[n]} for n, t in types.items()})
    await before.put(mine)
    old = (await before.write([Change.create("contact", {"name": "A", "size": 4, "depth": "deep", "place": 3})]))[0]
    code = PLUGIN_FIELD.replace(
        '"size": {"type": "string"}',
        ", ".join(f'"{n}": {{"type": "string", "x-crm": {{"index": True}}}}' for n in types),
    )
    later = await upgraded(app, before, code, served=served_between)
    listed = await later.kernel.documents.list(later.kernel.system("api"))
    broken = next(d for d in listed if d["name"] == "extra")
    assert (broken["state"], len(broken["errors"])) == ("broken", 3)
    if served_between:
        new = (await later.write([Change.create("contact", {"name": "B", "depth": "flat", "size": "L"})]))[0]
    offered = {e["hint"] for e in broken["errors"]}
    assert all("adopt" in hint and "was" in hint for hint in offered)
    wrong = fields(properties={"place": {"type": "integer", "x-crm": {"adopt": True}}})
    errors = (await plan_of(later.put(wrong)))["documents"][0]["errors"]
    assert [(e["pointer"], e["code"]) for e in errors] == [("/schema/properties/place", "redefined")]
    settled = fields(
        properties={
            "depth": {"type": "string", "x-crm": {"adopt": True}},
            "size_of": {"type": "integer", "x-crm": {"was": "size", "index": True}},
        }
    )
    await later.put(settled)
    seen = await later.get("contact", old["id"])
    assert (seen["depth"], seen["size_of"], seen["size"], seen["place"]) == ("deep", 4, None, None)
    assert [r["id"] for r in await later.find("contact", "depth = 'DEEP' or size_of = 4")] == [old["id"]]
    if served_between:
        seen = await later.get("contact", new["id"])
        assert (seen["depth"], seen["size_of"], seen["size"]) == ("flat", None, "L")
    assert (await later.put({**settled, "label": "Again"}))["plan"]["ddl"] == []
    missing = await ddl_plan(later.kernel.registry.entities, later.kernel.database)
    assert (missing.steps, missing.faults) == ([], [])
    await later.kernel.close()


OVERRIDDEN = """
@hookimpl
def register_views():
    return [{"kind": "view", "name": "people", "entity": "contact", "label": "People", "columns": ["name"]}]
"""


@pytest.mark.contract("documents.md#override-member", "documents.md#override-deleted")
async def test_a_plugins_document_is_replaced_as_a_whole_and_comes_back(with_plugin: Any) -> None:
    crm = await with_plugin(OVERRIDDEN)
    mine = {"kind": "view", "name": "people", "entity": "contact", "label": "Mine", "columns": ["email"]}
    errors = (await plan_of(crm.put(mine)))["documents"][0]["errors"]
    assert [e["pointer"] for e in errors] == ["/overrides"]
    await crm.put({**mine, "overrides": "shop"})
    assert crm.kernel.registry.views["people"].label == "Mine"
    await crm.kernel.documents.delete("view", "people", crm.kernel.system("api"))
    assert crm.kernel.registry.views["people"].label == "People"
