"""Pipelines through the write door: starts, moves, guards, requirements, reasons, other pipelines, what is possible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from crm_kernel import Change
from crm_kernel.operations.list_query import ListQuery
from crm_kernel.testing import TestCrm
from tests.operations.conftest import BOSS, CLERK, ORDER, PIPELINE, refusal

CARE = {
    "kind": "pipeline",
    "name": "care",
    "entity": "job",
    "stages": [{"name": "open", "type": "open"}, {"name": "closed", "type": "won"}],
}


@pytest.fixture
def crm_documents() -> Sequence[Mapping[str, Any]]:
    return [ORDER, {**PIPELINE, "default": True}, CARE, CLERK, BOSS]


async def job(crm: TestCrm, **values: Any) -> Any:
    return (await crm.write([Change.create("job", values)]))[0]


async def customer(crm: TestCrm, **values: Any) -> str:
    return (await crm.write([Change.create("contact", {"name": "Anna", **values})]))[0]["id"]


@pytest.mark.contract("documents.md#create-first-stage", "documents.md#pipeline-default")
async def test_a_record_begins_in_the_first_stage_of_the_default_pipeline(crm: TestCrm) -> None:
    record = await job(crm)
    assert (record["pipeline"], record["stage"], record["stage_reason"]) == ("work", "new", None)
    assert record["stage_since"] == record["created_at"]
    assert (await job(crm, pipeline="care"))["stage"] == "open"


@pytest.mark.contract("documents.md#create-other-stage", "documents.md#requires-later-stages")
async def test_created_in_another_stage_its_requirements_hold_but_no_guard(crm: TestCrm) -> None:
    refused = await refusal(crm.write([Change.create("job", {"stage": "done"})]))
    assert (refused.code, refused.faults) == ("invalid", [("/amount", "required"), ("/due", "required")])
    assert (await job(crm, stage="done", amount=1, due="2026-01-01"))["stage"] == "done"
    lost = await refusal(crm.write([Change.create("job", {"stage": "lost"})]))
    assert (lost.code, lost.faults) == ("invalid", [("/stage", "reason")])


@pytest.mark.contract("documents.md#stage-unknown")
async def test_an_unknown_stage_or_pipeline_is_a_value_fault(crm: TestCrm) -> None:
    record = await job(crm)
    for values, pointer in (({"stage": "nowhere"}, "/stage"), ({"pipeline": "none"}, "/pipeline")):
        refused = await refusal(crm.write([Change.update("job", record["id"], values)]))
        assert (refused.code, refused.faults) == ("invalid", [(pointer, "enum")])


@pytest.mark.parametrize("name", ["stage", "pipeline"])
async def test_a_record_never_leaves_its_stage_for_none(crm: TestCrm, name: str) -> None:
    record = await job(crm, stage="planned", due="2026-01-01")
    refused = await refusal(crm.write([Change.update("job", record["id"], {name: None})]))
    assert (refused.code, refused.faults) == ("invalid", [(f"/{name}", "required")])
    assert (await job(crm, **{name: None}))["stage"] == "new"


@pytest.mark.contract("documents.md#move-refused-all", "documents.md#stage-change-is-move")
async def test_a_refused_move_names_all_causes_whatever_the_route(crm: TestCrm) -> None:
    record = await job(crm)
    expected = [("/due", "required"), ("/stage", "guard")]
    routes = [
        Change.move("job", record["id"], "planned"),
        Change.update("job", record["id"], {"stage": "planned"}),
    ]
    for change in routes:
        refused = await refusal(crm.write([change]))
        assert (refused.code, refused.error.status, refused.faults) == ("move_refused", 409, expected)
    skipping = await refusal(crm.move("job", record["id"], "done"))
    assert ("/stage", "no_transition") in skipping.faults
    both = await refusal(crm.move("job", record["id"], "planned", values={"amount": -1}))
    assert both.code == "invalid"
    assert ("/amount", "minimum") in both.faults


async def test_a_guard_reads_what_the_move_writes_and_related_records(crm: TestCrm) -> None:
    record = await job(crm, customer=await customer(crm))
    moved = await crm.move("job", record["id"], "planned", values={"due": "2026-05-01", "amount": 3})
    assert (moved["stage"], moved["version"]) == ("planned", 2)
    blocked = await job(crm, customer=await customer(crm, do_not_contact=True), amount=3, due="2026-05-01")
    refused = await refusal(crm.move("job", blocked["id"], "planned"))
    assert refused.faults == [("/stage", "guard")]
    shown = refused.error.render()["errors"][0]
    assert shown["failed"] == [
        {"expression": "customer.do_not_contact = false", "values": {"customer.do_not_contact": True}}
    ]
    assert shown["source"] == {"kind": "pipeline", "name": "work", "plugin": None, "pointer": "/transitions/0/guard"}


@pytest.mark.contract("documents.md#requires-lost", "documents.md#lost-reason", "documents.md#reason-cleared")
async def test_a_lost_stage_has_its_own_requirements_and_demands_a_reason(crm: TestCrm) -> None:
    record = await job(crm)
    assert (await refusal(crm.move("job", record["id"], "lost"))).faults == [("/stage", "reason")]
    assert (await refusal(crm.move("job", record["id"], "lost", reason="mood"))).faults == [("/stage", "reason")]
    lost = await crm.move("job", record["id"], "lost", reason="too dear")
    assert lost["stage_reason"] == "too dear"
    again = (await crm.write([Change.update("job", record["id"], {"stage_reason": "no answer"})]))[0]
    assert again["stage_reason"] == "no answer"
    assert (await refusal(crm.write([Change.update("job", record["id"], {"stage_reason": "mood"})]))).faults == [
        ("/stage", "reason")
    ]
    assert (await crm.move("job", record["id"], "new"))["stage_reason"] is None


async def test_requirements_hold_for_as_long_as_the_stage_does(crm: TestCrm) -> None:
    record = await job(crm, stage="done", amount=1, due="2026-01-01")
    refused = await refusal(crm.write([Change.update("job", record["id"], {"due": None})]))
    assert (refused.code, refused.faults) == ("invalid", [("/due", "required")])


@pytest.mark.contract("documents.md#same-stage")
async def test_the_same_stage_is_no_move(crm: TestCrm) -> None:
    record = await job(crm)
    moved = await crm.move("job", record["id"], "new")
    assert moved["version"] == 1
    assert await crm.kernel.database.read("SELECT count(*) FROM crm_stage_history") == [(1,)]


@pytest.mark.contract("documents.md#other-pipeline")
async def test_into_another_pipeline_goes_to_its_first_stage(crm: TestCrm) -> None:
    record = await job(crm)
    refused = await refusal(crm.write([Change.move("job", record["id"], "closed", pipeline="care")]))
    assert refused.faults == [("/stage", "no_transition")]
    moved = (await crm.write([Change.update("job", record["id"], {"pipeline": "care"})]))[0]
    assert (moved["pipeline"], moved["stage"]) == ("care", "open")
    assert (await crm.move("job", record["id"], "closed"))["stage"] == "closed"


@pytest.mark.contract("documents.md#stage-history", "documents.md#moved-event", "documents.md#transitions-optional")
async def test_moves_are_told_and_timed(crm: TestCrm) -> None:
    crm.clock.set(crm.now())
    record = await job(crm, pipeline="care")
    from_then = crm.now()
    crm.clock.set(from_then.replace(year=from_then.year + 1))
    moved = await crm.move("job", record["id"], "closed", values={"amount": 4})
    seconds = int((crm.now() - from_then).total_seconds())
    history = (await crm.kernel.reader.history("job", record["id"], crm.kernel.system("cli")))["items"]
    assert history[0]["move"] == {"from": "open", "to": "closed", "reason": None, "seconds": seconds}
    assert (history[0]["action"], history[0]["changes"]["amount"]["new"]) == ("move", 4.0)
    rows = await crm.kernel.database.read("SELECT from_stage, to_stage, seconds FROM crm_stage_history ORDER BY seq")
    assert rows == [(None, "open", None), ("open", "closed", seconds)]
    events = await crm.kernel.database.read("SELECT type FROM crm_outbox ORDER BY seq")
    assert [e[0] for e in events] == ["record.created", "record.moved", "record.updated"]
    assert moved["stage_since"] == moved["updated_at"]


@pytest.mark.contract("documents.md#move-action-missing", "http-api.md#moves")
async def test_roles_of_transitions_and_the_action_move(crm: TestCrm) -> None:
    clerk = await crm.user("clerk", "clerk")
    boss = await crm.user("boss", "boss")
    record = await job(crm, stage="planned", due="2026-01-01", amount=1, owner=clerk.id)
    refused = await refusal(crm.acting(clerk).move("job", record["id"], "done"))
    assert refused.faults == [("/stage", "role")]
    possible = await crm.kernel.reader.moves("job", record["id"], clerk)
    assert {m["to"]: m["allowed"] for m in possible["moves"]} == {"new": False, "done": False, "lost": True}
    lost = next(m for m in possible["moves"] if m["to"] == "lost")
    assert (lost["type"], lost["reasons"], lost["refused"]) == ("lost", ["too dear", "no answer"], [])
    assert (await crm.acting(boss).move("job", record["id"], "done"))["stage"] == "done"
    reader = await crm.user("reader", "reader")
    await crm.put({"kind": "role", "name": "reader", "grants": [{"entity": "job", "actions": ["read", "update"]}]})
    assert (await refusal(crm.acting(reader).move("job", record["id"], "lost", reason="no answer"))).code == "forbidden"
    moves = (await crm.kernel.reader.moves("job", record["id"], reader))["moves"]
    assert all(not m["allowed"] for m in moves)
    created = Change.create("job", {"stage": "lost", "stage_reason": "no answer"})
    await crm.put({"kind": "role", "name": "maker", "grants": [{"entity": "job", "actions": ["read", "create"]}]})
    maker = await crm.user("maker", "maker")
    elsewhere = Change.create("job", {"pipeline": "care"})
    for change in (created, elsewhere):
        assert (await refusal(crm.acting(maker).write([change]))).code == "forbidden"
    assert len(await crm.acting(maker).write([Change.create("job", {"pipeline": "work", "stage": "new"})])) == 1


@pytest.mark.contract("filters.md#quote-if-readable")
async def test_a_guard_is_quoted_only_to_whom_may_read_all_it_reads(crm: TestCrm) -> None:
    record = await job(
        crm, customer=await customer(crm, do_not_contact=True, language="lv"), amount=3, due="2026-05-01"
    )
    grants = [
        {"entity": "job", "actions": ["read", "move", "update"]},
        {"entity": "contact", "actions": ["read"], "fields": {"read": ["name"]}},
    ]
    await crm.put({"kind": "role", "name": "blind", "grants": grants})
    blind = await crm.user("blind", "blind")
    refused = await refusal(crm.acting(blind).move("job", record["id"], "planned"))
    shown = refused.error.render()["errors"][0]
    assert shown["code"] == "guard"
    assert "do_not_contact" not in str(refused.error.render())
    assert shown["source"]["pointer"] == "/transitions/0/guard"
    boss = await crm.user("boss", "boss")
    quoted = await refusal(crm.acting(boss).move("job", record["id"], "planned"))
    assert "do_not_contact" in quoted.error.detail
    assert quoted.error.render()["errors"][0]["failed"][0]["values"] == {"customer.do_not_contact": True}
    grants[1] = {"entity": "contact", "actions": ["read"], "where": "language = 'en'"}
    await crm.put({"kind": "role", "name": "blind", "grants": grants})
    elsewhere = (await refusal(crm.acting(blind).move("job", record["id"], "planned"))).error.render()["errors"][0]
    assert "do_not_contact" in elsewhere["expression"]
    assert "failed" not in elsewhere  # the customer's row is hidden from him


async def test_possible_moves_name_what_is_missing(crm: TestCrm) -> None:
    record = await job(crm)
    possible = await crm.kernel.reader.moves("job", record["id"], crm.kernel.system("cli"))
    planned = next(m for m in possible["moves"] if m["to"] == "planned")
    assert (planned["allowed"], planned["missing"]) == (False, ["/due"])
    assert [r["code"] for r in planned["refused"]] == ["guard"]
    contact = await customer(crm)
    assert (await refusal(crm.kernel.reader.moves("contact", contact, crm.kernel.system("cli")))).code == "not_found"


@pytest.mark.contract("documents.md#rotting")
async def test_rotting_follows_the_clock(crm: TestCrm) -> None:
    start = crm.now()
    crm.clock.set(start)
    record = await job(crm, stage="planned", due="2026-01-01")
    system = crm.kernel.system("cli")
    assert (await crm.kernel.reader.get("job", record["id"], system))["rotting"] is False
    crm.clock.set(start.replace(year=start.year + 1))
    assert (await crm.kernel.reader.get("job", record["id"], system))["rotting"] is True
    assert await crm.count("job", "rotting = true") == 1
    await job(crm)
    counted = {"entity": "job", "group_by": ["rotting"], "measures": [{"count": "*", "as": "n"}]}
    rows = (await crm.kernel.reports.run(counted, {}, system))["rows"]
    assert rows == [{"rotting": False, "n": 1}, {"rotting": True, "n": 1}]
    page = await crm.kernel.reader.list("job", system, ListQuery(filter="rotting = true", fields=("id", "rotting")))
    assert [{name: item[name] for name in ("id", "rotting")} for item in page.items] == [
        {"id": record["id"], "rotting": True}
    ]
