"""Pipelines that change under records: each record goes where the document says, or the plan says what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from crm_kernel import Change
from crm_kernel.testing import TestCrm
from tests.operations.conftest import plan_of

JOB = {"kind": "entity", "name": "job", "schema": {"properties": {"name": {"type": "string"}}}}


def line(name: str, *stages: str, **more: Any) -> dict[str, Any]:
    listed = [{"name": stage, "type": "open"} for stage in stages]
    return {"kind": "pipeline", "name": name, "entity": "job", "label": name, "stages": listed, **more}


SALES = line("sales", "new", "old", default=True)
CARE = line("care", "new", "waiting")


@pytest.fixture
def crm_documents() -> Sequence[Mapping[str, Any]]:
    return [JOB, SALES, CARE]


async def jobs(crm: TestCrm) -> None:
    at = [("sales", "new")] * 3 + [("sales", "old")] * 2 + [("care", "new")] * 4 + [("care", "waiting")]
    made = await crm.write([Change.create("job", {"pipeline": p, "stage": s}) for p, s in at])
    await crm.write([Change.delete("job", made[0]["id"]), Change.delete("job", made[5]["id"])])


async def where(crm: TestCrm) -> Counter[tuple[str, str]]:
    """(pipeline, stage) of all jobs, deleted ones too."""
    rows = await crm.kernel.database.read("SELECT pipeline, stage FROM e_job")
    return Counter((str(p), str(s)) for p, s in rows)


@pytest.mark.contract("documents.md#remap")
async def test_one_pipeline_of_several_changes(crm: TestCrm) -> None:
    """Stages of the same name in another pipeline stay what they are."""
    await jobs(crm)
    other = line("care", "fresh", "waiting")
    plan = await plan_of(crm.put(other))
    assert plan["stages"] == [{"pipeline": "care", "stage": "new", "records": 4}]
    (error,) = plan["documents"][0]["errors"]
    assert (error["pointer"], error["code"]) == ("/remap", "required")
    assert (await plan_of(crm.put({**other, "remap": {"new": "nowhere"}})))["documents"][0]["errors"][0][
        "code"
    ] == "stage"
    await crm.put({**other, "remap": {"new": "fresh"}})
    expected = {("sales", "new"): 3, ("sales", "old"): 2, ("care", "fresh"): 4, ("care", "waiting"): 1}
    assert await where(crm) == expected
    assert (await crm.put({**other, "remap": {"new": "fresh"}, "label": "Again"}))["plan"]["stages"] == []


@pytest.mark.contract("documents.md#remap")
async def test_a_pipeline_is_removed_and_its_records_go_to_the_default(crm: TestCrm) -> None:
    await jobs(crm)
    admin = crm.kernel.system("api")
    plan = await plan_of(crm.kernel.documents.delete("pipeline", "care", admin))
    assert [(s["pipeline"], s["stage"], s["records"]) for s in plan["stages"]] == [
        ("care", "new", 4),
        ("care", "waiting", 1),
    ]
    assert [e["pointer"] for e in plan["documents"][0]["errors"]] == ["/remap", "/remap"]
    assert "'sales'" in plan["documents"][0]["errors"][0]["hint"]
    takes = {**SALES, "remap": {"new": "old", "waiting": "new"}}
    body = {"documents": [takes], "remove": [{"kind": "pipeline", "name": "care"}]}
    await crm.kernel.documents.apply(body, admin)
    assert await where(crm) == {("sales", "new"): 4, ("sales", "old"): 6}
    moves = await crm.kernel.database.read(
        "SELECT from_stage, to_stage, count(*) FROM crm_stage_history"
        " WHERE from_stage IS NOT NULL GROUP BY from_stage, to_stage ORDER BY from_stage"
    )
    assert moves == [("new", "old", 4), ("waiting", "new", 1)]


@pytest.mark.contract("documents.md#remap")
async def test_the_last_pipeline_goes_and_another_comes(crm: TestCrm) -> None:
    await jobs(crm)
    admin = crm.kernel.system("api")
    gone = [{"kind": "pipeline", "name": name} for name in ("sales", "care")]
    await crm.kernel.documents.apply({"remove": gone}, admin)
    late = (await crm.write([Change.create("job", {"name": "late"})]))[0]
    again = line("sales", "new", "done", default=True)
    plan = await plan_of(crm.put(again))
    told = {(s["pipeline"], s["stage"]): s["records"] for s in plan["stages"]}
    assert told == {("care", "new"): 4, ("care", "waiting"): 1, ("sales", "old"): 2, ("sales", ""): 1}
    await crm.put({**again, "remap": {"": "new", "old": "done", "new": "new", "waiting": "new"}})
    assert await where(crm) == {("sales", "new"): 9, ("sales", "done"): 2}
    assert (await crm.get("job", late["id"]))["stage"] == "new"


@pytest.mark.contract("documents.md#impact-sample")
async def test_a_stage_that_requires_more_is_told_of(crm: TestCrm) -> None:
    """Records that lack it stay where they are: it asks for no choice, unless somebody wants to be asked."""
    made = await crm.write([Change.create("job", {"name": name}) for name in ("a", None, None)])
    await crm.move("job", made[2]["id"], "old")
    other = line("sales", "new", "old", default=True)
    other["stages"][0]["requires"] = {"required": ["name"]}
    admin = crm.kernel.system("api")
    asked = await crm.kernel.documents.plan({"documents": [other], "on_invalid": "reject"}, admin)
    (impact,) = asked["impact"]
    assert (asked["status"], impact["kind"], impact["total"], impact["invalid"]) == ("needs_choice", "pipeline", 3, 2)
    assert [(s["id"], s["errors"][0]["pointer"]) for s in impact["sample"]] == [
        (made[1]["id"], "/name"),
        (made[2]["id"], "/name"),
    ]
    (impact,) = (await crm.put(other))["plan"]["impact"]
    assert impact["chosen"] == "keep"
    del other["stages"][0]["requires"]
    other["stages"][1]["requires"] = {"required": ["name"]}
    (impact,) = (await crm.put(other))["plan"]["impact"]
    assert (impact["invalid"], impact["already_invalid"]) == (0, 1)
