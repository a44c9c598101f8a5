"""Lists that no index serves are counted, written down together, and told with the change that adds an index."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crm_kernel.operations.list_query import ListQuery
from crm_kernel.operations.list_use import KEPT, OFTEN, ListUse, advice
from crm_kernel.storage.list_use import Slow
from crm_kernel.testing import TestCrm

FIELDS: dict[str, Any] = {
    "kind": "fields",
    "name": "extra",
    "entity": "contact",
    "schema": {
        "properties": {
            "segment": {"enum": ["hot", "cold"]},
            "score": {"type": "integer"},
            "grade": {"type": "integer", "x-crm": {"index": True}},
            "tags": {"type": "array", "items": {"type": "string"}},
        }
    },
}


async def ask(crm: TestCrm, **query: Any) -> None:
    await crm.kernel.reader.list("contact", crm.kernel.system("api"), ListQuery(**query))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, None),
        ({"sort": "grade"}, None),
        ({"sort": "name"}, None),
        ({"filter": "grade > 1"}, None),
        ({"filter": "grade = 1 and segment = 'hot'"}, None),
        ({"filter": "owner = @me and segment = 'hot'"}, None),
        ({"filter": "tags is null"}, None),
        ({"filter": "not (segment = 'hot')"}, None),
        ({"filter": "segment = 'hot'"}, (("segment",), "")),
        ({"filter": "segment = 'hot' and score > 2", "sort": "-grade"}, (("score", "segment"), "grade")),
        ({"filter": "grade = 1 and segment = 'hot'", "sort": "-score"}, ((), "score")),
    ],
)
async def test_what_would_need_an_index(crm: TestCrm, query: dict[str, Any], found: Any) -> None:
    await crm.put(FIELDS)
    access = crm.kernel.registry.access(crm.kernel.system("api"))
    plan = crm.kernel.reader.planner.list_plan(access, "contact", ListQuery(**query))
    assert plan.slow == (None if found is None else Slow("contact", *found))


@pytest.mark.contract("cli.md#doctor")
async def test_what_is_asked_often_is_told_until_it_has_an_index(crm: TestCrm) -> None:
    await crm.put(FIELDS)
    kernel = crm.kernel
    for _ in range(OFTEN - 1):
        await ask(crm, filter="segment = 'hot'", sort="-score")
    await kernel.reader.list_use.flush()
    assert await advice(kernel.database, kernel.registry, kernel.clock) == []
    another = ListUse(kernel.database, kernel.clock)
    another.note(Slow("contact", ("segment",), "score"))
    another.note(Slow("gone", ("segment",), "score"))
    await another.flush()
    await another.flush()
    assert await advice(kernel.database, kernel.registry, kernel.clock) == [
        f"contact: filter on segment and sort by score {OFTEN} times without an index: "
        'give segment "x-crm": {"index": true} in the document \'extra\'; '
        'give score "x-crm": {"index": true} in the document \'extra\''
    ]
    indexed = {**FIELDS["schema"]["properties"]}
    for name in ("segment", "score"):
        indexed[name] = {**indexed[name], "x-crm": {"index": True}}
    await crm.put({**FIELDS, "schema": {"properties": indexed}})
    assert await advice(kernel.database, kernel.registry, kernel.clock) == []


async def test_old_counts_go_and_a_failure_loses_none(crm: TestCrm, monkeypatch: pytest.MonkeyPatch) -> None:
    await crm.put(FIELDS)
    kernel = crm.kernel
    use, now = kernel.reader.list_use, kernel.clock.now()
    for _ in range(OFTEN):
        await ask(crm, sort="score")

    async def fails(_: Any) -> None:
        raise OSError("away")

    with monkeypatch.context() as broken:
        broken.setattr(type(kernel.database), "write", lambda _, work: fails(work))
        with pytest.raises(OSError, match="away"):
            await use.flush()
    await use.flush()
    assert len(await advice(kernel.database, kernel.registry, kernel.clock)) == 1
    monkeypatch.setattr(kernel.clock, "now", lambda: now + KEPT + timedelta(days=2))
    await ask(crm, sort="score")
    await use.flush()
    rows = await kernel.database.read("SELECT times FROM crm_list_use")
    assert [row[0] for row in rows] == [1]


async def test_counting_asks_nothing_of_the_database(crm: TestCrm) -> None:
    await crm.put(FIELDS)
    await ask(crm, sort="score")
    before = crm.kernel.database.statements
    await ask(crm, sort="score")
    assert crm.kernel.database.statements == before + 1
