"""Documents of plugins beside stored ones: overrides, and a plugin that takes the name of a stored field."""

from __future__ import annotations

from typing import Any

import pytest

from crm_kernel import Change
from crm_kernel.kernel import Kernel
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
