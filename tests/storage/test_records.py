"""Records in their tables: every storage there and back, one statement a batch."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from crm_kernel.model import EntityModel, Model
from crm_kernel.storage.decoding import columns_sql, decoder
from crm_kernel.storage.encoding import bind_main
from crm_kernel.storage.evolution import evolve
from crm_kernel.storage.ports import Database, NotUnique
from crm_kernel.storage.records import RecordStore, unique_error

FULL: dict[str, Any] = {
    "name": "Ærø Ünal",
    "number": "C-007",
    "external_id": "x-1",
    "select": 2**53 - 1,
    "score": 0.1 + 0.2,
    "rate": Decimal("12.3400"),
    "active": False,
    "birthday": "1990-02-28",
    "called_at": "2026-03-01T10:00:00.123456Z",
    "budget": {"amount": Decimal("250000.50"), "currency": "EUR"},
    "kind": "seller",
    "company": "01890000-0000-7000-8000-0000000000c1",
    "about": "01890000-0000-7000-8000-0000000000c2",
    "labels": ["Ž", None, "b"],
    "address": {"city": "Rīga", "latitude": Decimal("56.9")},
    "anything": [],
    "stage": "new",
    "pipeline": "sales",
    "stage_since": "2026-03-01T10:00:00Z",
}


async def insert(engine: Database, store: RecordStore, model: EntityModel, *records: dict[str, Any]) -> None:
    await engine.write(lambda tx: store.insert(tx, model, records))


async def test_every_storage_there_and_back(
    database: Database, store: RecordStore, contact: EntityModel, make: SimpleNamespace
) -> None:
    full, empty = make.record(contact, 1, **FULL), make.record(contact, 2)
    await insert(database, store, contact, full | {"about__entity": "company"}, empty)
    assert await store.load(database, contact, [make.identity(1), make.identity(2)]) == [full, empty]
    loaded = (await store.load(database, contact, [make.identity(1)]))[0]
    assert list(loaded)[:3] == ["id", "version", "created_at"]
    assert [type(loaded[n]) for n in ("active", "rate", "score")] == [bool, Decimal, float]


async def test_what_is_stored(
    database: Database, store: RecordStore, contact: EntityModel, make: SimpleNamespace
) -> None:
    await insert(database, store, contact, make.record(contact, 1, **FULL) | {"about__entity": "company"})
    names = "name__fold, rate, active, called_at, budget__amount, budget__currency, about__entity, labels__fold"
    assert await database.read(f"SELECT {names} FROM e_contact") == [
        ("ærø unal", 123400, 0, "2026-03-01T10:00:00.123456", 25000050, "EUR", "company", '["z",null,"b"]')
    ]


async def test_loading_keeps_the_order_of_the_ids(
    database: Database, store: RecordStore, company: EntityModel, make: SimpleNamespace
) -> None:
    await insert(database, store, company, *(make.record(company, n) for n in range(4)))
    before = database.statements
    found = await store.load(database, company, [make.identity(n) for n in (3, 0, 3, 9)])
    assert [r["id"] for r in found] == [make.identity(3), make.identity(0)]
    assert database.statements - before == 1


async def test_loading_by_a_condition(
    database: Database, store: RecordStore, company: EntityModel, make: SimpleNamespace
) -> None:
    await insert(database, store, company, *(make.record(company, n, name=f"n{n}") for n in range(4)))
    found = await store.load_where(database, company, "t.name > ?", ("n1",), tail="ORDER BY t.name DESC LIMIT 1")
    assert [r["name"] for r in found] == ["n3"]


async def test_updates_store_the_changed_fields_only(
    database: Database, store: RecordStore, contact: EntityModel, make: SimpleNamespace
) -> None:
    records = [make.record(contact, n, **FULL | {"external_id": None}) for n in range(3)]
    await insert(database, store, contact, *records)
    changes = [
        (records[0] | {"budget": None, "version": 2, "name": "not stored"}, ("version", "budget")),
        (records[1] | {"budget": {"amount": Decimal("1"), "currency": "JPY"}, "version": 2}, ["budget", "version"]),
        (records[2] | {"name": "New", "version": 2}, {"name", "version"}),
        (records[2] | {"version": 2}, {"rotting"}),
    ]
    before = database.statements
    await database.write(lambda tx: store.update(tx, contact, changes))
    assert database.statements - before == 3  # the name is searched
    found = await store.load(database, contact, [make.identity(n) for n in range(3)])
    assert found == [
        records[0] | {"budget": None, "version": 2},
        records[1] | {"budget": {"amount": Decimal("1"), "currency": "JPY"}, "version": 2},
        records[2] | {"name": "New", "version": 2},
    ]
    assert await database.read("SELECT name__fold FROM e_contact WHERE name = 'New'") == [("new",)]


async def test_an_update_of_another_version_than_the_stored_one_changes_nothing(
    database: Database, store: RecordStore, contact: EntityModel, make: SimpleNamespace
) -> None:
    record = make.record(contact, 1)
    await insert(database, store, contact, record)
    late = record | {"external_id": "Late", "version": 3}
    await database.write(lambda tx: store.update(tx, contact, [(late, ("external_id", "version"))]))
    assert await store.load(database, contact, [record["id"]]) == [record]


async def test_purging(database: Database, store: RecordStore, company: EntityModel, make: SimpleNamespace) -> None:
    await insert(database, store, company, *(make.record(company, n) for n in range(3)))
    ids = [make.identity(n) for n in (0, 2, 7)]
    assert await database.write(lambda tx: store.purge(tx, company, ids)) == 2
    assert await store.existing_ids(database, company, [make.identity(n) for n in range(3)]) == {make.identity(1)}


async def test_ids_of_deleted_records_are_taken_too(
    database: Database, store: RecordStore, company: EntityModel, make: SimpleNamespace
) -> None:
    deleted = make.record(company, 1, deleted_at="2026-03-01T10:00:00Z")
    await insert(database, store, company, deleted, make.record(company, 2))
    ids = [make.identity(n) for n in (1, 2, 3)]
    assert await store.existing_ids(database, company, ids) == {make.identity(1), make.identity(2)}
    assert await store.existing_ids(database, company, ids, live=True) == {make.identity(2)}


@pytest.mark.contract("documents.md#x-unique")
async def test_taken_values_are_those_of_live_records(
    database: Database, store: RecordStore, contact: EntityModel, make: SimpleNamespace
) -> None:
    deleted = make.record(contact, 1, external_id="a", deleted_at="2026-03-01T10:00:00Z")
    others = [make.record(contact, 2, external_id="b"), make.record(contact, 3), make.record(contact, 4)]
    await insert(database, store, contact, deleted, *others)
    assert await store.taken(database, contact, "external_id", ["a", "b", "c", None]) == {"b": make.identity(2)}
    assert await store.taken(database, contact, "external_id", [None]) == {}
    await insert(database, store, contact, make.record(contact, 5, external_id="a"))


async def test_a_unique_index_is_the_last_guard(
    database: Database, store: RecordStore, contact: EntityModel, make: SimpleNamespace
) -> None:
    first, second = make.record(contact, 1, external_id="a"), make.record(contact, 2)
    await insert(database, store, contact, first, second)
    changed = [(second | {"external_id": "a", "version": 2}, ["external_id"])]
    for attempt, pointer in (
        (insert(database, store, contact, make.record(contact, 3, external_id="a")), "/external_id"),
        (database.write(lambda tx: store.update(tx, contact, changed)), "/external_id"),
        (insert(database, store, contact, make.record(contact, 1)), "/id"),
    ):
        with pytest.raises(NotUnique) as taken:
            await attempt
        error = unique_error({"contact": contact}, taken.value)
        assert error is not None
        assert (error.code, error.faults[0].pointer, error.faults[0].status) == ("unique", pointer, 409)
        assert unique_error({}, taken.value) is None
    with pytest.raises(NotUnique):
        await database.write(lambda tx: tx.execute("INSERT INTO e_contact (id, version) VALUES (?, 1)", (first["id"],)))
    assert len(await store.load(database, contact, [make.identity(n) for n in range(5)])) == 2


@pytest.mark.parametrize(
    "case",
    [
        ("rate", Decimal("12.3400"), Decimal("1")),
        ("called_at", "2026-03-01T10:00:00Z", "2026-03-01T10:00:01Z"),
        ("select", 5, 6),
        ("active", True, False),
        ("birthday", "1990-02-28", "1990-02-27"),
        ("name", "Ā", "A"),
    ],
)
async def test_records_are_found_by_any_scalar(
    database: Database,
    store: RecordStore,
    contact: EntityModel,
    make: SimpleNamespace,
    case: tuple[str, Any, Any],
) -> None:
    field, value, other = case
    await insert(database, store, contact, make.record(contact, 1, **{field: value}), make.record(contact, 2))
    assert await store.taken(database, contact, field, [value, other]) == {value: make.identity(1)}


async def test_keys_of_several_fields(
    database: Database, store: RecordStore, contact: EntityModel, make: SimpleNamespace
) -> None:
    rows = [("a", "buyer"), ("a", "seller"), ("b", "buyer"), ("b", "buyer")]
    await insert(
        database,
        store,
        contact,
        *(make.record(contact, n, name=name, kind=kind) for n, (name, kind) in enumerate(rows)),
    )
    keys = [("a", "seller"), ("b", "buyer"), ("b", "seller"), ("a", None)]
    before = database.statements
    assert await store.find_by_key(database, contact, ("name", "kind"), keys) == {
        ("a", "seller"): make.identity(1),
        ("b", "buyer"): make.identity(2),  # the oldest of two
    }
    assert database.statements - before == 1


async def test_records_that_refer(
    database: Database, store: RecordStore, contact: EntityModel, make: SimpleNamespace
) -> None:
    one, two = make.identity(101), make.identity(102)
    deleted = make.record(contact, 3, company=one, deleted_at="2026-03-01T10:00:00Z")
    await insert(database, store, contact, make.record(contact, 1, company=one), make.record(contact, 2), deleted)
    found = await store.referring(database, contact, "company", [one, two])
    assert [r["id"] for r in found] == [make.identity(1)]
    found = await store.referring(database, contact, "company", [one], deleted=True)
    assert [r["id"] for r in found] == [make.identity(1), make.identity(3)]


async def test_who_is_referred_to(database: Database, store: RecordStore, model: Model, make: SimpleNamespace) -> None:
    contact = model["contact"]
    ids = [make.identity(n) for n in (101, 102, 103, 104)]
    await insert(
        database,
        store,
        contact,
        make.record(contact, 1, company=ids[0]),
        make.record(contact, 2, company=ids[0], deleted_at="2026-03-01T10:00:00Z"),
        make.record(contact, 3, about=ids[1]) | {"about__entity": "company"},
        make.record(contact, 4, about=ids[2]) | {"about__entity": "contact"},
    )
    before = database.statements
    assert await store.referenced(database, model, "company", ids) == [
        (ids[0], "contact", "company"),
        (ids[1], "contact", "about"),
    ]
    assert database.statements - before == 1
    assert await store.referenced(database, {"company": make.entity("lone")}, "contact", ids) == []


async def test_answers_take_json_as_it_is_stored(
    database: Database, store: RecordStore, contact: EntityModel, make: SimpleNamespace
) -> None:
    await insert(database, store, contact, make.record(contact, 1, **FULL), make.record(contact, 2))
    fields = [contact.fields[name] for name in ("address", "labels", "about", "budget", "rotting", "id")]
    sql = f"SELECT {columns_sql(fields, database.dialect)}, 'more' FROM e_contact AS t ORDER BY id"
    rows = [decoder(fields, raw=True)(row) for row in await database.read(sql)]
    assert list(rows[0])[:1] == ["address"]
    assert rows[0]["budget"] == FULL["budget"]
    assert rows[0]["about"] == FULL["about"]
    assert msgspec.json.decode(msgspec.json.encode(rows[0]["address"])) == {"city": "Rīga", "latitude": 56.9}
    assert isinstance(rows[0]["labels"], msgspec.Raw)
    assert rows[1] == dict.fromkeys(("address", "labels", "about", "budget", "rotting")) | {"id": make.identity(2)}


async def test_statements_are_compiled_once_per_model(
    engine: Database, store: RecordStore, company: EntityModel
) -> None:
    await evolve(engine, {"company": company})
    await store.load(engine, company, [])
    kept = dict(vars(company))
    await store.load(engine, company, [])
    assert vars(company) == kept
    assert len(kept) == 1
    assert bind_main(company.fields["name"], engine.dialect)("Ā") == "Ā"
