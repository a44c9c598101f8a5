"""Reports through the kernel: stored and unsaved ones, under the rules of who asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from crm_kernel import Change
from crm_kernel.testing import TestCrm
from tests.operations.conftest import BOSS, CLERK, ORDER, PIPELINE, refusal

VALUE = {
    "kind": "report",
    "name": "value-by-stage",
    "label": "Value by stage",
    "entity": "job",
    "params": {"least": {"type": "number", "default": 0}},
    "filter": "amount >= @param.least",
    "group_by": ["stage"],
    "measures": [{"count": "*", "as": "n"}, {"sum": "price", "as": "value"}],
}


@pytest.fixture
def crm_documents() -> Sequence[Mapping[str, Any]]:
    return [ORDER, PIPELINE, CLERK, BOSS, VALUE]


async def fill(crm: TestCrm, owner: str | None = None) -> None:
    rows = [{"amount": 1, "price": {"amount": 5}}, {"amount": 20, "price": {"amount": 7, "currency": "EUR"}}]
    await crm.write([Change.create("job", row | {"owner": owner}) for row in rows])


@pytest.mark.contract("documents.md#report-params")
async def test_a_stored_report(crm: TestCrm) -> None:
    await fill(crm)
    system = crm.kernel.system("api")
    answer = await crm.kernel.reports.run("value-by-stage", {}, system)
    assert answer["report"] == "value-by-stage"
    assert answer["rows"] == [{"stage": "new", "n": 2, "value": Decimal("12.00")}]
    found = await crm.kernel.reports.run("value-by-stage", {"least": "10"}, system)
    assert found["rows"] == [{"stage": "new", "n": 1, "value": Decimal("7.00")}]
    assert (await refusal(crm.kernel.reports.run("value-by-stage", {"most": "1"}, system))).code == "unknown_parameter"
    assert (await refusal(crm.kernel.reports.run("volume", {}, system))).code == "not_found"


async def test_reports_see_what_their_reader_sees(crm: TestCrm) -> None:
    clerk, other = await crm.user("clerk", "clerk"), await crm.user("other")
    await fill(crm, clerk.id)
    await fill(crm)
    counted = {"entity": "job", "measures": [{"count": "*", "as": "n"}, {"sum": "amount", "as": "total"}]}
    assert (await crm.kernel.reports.run(counted, {}, clerk))["rows"] == [{"n": 2, "total": 21.0}]
    # `price` is denied to clerks: for them it does not exist.
    hidden = await refusal(crm.kernel.reports.run("value-by-stage", {}, clerk))
    assert (hidden.code, hidden.faults) == ("invalid", [("/measures/1/sum", "unknown_field")])
    assert (await refusal(crm.kernel.reports.run("value-by-stage", {}, other))).code == "not_found"
    assert (await refusal(crm.kernel.reports.run(counted, {}, other))).faults == [("/entity", "not_found")]


async def test_a_report_needs_the_action_read(crm: TestCrm) -> None:
    await crm.put({"kind": "role", "name": "writer", "grants": [{"entity": "job", "actions": ["create"]}]})
    writer = await crm.user("writer", "writer")
    counted = {"entity": "job", "measures": [{"count": "*", "as": "n"}]}
    assert (await refusal(crm.kernel.reports.run(counted, {}, writer))).code == "forbidden"


async def test_an_unsaved_report_is_checked(crm: TestCrm) -> None:
    bad = VALUE | {"name": "bad", "group_by": ["stege"]}
    found = await crm.kernel.reports.run(VALUE, {}, crm.kernel.system("api"))
    assert found["rows"] == []
    refused = await refusal(crm.kernel.reports.run(bad, {}, crm.kernel.system("api")))
    assert refused.faults == [("/group_by/0", "unknown_field")]
