"""Lists through the keys of row rules: which indexes they read."""

from __future__ import annotations

from typing import Any

from crm_kernel.callers import Caller
from crm_kernel.operations.list_query import ListQuery
from crm_kernel.storage.few import MANY
from crm_kernel.storage.select import with_page
from crm_kernel.testing import TestCrm

AGENT = {
    "kind": "role",
    "name": "agent",
    "grants": [{"entity": "contact", "actions": ["read"], "where": "owner = @me or team in @my_teams"}],
}


async def steps(crm: TestCrm, text: str, count: int) -> list[str]:
    return [row[3] for row in await crm.kernel.database.read(f"EXPLAIN QUERY PLAN {text}", ("[]",) * count)]


async def plan(crm: TestCrm) -> Any:
    await crm.put(AGENT)
    access = crm.kernel.registry.access(Caller(roles=frozenset({"agent"}), teams=("one",)))
    return crm.kernel.reader.planner.list_plan(access, "contact", ListQuery(filter="name = 'x'", sort="name")).few


async def test_the_records_are_read_through_the_keys(crm: TestCrm) -> None:
    few = await plan(crm)
    sql = few.first_page
    found = await steps(crm, with_page(sql.text, 51), len(sql.params))
    assert [step for step in found if step.startswith("SCAN t")] == []
    assert [step.split(" USING ")[1] for step in found if step.startswith("SEARCH t")] == [
        "INDEX e_contact__owner__created_at_d__id_i (owner=?)",
        "INDEX e_contact__team__created_at_d__id_i (team=?)",
        "INDEX sqlite_autoindex_e_contact_1 (id=?)",
    ]


async def test_how_many_there_are_is_told_by_the_indexes_alone(crm: TestCrm) -> None:
    sql = (await plan(crm)).few.has_many
    assert f"OFFSET {MANY}" in sql.text
    found = await steps(crm, f"SELECT {sql.text}", len(sql.params))
    assert len([step for step in found if step.startswith("SEARCH t USING") and "INDEX e_contact__" in step]) == 2
