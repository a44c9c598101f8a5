"""`GET /api/events`: the feed of what has happened, as its reader may see it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.api.conftest import Office


async def events(office: Office, who: str, after: str | None = None, **asked: Any) -> dict[str, Any]:
    answer = await office(who, "GET", "/api/events", params={"after": after, **asked} if after else asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def now(office: Office) -> str:
    """The place behind all that has happened."""
    return (await events(office, "ann", limit=500))["next"]


@pytest.mark.contract("http-api.md#events")
async def test_events_come_in_order_and_next_goes_on(office: Office) -> None:
    place = await now(office)
    contact = await office.contact(budget=7)
    path = f"/api/records/contact/{contact['id']}"
    changed = await office("bob", "PATCH", path, json={"budget": 8})
    assert changed.status_code == 200
    first = await events(office, "ann", place, limit=1)
    second = await events(office, "ann", first["next"])
    [created], [updated] = first["items"], second["items"]
    assert set(created) == {
        "seq", "id", "type", "entity", "record", "version", "at", "actor", "channel", "changed",
    }  # fmt: skip
    assert (created["type"], created["record"], created["version"]) == ("record.created", contact["id"], 1)
    assert (updated["type"], updated["changed"], updated["channel"]) == ("record.updated", ["budget"], "api")
    assert updated["seq"] > created["seq"]
    assert await events(office, "ann", second["next"]) == {"items": [], "next": second["next"]}


@pytest.mark.contract("http-api.md#events")
async def test_a_reader_sees_events_of_records_he_may_read_and_no_hidden_field(office: Office) -> None:
    place = await now(office)
    shown = await office.contact(language="lv", budget=7)
    await office.contact(language="pl")
    await office("bob", "PATCH", f"/api/records/contact/{shown['id']}", json={"budget": 8, "last_name": "Ozola"})
    told = await events(office, "cid", place)
    assert [(e["type"], e["record"]) for e in told["items"]] == [
        ("record.created", shown["id"]), ("record.updated", shown["id"]),
    ]  # fmt: skip
    assert set(told["items"][1]["changed"]) == {"last_name", "name"}
    assert told["next"] == f"e{told['items'][-1]['seq']}"
    assert await events(office, "dan", place) == {"items": [], "next": place}


async def test_a_deleted_record_is_told_and_a_purged_one_to_who_reads_all(office: Office) -> None:
    place = await now(office)
    contact = await office.contact(language="lv")
    path = f"/api/records/contact/{contact['id']}"
    assert (await office("ann", "DELETE", path)).status_code == 204
    assert [e["type"] for e in (await events(office, "cid", place))["items"]] == ["record.created", "record.deleted"]
    assert (await office("ann", "DELETE", path, params={"purge": "true"})).status_code == 204
    assert (await events(office, "cid", place))["items"] == []
    told = (await events(office, "ann", place))["items"]
    assert {e["record"] for e in told} == {contact["id"]}


async def test_who_may_read_little_gets_it_in_few_answers(office: Office) -> None:
    place = await now(office)
    many = [{"create": {"values": {"first_name": "P", "language": "pl"}}} for _ in range(2500)]
    mine = {"create": {"values": {"first_name": "L", "language": "lv"}}}
    await office("bob", "POST", "/api/records/contact/batch", json={"changes": [*many, mine]})
    first = await events(office, "cid", place)
    assert (first["items"], first["next"] != place) == ([], True)
    assert len((await events(office, "cid", first["next"]))["items"]) == 1


@pytest.mark.contract("http-api.md#events")
async def test_nothing_is_skipped_while_others_write(office: Office) -> None:
    place, seen, done = await now(office), list[str](), asyncio.Event()

    async def write(number: int) -> str:
        return (await office.contact(first_name=f"c{number}"))["id"]

    async def follow() -> None:
        nonlocal place
        while True:
            ended = done.is_set()
            told = await events(office, "ann", place, limit=7)
            seen.extend(e["record"] for e in told["items"])
            if ended and place == told["next"]:
                return
            place = told["next"]
            await asyncio.sleep(0)

    following = asyncio.create_task(follow())
    written = await asyncio.gather(*(write(n) for n in range(60)))
    done.set()
    await following
    assert sorted(seen) == sorted(written)


@pytest.mark.parametrize("after", ["7", "e", "e-1", "e" + "9" * 30, "e1\n"])
async def test_a_place_that_is_none_is_refused(office: Office, after: str) -> None:
    answer = await office("ann", "GET", "/api/events", params={"after": after})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")
