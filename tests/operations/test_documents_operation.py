"""Documents through their door: plan, apply, refusals, impact, files and the database."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from crm_kernel import Change, Error
from crm_kernel.operations.list_query import ListQuery
from crm_kernel.storage.introspect import introspect
from crm_kernel.testing import TestCrm
from tests.operations.conftest import BOSS, ORDER, PIPELINE, contacts, fields, named, plan_of, refusal

FIELDS = {
    "kind": "fields",
    "name": "contact-buyer",
    "entity": "contact",
    "schema": {
        "properties": {
            "budget": {"type": "number", "minimum": 0, "title": "Budget", "x-crm": {"index": True}},
            "purchase_type": {"enum": ["cash", "mortgage"]},
            "bank": {"type": "string", "maxLength": 80},
        },
        "if": {"properties": {"purchase_type": {"const": "mortgage"}}, "required": ["purchase_type"]},
        "then": {"required": ["bank"]},
    },
}


@pytest.fixture
def crm_documents() -> Sequence[Mapping[str, Any]]:
    return []


@pytest.mark.contract("documents.md#plan-first", "http-api.md#documents-put", "http-api.md#documents-dry-run")
async def test_a_document_is_planned_and_applied(crm: TestCrm) -> None:
    documents, admin = crm.kernel.documents, crm.kernel.system("api")
    before = crm.kernel.registry.version
    dry = await documents.put("fields", "contact-buyer", FIELDS, admin, dry_run=True)
    assert (dry["applied"], dry["plan"]["status"]) == (False, "ready")
    assert crm.kernel.registry.version == before
    assert [(d["change"], d["name"]) for d in dry["plan"]["ddl"]][:2] == [
        ("add_column", "budget"),
        ("add_column", "purchase_type"),
    ]
    done = await documents.put("fields", "contact-buyer", FIELDS, admin)
    assert (done["applied"], done["plan"]["digest"]) == (True, dry["plan"]["digest"])
    assert await documents.get("fields", "contact-buyer", admin) == FIELDS
    record = (await contacts(crm, {"budget": 5, "purchase_type": "cash"}))[0]
    assert (record["budget"], record["purchase_type"]) == (5.0, "cash")
    refused = await refusal(contacts(crm, {"purchase_type": "mortgage", "budget": -1}))
    assert refused.faults == [("/bank", "required"), ("/budget", "minimum")]
    assert await crm.count("contact", "budget > 4 and purchase_type = 'cash'") == 1


@pytest.mark.contract(
    "http-api.md#documents-not-document", "http-api.md#documents-refused", "http-api.md#documents-get"
)
async def test_refused_documents(crm: TestCrm) -> None:
    documents, admin = crm.kernel.documents, crm.kernel.system("api")
    assert (await refusal(documents.put("fields", "x", [1], admin))).code == "invalid"
    other = await refusal(documents.put("fields", "other", FIELDS, admin))
    assert other.faults == [("/name", "const")]
    plan = await plan_of(documents.put("fields", "extra", fields(properties={"name": {"type": "string"}}), admin))
    assert plan["status"] == "refused"
    assert plan["documents"][0]["errors"][0]["pointer"].startswith("/schema/properties/name")
    assert (await refusal(documents.get("fields", "nothing", admin))).code == "not_found"
    assert (await refusal(documents.delete("fields", "nothing", admin))).code == "not_found"
    assert (await refusal(documents.delete("entity", "contact", admin))).code == "not_found"
    nobody = await crm.user("nobody")
    for operation in (
        documents.list(nobody),
        documents.get("fields", "x", nobody),
        documents.put("fields", "x", {}, nobody),
    ):
        assert (await refusal(operation)).code == "forbidden"


@pytest.mark.contract(
    "documents.md#on-invalid-reject",
    "documents.md#impact-sample",
    "documents.md#already-invalid",
    "documents.md#on-invalid-keep",
)
async def test_the_impact_on_records_is_told_and_needs_a_choice(crm: TestCrm) -> None:
    await crm.put(fields(properties={"size": {"type": "integer"}}))
    made = await contacts(crm, *({"size": n} for n in range(30)), {})
    stricter = fields(properties={"size": {"type": "integer", "maximum": 4}})
    plan = await plan_of(crm.put(stricter))
    impact = plan["impact"][0]
    assert (plan["status"], impact["total"], impact["invalid"], impact["already_invalid"]) == (
        "needs_choice",
        31,
        25,
        0,
    )
    assert len(impact["sample"]) == 20
    assert impact["sample"][0] == {
        "id": made[5]["id"],
        "errors": [{"pointer": "/size", "code": "maximum", "detail": impact["sample"][0]["errors"][0]["detail"]}],
    }
    await crm.put({**stricter, "on_invalid": "keep"})
    assert (await crm.get("contact", made[9]["id"]))["size"] == 9
    refused = await refusal(crm.write([Change.update("contact", made[9]["id"], {"job_title": "x"})]))
    assert refused.faults == [("/size", "maximum")]
    await crm.write([Change.delete("contact", made[9]["id"]), Change.restore("contact", made[9]["id"])])
    await crm.write([Change.delete("contact", made[10]["id"])])
    await crm.write([Change.purge("contact", made[10]["id"])])
    again = await plan_of(crm.put(fields(properties={"size": {"type": "integer", "maximum": 3}})))
    assert (again["impact"][0]["invalid"], again["impact"][0]["already_invalid"]) == (1, 24)


@pytest.mark.contract("documents.md#on-invalid-backfill")
async def test_backfill_writes_the_default_through_the_write_door(crm: TestCrm) -> None:
    made = await contacts(crm, {}, {})
    body = fields(properties={"size": {"type": "integer", "default": 7}}, required=["size"])
    await crm.put({**body, "on_invalid": "backfill"})
    assert [r["size"] for r in await crm.find("contact")] == [7, 7]
    history = (await crm.kernel.reader.history("contact", made[0]["id"], crm.kernel.system("cli")))["items"]
    assert history[0]["changes"] == {"size": {"old": None, "new": 7}}
    without = {
        **fields(
            properties={"size": {"type": "integer", "default": 7}, "kind_of": {"type": "string"}}, required=["kind_of"]
        )
    }
    with pytest.raises(Error) as caught:
        await crm.put({**without, "on_invalid": "backfill"})
    assert caught.value.code == "plan_refused"
    assert "kind_of" not in crm.kernel.registry.entities["contact"].fields


@pytest.mark.contract("documents.md#field-removed-kept", "documents.md#x-was", "http-api.md#documents-delete")
async def test_a_removed_field_is_hidden_and_a_renamed_one_keeps_its_data(crm: TestCrm) -> None:
    await crm.put(fields(properties={"size": {"type": "integer"}}))
    record = (await contacts(crm, {"size": 4}))[0]
    await crm.put(fields(properties={"height": {"type": "integer", "x-crm": {"was": "size"}}}))
    assert (await crm.get("contact", record["id"]))["height"] == 4
    admin = crm.kernel.system("api")
    removed = await crm.kernel.documents.delete("fields", "extra", admin)
    assert removed["plan"]["ddl"][0]["change"] == "hide_column"
    assert "height" not in await crm.get("contact", record["id"])
    await crm.put(fields(properties={"height": {"type": "integer"}}))
    assert (await crm.get("contact", record["id"]))["height"] == 4


@pytest.mark.contract("documents.md#x-was", "documents.md#plan-first")
async def test_what_speaks_of_a_former_name_is_named(crm: TestCrm) -> None:
    """A rename keeps data, history and index; views, reports, roles and pipelines have to follow in the same apply."""
    old = fields(properties={"size": {"type": "integer", "x-crm": {"index": True}}})
    view = {
        "kind": "view",
        "name": "big",
        "entity": "contact",
        "filter": "size > 5",
        "columns": ["size"],
        "sort": "size",
    }
    count = [{"count": "*", "as": "n"}]
    report = {
        "kind": "report",
        "name": "by-size",
        "label": "S",
        "entity": "contact",
        "group_by": ["size"],
        "measures": count,
    }
    role = {"kind": "role", "name": "r", "grants": [{"entity": "contact", "actions": ["read"], "where": "size = 1"}]}
    stages = [{"name": "a", "type": "open", "requires": {"required": ["size"]}}, {"name": "b", "type": "open"}]
    line = {"kind": "pipeline", "name": "p", "entity": "contact", "label": "P", "stages": stages}
    admin = crm.kernel.system("api")
    await crm.kernel.documents.put_all([old, view, report, role, line], admin)
    record = (await contacts(crm, {"size": 7}))[0]
    new = fields(properties={"width": {"type": "integer", "x-crm": {"was": "size", "index": True}}})
    plan = await plan_of(crm.put(new))
    assert {(d["kind"], d["name"], d["pointer"]) for d in plan["dependants"]} == {
        ("view", "big", "/filter"),
        ("view", "big", "/columns/0"),
        ("view", "big", "/sort"),
        ("report", "by-size", "/group_by/0"),
        ("role", "r", "/grants/0/where"),
        ("pipeline", "p", "/stages/0/requires"),
    }
    text = json.dumps([new, view, report, role, line]).replace('"size', '"width').replace(" size", " width")
    follow = json.loads(text.replace('"was": "width"', '"was": "size"'))
    await crm.kernel.documents.put_all(follow, admin)
    assert [r["id"] for r in await crm.find("contact", "width > 6", sort="-width")] == [record["id"]]
    indexes = (await introspect(crm.kernel.database)).indexes["e_contact"]
    assert [any(f"__{name}__" in index for index in indexes) for name in ("size", "width")] == [False, True]
    history = (await crm.kernel.reader.history("contact", record["id"], admin))["items"]
    assert history[0]["changes"]["width"] == {"old": None, "new": 7}


@pytest.mark.contract("documents.md#entity-document", "documents.md#view-checked", "documents.md#reserved-kinds")
async def test_dependants_that_break_refuse_a_plan(crm: TestCrm) -> None:
    await crm.kernel.documents.put_all([ORDER, PIPELINE, BOSS], crm.kernel.system("api"))
    view = {
        "kind": "view",
        "name": "big",
        "entity": "job",
        "label": "Big",
        "filter": "amount > 5",
        "columns": ["number"],
    }
    await crm.put(view)
    smaller = json.loads(json.dumps(ORDER))
    del smaller["schema"]["properties"]["amount"]
    del smaller["schema"]["then"]
    del smaller["schema"]["if"]
    plan = await plan_of(crm.put(smaller))
    assert {(d["kind"], d["name"], d["pointer"]) for d in plan["dependants"]} >= {("view", "big", "/filter")}
    wrong = {**view, "name": "wrong", "columns": ["nmber"], "sort": "-nope"}
    errors = (await plan_of(crm.put(wrong)))["documents"][0]["errors"]
    assert [(e["pointer"], e["code"]) for e in errors] == [("/columns/0", "unknown_field"), ("/sort", "unknown_field")]
    reserved = await plan_of(crm.put({"kind": "dashboard", "name": "x"}))
    assert "dashboard" in reserved["documents"][0]["errors"][0]["detail"]


@pytest.mark.contract("documents.md#remap")
async def test_stages_in_use_need_a_remap(crm: TestCrm) -> None:
    await crm.kernel.documents.put_all([ORDER, BOSS], crm.kernel.system("api"))
    made = await crm.write([Change.create("job", {"number": str(n)}) for n in range(3)])
    plan = await plan_of(crm.put(PIPELINE))
    assert plan["stages"] == [{"pipeline": "work", "stage": "", "records": 3}]
    assert plan["documents"][0]["errors"][0]["pointer"] == "/remap"
    await crm.put({**PIPELINE, "remap": {"": "new"}})
    assert {r["stage"] for r in await crm.find("job")} == {"new"}
    history = (await crm.kernel.reader.history("job", made[0]["id"], crm.kernel.system("cli")))["items"]
    assert (history[0]["action"], history[0]["move"]["to"]) == ("move", "new")
    other = {**PIPELINE, "stages": [{"name": "fresh", "type": "open"}, *PIPELINE["stages"][1:]], "transitions": []}
    refused = await plan_of(crm.put(other))
    assert refused["stages"] == [{"pipeline": "work", "stage": "new", "records": 3}]
    await crm.put({**other, "remap": {"new": "fresh"}})
    assert await crm.count("job", "stage = 'fresh'") == 3


@pytest.mark.contract("documents.md#broken-left-out")
async def test_a_stored_document_that_no_longer_fits_is_left_out(crm: TestCrm) -> None:
    await crm.put(FIELDS)
    rows = 'UPDATE crm_document SET body = replace(body, \'"entity":"contact"\', \'"entity":"contac"\')'

    async def spoil(tx: Any) -> None:
        await tx.execute(rows)

    await crm.kernel.database.write(spoil)
    await crm.kernel.reload()
    assert "bank" not in crm.kernel.registry.entities["contact"].fields
    assert "contact-buyer" in crm.kernel.problems[0]
    listed = await crm.kernel.documents.list(crm.kernel.system("api"))
    broken = next(d for d in listed if d["name"] == "contact-buyer")
    assert (broken["state"], broken["errors"][0]["pointer"]) == ("broken", "/entity")
    assert (await crm.kernel.documents.get("fields", "contact-buyer", crm.kernel.system("api")))[
        "name"
    ] == "contact-buyer"


@pytest.mark.contract("documents.md#versions-kept", "http-api.md#documents-list")
async def test_versions_are_kept_and_documents_listed(crm: TestCrm) -> None:
    await crm.put(named("one"))
    await crm.put(named("two"))
    rows = await crm.kernel.database.read("SELECT version, change FROM crm_document_version ORDER BY seq")
    assert rows == [(1, "add"), (2, "change")]
    items = await crm.kernel.documents.list(crm.kernel.system("api"))
    mine = next(d for d in items if d["name"] == "extra")
    base = next(d for d in items if d["name"] == "contact")
    assert (mine["kind"], mine["origin"], mine["plugin"]) == ("fields", "api", None)
    assert (base["kind"], base["origin"], base["plugin"]) == ("entity", "plugin", "base")


async def test_other_readers_see_new_fields_at_once(crm: TestCrm) -> None:
    await contacts(crm, {})
    await crm.put(named("one"))
    page = await crm.kernel.reader.list("contact", crm.kernel.system("api"), ListQuery(filter="one is null"))
    assert page.items[0]["one"] is None


async def test_a_stored_field_keeps_its_type(crm: TestCrm) -> None:
    await crm.put(fields(properties={"size": {"type": "integer"}}))
    for schema in ({"type": "string"}, {"type": "number"}, {"enum": ["a"]}, {"type": "array"}):
        plan = await plan_of(crm.put(fields(properties={"size": schema})))
        assert ("/schema/properties/size", "type") in [
            (e["pointer"], e["code"]) for e in plan["documents"][0]["errors"]
        ]
    await crm.put(fields(properties={"size": {"type": "integer", "minimum": 0}}))


@pytest.mark.contract("documents.md#apply-atomic")
async def test_an_application_that_fails_leaves_nothing(crm: TestCrm) -> None:
    bodies = [named("one"), {**named("two"), "name": "second", "entity": "nothing"}]
    with pytest.raises(Error):
        await crm.kernel.documents.put_all(bodies, crm.kernel.system("api"))
    await contacts(crm, {}, {})
    unique = fields(
        properties={"one": {"type": "string", "default": "same", "x-crm": {"unique": True}}}, required=["one"]
    )
    with pytest.raises(Error):
        await crm.put({**unique, "on_invalid": "backfill"})
    assert await crm.kernel.documents.stored() == []
    assert not {"one", "two"} & (await introspect(crm.kernel.database)).tables["e_contact"].keys()


@pytest.mark.contract("documents.md#x-index")
async def test_an_indexed_field_has_its_index(crm: TestCrm) -> None:
    await crm.put(FIELDS)
    indexes = (await introspect(crm.kernel.database)).indexes["e_contact"]
    assert any("__budget" in index for index in indexes)


@pytest.mark.contract("documents.md#default-fits")
async def test_a_default_that_its_field_refuses_is_a_fault(crm: TestCrm) -> None:
    """Whatever is created without a value would be refused."""
    wrong = {
        "a": {"type": "string", "default": 5},
        "b": {"enum": ["x"], "default": "z"},
        "c": {"$ref": "#/$defs/some", "default": 1},
        "d": {"x-crm": {"money": True}, "minimum": 5, "default": {"amount": 1, "currency": "EUR"}},
        "e": {"type": "array", "items": {"type": "string"}, "default": ["x", 1]},
    }
    right = {"f": {"enum": ["x"], "default": "x"}, "g": {"type": "number", "default": 1, "x-crm": {"decimal": 2}}}
    defs = {"$defs": {"some": {"type": "integer", "minimum": 3}}}
    errors = (await plan_of(crm.put(fields(properties=wrong | right, required=["f"], **defs))))["documents"][0][
        "errors"
    ]
    at = "/schema/properties"
    assert [(e["pointer"], e["code"]) for e in errors] == [
        (f"{at}/a/default", "type"),
        (f"{at}/b/default", "enum"),
        (f"{at}/c/default", "minimum"),
        (f"{at}/d/default/amount", "minimum"),
        (f"{at}/e/default/1", "type"),
    ]
    assert errors[1]["detail"] == "The default: B must be one of 'x', got 'z'."
    assert (await crm.put(fields(properties=right, allOf=[{"required": ["name"]}])))["applied"]
