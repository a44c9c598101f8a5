"""The index of words: it has the words of each record as they are stored, and is whole only when it says so."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from crm_kernel.fields.text import Text
from crm_kernel.model import EntityModel
from crm_kernel.storage import search_index
from crm_kernel.storage.content import contents
from crm_kernel.storage.evolution import ddl_plan, evolve
from crm_kernel.storage.ports import Database, Tx
from crm_kernel.storage.records import RecordStore
from crm_kernel.storage.search_index import LONGEST, MOST, SearchIndex, candidates

WORDS = ["anna", "ann", "berzins", "anna.berzins@example.lv", "+37129123456", "лодзь", "łodz", "қазақстан", "4x4"]


async def found(database: Database, index: SearchIndex, *words: str) -> set[str]:
    """The ids of the candidates."""
    ids = candidates(database.dialect, index, words).ids
    rows = await database.read(ids.text, ids.params)
    assert len(rows) == len({id for (id,) in rows})
    return {id for (id,) in rows}


async def is_whole(database: Database, index: SearchIndex) -> bool:
    """Whether a search for what nobody has is told that there are few."""
    many = candidates(database.dialect, index, ("nobody",)).has_many
    return not (await database.read(f"SELECT {many.text}", many.params))[0][0]


def index_of(model: EntityModel) -> SearchIndex:
    index = search_index.search_index(model)
    assert index is not None
    return index


async def test_the_index_follows_each_write(
    database: Database, company: EntityModel, store: RecordStore, make: SimpleNamespace
) -> None:
    """Among more records than SQLite lets wait; some are changed and removed before they are merged, some after."""
    chance, index = random.Random(3), index_of(company)
    stored: dict[str, str | None] = {}

    def named() -> str | None:
        return " ".join(chance.choices(WORDS, k=2)) if chance.random() < 0.9 else None

    async def step(tx: Tx, first: int) -> None:
        new = [make.record(company, n, name=named()) for n in range(first, first + 40)]
        await store.insert(tx, company, new)
        stored.update({record["id"]: record["name"] for record in new})
        versions = {r["id"]: r["version"] for r in await store.load(tx, company, stored)}
        changed = chance.sample(sorted(stored), 15)
        records = [
            make.record(company, 0, name=named()) | {"id": id, "version": versions[id] + 1, "created_at": None}
            for id in changed
        ]
        await store.update(tx, company, [(record, ["name", "version"]) for record in records])
        stored.update({record["id"]: record["name"] for record in records})
        gone = chance.sample(sorted(stored), 8)
        assert await store.purge(tx, company, gone) == len(gone)
        for id in gone:
            del stored[id]

    for first in range(1, 640, 40):
        await database.write(lambda tx, first=first: step(tx, first))
    for word in ["anna", "ann", "an", "berzins", "example", "37129", "қаз", "lodz", "nobody"]:
        whole = {id for id, name in stored.items() if name and word in _words(name)}
        begun = {id for id, name in stored.items() if name and any(w.startswith(word) for w in _words(name))}
        assert await found(database, index, word) == begun, word
        with_anna = {id for id in whole if "anna" in _words(stored[id] or "")}
        assert await found(database, index, word, "anna") == with_anna, word


def _words(name: str) -> list[str]:
    return search_index.words_of(Text().to_columns(name)[1:]).split()


@pytest.mark.parametrize(
    ("name", "wanted", "is_found"),
    [
        ("x" * 300, ("x" * 200,), True),
        ("x" * 300, ("x" * LONGEST, "x" * 200), True),
        ("x" * 300, ("x" * 63 + "y" * 9,), False),
        ("x" * LONGEST, ("x" * LONGEST,), True),
        (" ".join(f"{n:x}" for n in range(MOST // 3)), ("beef", "anything"), True),
        ("_ a_b", ("b", "a"), True),
    ],
)  # fmt: skip
async def test_what_is_too_long_is_a_candidate(
    engine: Database, store: RecordStore, make: SimpleNamespace, name: str, wanted: Sequence[str], is_found: bool
) -> None:
    company = make.entity("company", make.field("name", Text()))
    await evolve(engine, {"company": company})
    record = make.record(company, 1, name=name)
    await engine.write(lambda tx: store.insert(tx, company, [record]))
    assert await found(engine, index_of(company), *wanted) == ({record["id"]} if is_found else set())


async def test_a_build_that_breaks_off_goes_on(
    database: Database,
    company: EntityModel,
    store: RecordStore,
    make: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wider = make.entity("company", company.fields["name"], make.field("note", Text(), search=True))
    hidden = make.entity("company", company.fields["name"], make.field("note", Text()))
    await evolve(database, {"company": hidden})
    records = [make.record(hidden, n, name="anna", note=f"note{n}") for n in range(1, 8)]
    await database.write(lambda tx: store.insert(tx, hidden, records))
    monkeypatch.setattr(search_index, "_BATCH", 3)
    fill_some, steps = search_index._fill_some, 0

    async def breaks_off(tx: Tx, index: SearchIndex) -> bool:
        nonlocal steps
        steps += 1
        if steps == 2:
            raise KeyboardInterrupt
        return await fill_some(tx, index)

    monkeypatch.setattr(search_index, "_fill_some", breaks_off)
    with pytest.raises(KeyboardInterrupt):
        await evolve(database, {"company": wider})
    index = index_of(wider)
    assert not await is_whole(database, index)
    (pending,) = (await ddl_plan({"company": wider}, database)).steps
    assert (pending.change, pending.name, pending.sql, pending.deferred) == ("add_index", "search_company", "", True)
    assert len(await found(database, index, "anna")) == 3
    stale = {**records[1], "note": "stale", "version": 2}
    await database.write(lambda tx: store.update(tx, hidden, [(stale, ["note", "version"])]))
    await database.write(lambda tx: _told(tx, stale))
    await evolve(database, {"company": wider})
    assert await is_whole(database, index)
    assert await found(database, index, "anna") == {record["id"] for record in records}
    assert await found(database, index, "stale") == {stale["id"]}
    assert await found(database, index, "note2") == set()
    assert (await ddl_plan({"company": wider}, database)).steps == []


async def _told(tx: Tx, record: Mapping[str, Any]) -> None:
    """Its event, as the write door stores it, from which is known who wrote without knowing of the index."""
    names = "id, type, entity, record, version, at, channel, changed, depth"
    values = ("e", "record.updated", "company", record["id"], 2, "2026-03-01T10:00:00Z", "api", "[]", 0)
    await tx.execute(f"INSERT INTO crm_outbox ({names}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)


async def test_an_index_of_nothing_goes(database: Database, company: EntityModel, make: SimpleNamespace) -> None:
    assert await is_whole(database, index_of(company))
    shown = (await contents(database)).searches
    assert index_of(company) in shown
    await evolve(database, {"company": make.entity("company")})
    assert index_of(company) not in (await contents(database)).searches
    await evolve(database, {"company": company})
    assert await is_whole(database, index_of(company))
