"""Activities, moves and changes of a record in one order, under the rules of each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crm_kernel import Change
from crm_kernel.callers import Caller
from crm_kernel.operations.timeline import timeline
from crm_kernel.testing import TestCrm
from tests.operations.conftest import refusal

READER = {
    "kind": "role",
    "name": "reader",
    "grants": [
        {"entity": "job", "actions": ["read"], "fields": {"deny": ["amount"]}},
        {"entity": "activity", "actions": ["read"], "where": "type = 'call'", "fields": {"deny": ["body"]}},
    ],
}
NARROW = {
    "kind": "role",
    "name": "narrow",
    "grants": [
        {"entity": "job", "actions": ["read"]},
        {"entity": "activity", "actions": ["read"], "fields": {"deny": ["about"]}},
    ],
}


async def pages(crm: TestCrm, id: str, caller: Caller, limit: int) -> list[list[dict[str, Any]]]:
    """All pages of the timeline of a job."""
    found: list[list[dict[str, Any]]] = []
    cursor = None
    while True:
        page = await timeline(crm.kernel.reader, "job", id, caller, limit=limit, cursor=cursor)
        found.append(page["items"])
        assert len(found) < 20, [words(page) for page in found]
        cursor = page["next"]
        if cursor is None:
            return found


def words(items: list[dict[str, Any]]) -> list[str]:
    """Each item in a few words."""
    return [f"{i['kind']} {i['activity']['subject'] if i['activity'] else i['change']['version']}" for i in items]


async def a_story(crm: TestCrm) -> str:
    """A job that is created, called about, changed, moved and written about, a minute each."""
    clock = crm.kernel.clock
    clock.set(datetime(2026, 3, 1, 12, tzinfo=UTC))

    async def later(change: Change[Any]) -> str:
        clock.advance(timedelta(minutes=1))
        return str((await crm.write([change]))[0]["id"])

    id = await later(Change.create("job", {"number": "A", "amount": 1}))
    await later(Change.create("activity", {"type": "call", "subject": "c1", "body": "b", "about": id}))
    await later(Change.update("job", id, {"amount": 2, "due": "2026-03-01"}))
    await later(Change.create("activity", {"type": "note", "subject": "n1", "about": id}))
    await later(Change.move("job", id, "lost", reason="too dear"))
    await later(Change.create("activity", {"type": "call", "subject": "c2", "about": id}))
    gone = await later(Change.create("activity", {"type": "call", "subject": "gone", "about": id}))
    await later(Change.delete("activity", gone))
    other = await later(Change.create("job", {"number": "B"}))
    await later(Change.create("activity", {"type": "call", "subject": "other", "about": other}))
    return id


WHOLE = ["activity c2", "move 3", "activity n1", "change 2", "activity c1", "change 1"]


@pytest.mark.contract("http-api.md#timeline")
@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 50])
async def test_all_in_one_order_page_by_page(crm: TestCrm, limit: int) -> None:
    id = await a_story(crm)
    found = await pages(crm, id, crm.kernel.system("api"), limit)
    assert words([item for page in found for item in page]) == WHOLE
    assert all(len(page) == limit for page in found[:-1])
    (move,) = (item for page in found for item in page if item["kind"] == "move")
    assert (move["change"]["move"]["to"], move["activity"]) == ("lost", None)
    assert move["at"] == move["change"]["at"]


async def test_what_happens_at_one_moment_is_told_once(crm: TestCrm) -> None:
    crm.kernel.clock.set(datetime(2026, 3, 1, 12, tzinfo=UTC))
    id = str((await crm.write([Change.create("job", {"number": "A"})]))[0]["id"])
    calls = [Change.create("activity", {"type": "call", "subject": f"{n}", "about": id}) for n in range(5)]
    await crm.write([*calls, Change.update("job", id, {"amount": 1})])
    found = await pages(crm, id, crm.kernel.system("api"), 2)
    told = words([item for page in found for item in page])
    assert sorted(told) == sorted(["change 1", "change 2", *(f"activity {n}" for n in range(5))])


@pytest.mark.contract("http-api.md#timeline-rules")
async def test_rules_of_rows_and_fields_hold(crm: TestCrm) -> None:
    await crm.put(READER)
    await crm.put(NARROW)
    id = await a_story(crm)
    anna, ned = await crm.user("anna", "reader"), await crm.user("ned", "narrow")
    found = await pages(crm, id, anna, 2)
    items = [item for page in found for item in page]
    assert words(items) == [w for w in WHOLE if w != "activity n1"]
    assert all("body" not in item["activity"] for item in items if item["activity"])
    assert next(set(i["change"]["changes"]) for i in items if i["kind"] == "change") == {"due"}
    assert words((await pages(crm, id, ned, 50))[0]) == ["move 3", "change 2", "change 1"]
    clerk = await crm.user("cleo", "clerk")  # sees none of the jobs
    assert (await refusal(timeline(crm.kernel.reader, "job", id, clerk, limit=5, cursor=None))).code == "not_found"


async def test_an_activity_is_left_out_where_its_moment_is_hidden(crm: TestCrm) -> None:
    whole = {"entity": "activity", "actions": ["read"], "where": "type = 'note'"}
    timeless = {"entity": "activity", "actions": ["read"], "fields": {"deny": ["created_at"]}}
    grants = [{"entity": "job", "actions": ["read"]}, whole, timeless]
    await crm.put({"kind": "role", "name": "timeless", "grants": grants})
    found = await pages(crm, await a_story(crm), await crm.user("tim", "timeless"), 2)
    assert words([item for page in found for item in page]) == ["move 3", "activity n1", "change 2", "change 1"]


async def test_a_cursor_of_another_record_or_user_is_none(crm: TestCrm) -> None:
    id = await a_story(crm)
    reader, system = crm.kernel.reader, crm.kernel.system("api")
    cursor = (await timeline(reader, "job", id, system, limit=1, cursor=None))["next"]
    admin = await crm.user("root", "admin")
    assert (await refusal(timeline(reader, "job", id, admin, limit=1, cursor=cursor))).code == "bad_cursor"
    other = str((await crm.find("job", "number = 'B'"))[0]["id"])
    assert (await refusal(timeline(reader, "job", other, system, limit=1, cursor=cursor))).code == "bad_cursor"


async def test_as_many_statements_whatever_is_on_it(crm: TestCrm) -> None:
    await crm.put(READER)
    id = await a_story(crm)
    anna, database = await crm.user("anna", "reader"), crm.kernel.database
    taken: list[int] = []
    for limit in (1, 50):
        before = database.statements
        await timeline(crm.kernel.reader, "job", id, anna, limit=limit, cursor=None)
        taken.append(database.statements - before)
    assert taken[0] == taken[1] <= 5
