"""What documents have left in the tables: it comes back with the same type, and goes by `crm purge` only."""

from __future__ import annotations

import pytest

from crm_kernel import Change
from crm_kernel.storage.evolution import ddl_plan
from crm_kernel.storage.introspect import introspect
from crm_kernel.testing import TestCrm
from tests.operations.conftest import contacts, fields, plan_of, refusal

DECIMAL = {"type": "number", "x-crm": {"decimal": 2}}
FINER = {"type": "number", "x-crm": {"decimal": 4}}
PET = {"kind": "entity", "name": "pet", "schema": {"properties": {"name": {"type": "string"}}}}


async def columns(crm: TestCrm) -> set[str]:
    return set((await introspect(crm.kernel.database)).tables["e_contact"])


@pytest.mark.contract("documents.md#field-removed-kept")
async def test_a_field_comes_back_to_its_data_with_its_type_only(crm: TestCrm) -> None:
    await crm.put(fields(properties={"exact": DECIMAL, "size": {"type": "integer"}}))
    made = await contacts(crm, {"exact": 1.25, "size": 3})
    admin = crm.kernel.system("api")
    await crm.kernel.documents.delete("fields", "extra", admin)
    for other in (FINER, {"type": "string"}, {"type": "integer"}):
        errors = (await plan_of(crm.put(fields(properties={"exact": other}))))["documents"][0]["errors"]
        assert [(e["pointer"], e["code"]) for e in errors] == [("/schema/properties/exact", "type")]
        assert "crm purge" in errors[0]["hint"]
    await crm.put(fields(properties={"exact": DECIMAL}))
    assert (await crm.get("contact", made[0]["id"]))["exact"] == 1.25


@pytest.mark.contract("cli.md#purge")
async def test_purge_removes_what_nothing_declares_any_more(crm: TestCrm) -> None:
    admin = crm.kernel.system("cli")
    start = await columns(crm)
    await crm.put(
        fields(properties={"size": {"type": "string", "x-crm": {"index": True}}, "name_of": {"type": "string"}})
    )
    await crm.put(PET)
    await contacts(crm, {"size": "1", "name_of": "a"}, {"size": "2"}, {})
    rex = (await crm.write([Change.create("pet", {"name": "Rex"})]))[0]
    assert await crm.kernel.purge.kept(admin) == []
    await crm.put(fields(properties={"size": {"type": "integer", "x-crm": {"convert": {}}}}))
    await crm.kernel.documents.delete("entity", "pet", admin)
    told = await crm.kernel.purge.kept(admin)
    assert [(i["entity"], i["field"], i["records"], i["why"]) for i in told] == [
        ("pet", None, 1, "removed"),
        ("contact", "name_of", 1, "removed"),
        ("contact", "size", 2, "replaced"),
    ]
    assert (await refusal(crm.kernel.purge.kept(await crm.user("nobody")))).code == "forbidden"
    assert await crm.kernel.purge.purge(admin) == told
    assert await crm.kernel.purge.kept(admin) == []
    assert await columns(crm) == start | {"size"}
    assert [r["size"] for r in await crm.find("contact", sort="size")] == [1, 2, None]
    assert (await ddl_plan(crm.kernel.registry.entities, crm.kernel.database)).steps == []
    left = await crm.kernel.database.read("SELECT changes FROM crm_history WHERE record = ?", (rex["id"],))
    assert left == [(None,)]
    await crm.put(PET)
    assert await crm.count("pet") == 0
    await crm.put(fields(properties={"size": {"type": "integer"}, "name_of": FINER}))


async def test_purge_removes_an_entity_without_records(crm: TestCrm) -> None:
    admin = crm.kernel.system("cli")
    await crm.put(PET)
    await crm.kernel.documents.delete("entity", "pet", admin)
    assert [item["entity"] for item in await crm.kernel.purge.purge(admin)] == ["pet"]


@pytest.mark.contract("cli.md#purge")
async def test_purge_leaves_what_a_broken_document_declares(crm: TestCrm) -> None:
    await crm.put(fields(properties={"size": {"type": "integer"}}))
    await contacts(crm, {"size": 4})
    broken = "UPDATE crm_document SET body = replace(body, '\"integer\"', '\"whole\"')"
    await crm.kernel.database.write(lambda tx: tx.execute(broken))
    await crm.kernel.reload()
    assert "size" not in crm.kernel.registry.entities["contact"].fields
    assert await crm.kernel.purge.purge(crm.kernel.system("cli")) == []
    assert "size" in await columns(crm)
