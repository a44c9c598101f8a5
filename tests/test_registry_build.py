"""What does not fit is left out of the registry and named, with a pointer; the rest stays in force."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from crm_kernel.testing import TestCrm
from tests.operations.conftest import BOSS, ORDER, PIPELINE, plan_of


def pipeline(**members: Any) -> dict[str, Any]:
    return {**PIPELINE, **members}


@pytest.fixture
def crm_documents() -> list[Mapping[str, Any]]:
    return [ORDER, BOSS]


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        (pipeline(entity="jib"), "/entity", "not_found"),
        (
            pipeline(transitions=[{"from": ["new"], "to": "planned", "guard": "custmer is null"}]),
            "/transitions/0/guard",
            "unknown_field",
        ),
        (
            pipeline(transitions=[{"from": ["new"], "to": "planned", "guard": "amount >"}]),
            "/transitions/0/guard",
            "bad_filter",
        ),
        (
            pipeline(stages=[{"name": "new", "type": "open", "requires": {"required": ["amont"]}}], transitions=[]),
            "/stages/0/requires",
            "unknown_field",
        ),
        (
            pipeline(transitions=[{"from": ["new"], "to": "planned", "roles": ["admin", "bos"]}]),
            "/transitions/0/roles/1",
            "not_found",
        ),
    ],
)
async def test_a_pipeline_that_does_not_resolve_is_refused(
    crm: TestCrm, body: dict[str, Any], pointer: str, code: str
) -> None:
    plan = await plan_of(crm.put(body))
    assert (pointer, code) in [(e["pointer"], e["code"]) for e in plan["documents"][0]["errors"]]
    assert crm.kernel.registry.entities["job"].pipelines == ()


@pytest.mark.contract("documents.md#roles-named")
async def test_a_role_that_is_named_has_to_be_there(crm: TestCrm) -> None:
    """By documents of the same apply too; what names it is named where it would go."""
    admin = crm.kernel.system("api")
    chief = {**BOSS, "name": "chief"}
    view = {"kind": "view", "name": "mine", "entity": "job", "roles": ["chief"]}
    line = pipeline(transitions=[{"from": ["new"], "to": "planned", "roles": ["boss", "chief"]}])
    refused = await plan_of(crm.kernel.documents.put_all([line, view], admin))
    errors = [(e["pointer"], e["code"]) for d in refused["documents"] for e in d["errors"]]
    assert errors == [("/transitions/0/roles/1", "not_found"), ("/roles/0", "not_found")]
    await crm.kernel.documents.put_all([line, view, chief], admin)
    plan = await plan_of(crm.kernel.documents.delete("role", "chief", admin))
    assert [(d["kind"], d["name"], d["pointer"]) for d in plan["dependants"]] == [
        ("pipeline", "work", "/transitions/0/roles/1"),
        ("view", "mine", "/roles/0"),
    ]
    both = pipeline(transitions=[{"from": ["new"], "to": "planned", "roles": ["chef"], "guard": "amonut > 1"}])
    errors = (await plan_of(crm.put(both)))["documents"][0]["errors"]
    assert [e["pointer"] for e in errors] == ["/transitions/0/roles/0", "/transitions/0/guard"]
    near = await plan_of(crm.put({**view, "roles": ["chef"]}))
    (error,) = near["documents"][0]["errors"]
    assert error["detail"] == "There is no role 'chef'; did you mean 'chief'?"
    assert error["hint"] == "There are admin, boss, chief."
    (error,) = (await plan_of(crm.put({"kind": "role", "name": "admin", "grants": []})))["documents"][0]["errors"]
    assert (error["pointer"], error["code"]) == ("/name", "unique")


def fields(**crm: Any) -> dict[str, Any]:
    properties = {"odd": {"type": "string", "x-crm": crm}}
    return {"kind": "fields", "name": "odd", "entity": "job", "schema": {"properties": properties}}


def role(**members: Any) -> dict[str, Any]:
    return {"kind": "role", "name": "odd", "grants": [{"entity": "job", "actions": ["read"], **members}]}


def report(**members: Any) -> dict[str, Any]:
    count = [{"count": "*", "as": "n"}]
    return {"kind": "report", "name": "odd", "label": "Odd", "entity": "job", "measures": count, **members}


def view(**members: Any) -> dict[str, Any]:
    return {"kind": "view", "name": "odd", "entity": "job", **members}


@pytest.mark.contract("documents.md#names-there")
@pytest.mark.parametrize(
    ("document", "pointer", "meant"),
    [
        ({**fields(), "entity": "jop"}, "/entity", "job"),
        (fields(reference="contct"), "/schema/properties/odd/x-crm/reference", "contact"),
        (
            fields(rollup={"of": "job_by_parnt", "measure": "count"}),
            "/schema/properties/odd/x-crm/rollup/of",
            "job_by_parent",
        ),
        (fields(formula="if(stage = 'plannd', 'a', 'b')"), "/schema/properties/odd/x-crm/formula", "planned"),
        (pipeline(entity="jop"), "/entity", "job"),
        (pipeline(transitions=[{"from": ["nw"], "to": "new"}]), "/transitions/0/from/0", "new"),
        (pipeline(transitions=[{"from": ["new"], "to": "nw"}]), "/transitions/0/to", "new"),
        (pipeline(remap={"old": "nw"}), "/remap/old", "new"),
        (
            pipeline(stages=[{"name": "new", "type": "open", "requires": {"required": ["amont"]}}], transitions=[]),
            "/stages/0/requires",
            "amount",
        ),
        (role(entity="jop"), "/grants/0/entity", "job"),
        (role(actions=["raed"]), "/grants/0/actions/0", "read"),
        (role(where="pipeline = 'wrk'"), "/grants/0/where", "work"),
        (role(fields={"deny": ["amont"]}), "/grants/0/fields/deny/0", "amount"),
        (report(entity="jop"), "/entity", "job"),
        (report(filter="stage = 'plannd'"), "/filter", "planned"),
        (report(order=["-nn"]), "/order/0", "n"),
        (view(entity="jop"), "/entity", "job"),
        (view(filter="pipeline = 'wrk'"), "/filter", "work"),
        (view(roles=["bos"]), "/roles/0", "boss"),
    ],
)
async def test_what_is_named_and_not_there_is_told_with_near_names(
    crm: TestCrm, document: Mapping[str, Any], pointer: str, meant: str
) -> None:
    await crm.put(PIPELINE)
    (error,) = (await plan_of(crm.put(document)))["documents"][0]["errors"]
    assert error["pointer"] == pointer
    assert f"did you mean {meant!r}" in error["detail"]


@pytest.mark.contract("documents.md#names-there")
async def test_where_nothing_is_near_the_hint_tells_what_there_is(crm: TestCrm) -> None:
    (error,) = (await plan_of(crm.put(view(entity="zzzz"))))["documents"][0]["errors"]
    assert error["detail"] == "There is no entity 'zzzz'."
    assert "contact" in error["hint"]
    assert "job" in error["hint"]


@pytest.mark.contract("documents.md#title-checked")
async def test_a_title_names_fields_that_are_there(crm: TestCrm) -> None:
    (error,) = (await plan_of(crm.put({**ORDER, "title": "{number} {customer.nmae}"})))["documents"][0]["errors"]
    assert (error["pointer"], error["code"]) == ("/title", "unknown_field")
    assert "did you mean 'customer.name'" in error["detail"]
    extra = {"kind": "fields", "name": "extra", "entity": "job", "schema": {"properties": {"code": {"type": "string"}}}}
    await crm.kernel.documents.put_all([{**ORDER, "title": "{code} {customer.name}"}, extra], crm.kernel.system("api"))
    plan = await plan_of(crm.kernel.documents.delete("fields", "extra", crm.kernel.system("api")))
    assert [(d["kind"], d["name"], d["pointer"]) for d in plan["dependants"]] == [("entity", "job", "/title")]


async def test_a_second_pipeline_needs_a_default_and_only_one(crm: TestCrm) -> None:
    await crm.put(pipeline())
    second = pipeline(name="second")
    none = await plan_of(crm.kernel.documents.put_all([second], crm.kernel.system("api")))
    assert "/default" in str(none)
    both = [pipeline(default=True), {**second, "default": True}]
    two = await plan_of(crm.kernel.documents.put_all(both, crm.kernel.system("api")))
    assert [e["pointer"] for d in two["documents"] for e in d["errors"]] == ["/default"]
    await crm.kernel.documents.put_all([pipeline(default=True), second], crm.kernel.system("api"))
    assert crm.kernel.registry.entities["job"].pipelines == ("work", "second")
