"""Search: what is found is what a look at every readable word finds, and nothing hidden shows in any answer."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest

from crm_kernel import Change
from crm_kernel.callers import Caller
from crm_kernel.fields.folding import words
from crm_kernel.operations.answers import encode
from crm_kernel.operations.list_query import ListQuery
from crm_kernel.operations.search import search
from crm_kernel.storage import search_index
from crm_kernel.testing import TestCrm
from tests.operations.conftest import refusal

NOTE: dict[str, Any] = {
    "kind": "entity",
    "name": "note",
    "title": "{subject} {about.subject}",
    "schema": {
        "properties": {
            "subject": {"type": "string"},
            "body": {"type": "string", "x-crm": {"search": True}},
            "inside": {"type": "string", "x-crm": {"search": True}},
            "secret": {"type": "string", "x-crm": {"search": True, "sensitive": True}},
            "aside": {"type": "string"},
            "about": {"type": "string", "x-crm": {"reference": "note"}},
        }
    },
}
READER: dict[str, Any] = {
    "kind": "role",
    "name": "reader",
    "grants": [
        {"entity": "note", "actions": ["read"], "where": "aside = 'open'", "fields": {"read": ["subject", "body"]}},
        {"entity": "note", "actions": ["read"], "where": "owner = @me"},
    ],
}
WORDS = ["Ābele", "ābols", "Łódź", "Қазақстан", "Қаз", "Ёлка", "елка", "O'Brien", "straße", "42", "4x4", "_a_b"]


@pytest.fixture
def crm_documents() -> Sequence[Mapping[str, Any]]:
    return [NOTE, READER]


async def add(crm: TestCrm, *rows: dict[str, Any]) -> list[str]:
    return [r["id"] for r in await crm.write([Change.create("note", row) for row in rows])]


async def ids(crm: TestCrm, caller: Caller, q: str, **more: Any) -> list[str]:
    page = await crm.kernel.reader.list("note", caller, ListQuery(q=q, limit=500, **more))
    return [item["id"] for item in page.items]


def has(texts: list[str | None], q: str) -> bool:
    """By hand: each word of q is a word of one of the texts, the last as the beginning of one."""
    *whole, last = words(q)
    found = [word for text in texts if text for word in words(text)]
    return all(word in found for word in whole) and any(word.startswith(last) for word in found)


@pytest.mark.parametrize("many", [search_index.MANY, 0], ids=["by the index", "in their own order"])
async def test_search_agrees_with_a_look_at_every_readable_word(
    crm: TestCrm, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    monkeypatch.setattr(search_index, "MANY", many)
    chance = random.Random(7)
    reader = await crm.user("reader", "reader")
    rows = [
        {name: " ".join(chance.choices(WORDS, k=3)) for name in ("subject", "body", "inside", "secret")}
        | {"aside": chance.choice(["open", "closed"]), "owner": chance.choice([reader.id, None])}
        for _ in range(60)
    ]
    stored = dict(zip(await add(crm, *rows), rows, strict=True))
    system = crm.kernel.system("api")
    for _ in range(60):
        q = " ".join(chance.choices([*WORDS, "abo", "ka", "ķaz"], k=chance.choice([1, 1, 2, 3])))
        seen = {
            id: ["subject", "body", *(["inside"] if row["owner"] else [])]
            for id, row in stored.items()
            if row["owner"] or row["aside"] == "open"
        }
        expected = {id for id, names in seen.items() if has([stored[id][name] for name in names], q)}
        assert set(await ids(crm, reader, q)) == expected, q
        everything = {id for id, row in stored.items() if has([row[n] for n in ("subject", "body", "inside")], q)}
        assert set(await ids(crm, system, q)) == everything, q
        page = await crm.kernel.reader.list("note", reader, ListQuery(q=q, count="exact", limit=1))
        assert page.count == len(expected)


async def test_changing_hidden_values_changes_no_byte_of_an_answer(crm: TestCrm) -> None:
    reader = await crm.user("reader", "reader")
    shown, hidden = await add(
        crm,
        {"subject": "Anna first", "inside": "alpha", "secret": "alpha", "aside": "open"},
        {"subject": "Anna second", "body": "alpha", "aside": "closed"},
    )

    async def answers() -> list[bytes]:
        found = [encode(await search(crm.kernel.reader, q, reader)) for q in ("anna", "alpha", "beta", "a")]
        lists = [ListQuery(q=q, count="exact", limit=1, fields=("subject",)) for q in ("anna", "alpha", "beta")]
        pages = [await crm.kernel.reader.list_answer("note", reader, query) for query in lists]
        return [*found, *[re.sub(rb'"version":\d+', b"", page) for page in pages]]  # each write makes a version

    before = await answers()
    assert b"Anna first" in before[0]
    await crm.write([Change.update("note", hidden, {"subject": "Anna beta", "body": "beta anna"})])
    assert await answers() == before
    await crm.write([Change.update("note", shown, {"inside": "beta anna", "secret": "beta anna"})])
    assert await answers() == before


async def test_search_shows_title_and_snippet_as_far_as_they_may_be_read(crm: TestCrm) -> None:
    reader = await crm.user("reader", "reader")
    (target,) = await add(crm, {"subject": "Hidden", "aside": "closed"})
    long = "x " * 200 + "Ābele stands here" + " y" * 200
    (id,) = await add(crm, {"subject": "Seen", "body": long, "about": target, "aside": "open"})
    (item,) = (await search(crm.kernel.reader, "abel", reader))["items"]
    assert item["entity"] == "note"
    assert (item["id"], item["title"]) == (id, "Seen")
    assert "Ābele stands here" in item["snippet"]
    assert len(item["snippet"]) <= 162
    (item,) = (await search(crm.kernel.reader, "abel", crm.kernel.system("api")))["items"]
    assert item["title"] == "Seen Hidden"


async def test_q_with_filter_sort_and_a_cursor_bound_to_it(crm: TestCrm) -> None:
    await add(crm, *({"subject": f"Anna {n}", "aside": str(n % 2)} for n in range(6)), {"subject": "Ilze"})
    system, read = crm.kernel.system("api"), crm.kernel.reader.list
    query = ListQuery(q="anna", filter="aside = '1'", sort="-subject", limit=2)
    first = await read("note", system, query)
    assert [item["subject"] for item in first.items] == ["Anna 5", "Anna 3"]
    following = await read("note", system, msgspec.structs.replace(query, cursor=first.next))
    assert [item["subject"] for item in following.items] == ["Anna 1"]
    other = msgspec.structs.replace(query, q="ann", cursor=first.next)
    assert (await refusal(read("note", system, other))).code == "bad_cursor"


@pytest.mark.parametrize(
    "q",
    ["'", '"', "a'b", 'a" OR "b', "NEAR(a b)", "a*", "-a", "a AND", "\0", "a\0b", "%", "_", "?", "[a", "\\", "🦊",
     "ﷺ" * 90, "a" * 10_000, "ab " * 4_000, "(" * 10_000, ":*", "a:b", "!&|<->"],
)  # fmt: skip
async def test_any_text_is_a_search(crm: TestCrm, q: str) -> None:
    await add(crm, {"subject": "plain words only"})
    assert isinstance(await ids(crm, crm.kernel.system("api"), q), list)
    assert isinstance((await search(crm.kernel.reader, q, crm.kernel.system("api")))["items"], list)


async def test_what_is_behind_the_limits_is_not_read_and_no_word_narrows_nothing(crm: TestCrm) -> None:
    (id,) = await add(crm, {"subject": "anna " + "b" * 300})
    system = crm.kernel.system("api")
    assert await ids(crm, system, "anna " + "b" * 300 + " nothing") == [id]
    assert await ids(crm, system, "!!") == [id]
    assert await search(crm.kernel.reader, "!!", system) == {"items": []}


async def test_search_costs_the_same_number_of_statements_whatever_is_found(crm: TestCrm) -> None:
    system, database = crm.kernel.system("api"), crm.kernel.database
    counted: list[int] = []
    for _ in range(2):
        before = database.statements
        await search(crm.kernel.reader, "anna", system)
        counted.append(database.statements - before)
        await add(crm, *({"subject": f"Anna {n}"} for n in range(20)))
    assert counted[0] == counted[1] == 2 * len(crm.kernel.reader.searched(system))
    before = database.statements
    assert len(await ids(crm, system, "anna")) == 40
    assert database.statements - before == 2
    assert len((await search(crm.kernel.reader, "anna", system))["items"]) == 10


async def test_a_field_that_becomes_searched_is_searched_at_once(crm: TestCrm) -> None:
    (id,) = await add(crm, {"subject": "s", "aside": "Maria"})
    system = crm.kernel.system("api")
    assert await ids(crm, system, "maria") == []
    changed = {**NOTE["schema"]["properties"], "aside": {"type": "string", "x-crm": {"search": True}}}
    await crm.put({**NOTE, "schema": {"properties": changed}})
    assert await ids(crm, system, "maria") == [id]
