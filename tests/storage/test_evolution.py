"""From the tables that are to the tables that are declared."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from crm_kernel.errors import Error
from crm_kernel.fields.boolean import Boolean
from crm_kernel.fields.document import ObjectType
from crm_kernel.fields.money import MoneyType
from crm_kernel.fields.number import Integer
from crm_kernel.fields.text import Text
from crm_kernel.model import EntityModel, Model
from crm_kernel.storage.ddl import DdlPlan, Step
from crm_kernel.storage.evolution import build_indexes, ddl_plan, evolve, is_empty
from crm_kernel.storage.introspect import introspect
from crm_kernel.storage.ports import Database
from crm_kernel.storage.records import RecordStore
from crm_kernel.storage.sqlite_dialect import SqliteDialect
from crm_kernel.storage.table_shapes import entity_table
from crm_kernel.storage.tables import KERNEL_TABLES


def changes(plan: DdlPlan) -> list[tuple[str, str]]:
    return [(step.change, step.name) for step in plan.steps]


async def test_an_empty_file_gets_all_tables(engine: Database, model: Model) -> None:
    assert await is_empty(engine)
    plan = await evolve(engine, model)
    assert not await is_empty(engine)
    assert {step.change for step in plan.steps} == {"create_table", "add_index"}
    assert not any(step.deferred for step in plan.steps)
    catalog = await introspect(engine)
    assert len([name for name in catalog.tables if not name.startswith("search_")]) == len(KERNEL_TABLES) + len(model)
    columns = catalog.tables["e_contact"]
    text, integer = (engine.dialect.column_type(storage).upper() for storage in ("text", "integer"))
    assert (columns["id"], columns["version"], columns["budget__amount"]) == (text, integer, integer)
    assert {"name__fold", "about__entity", "labels__fold", "called_at", "stage"} <= columns.keys()
    assert "rotting" not in columns


async def test_nothing_is_left_to_do(database: Database, model: Model) -> None:
    assert await ddl_plan(model, database) == DdlPlan([], [])
    assert await evolve(database, model) == DdlPlan([], [])


async def test_only_id_and_version_are_needed(database: Database) -> None:
    await database.write(lambda tx: tx.execute("INSERT INTO e_contact (id, version) VALUES ('x', 1)"))
    assert await database.read("SELECT count(*) FROM e_contact") == [(1,)]


DESCENDING = "e_company__revenue__currency_l__revenue__amount_l__id_i"


async def test_a_field_is_added_to_stored_records(
    database: Database, company: EntityModel, store: RecordStore, make: SimpleNamespace
) -> None:
    await database.write(lambda tx: store.insert(tx, company, [make.record(company, 1, name="Ā")]))
    grown = make.entity(
        "company",
        *company.own_fields,
        make.field("revenue", MoneyType(), index=True),
        make.field("address", ObjectType()),
    )
    plan = await ddl_plan({"company": grown}, database)
    assert changes(plan) == [
        ("add_column", "revenue__amount"),
        ("add_column", "revenue__currency"),
        ("add_column", "address"),
        ("add_column", "address__fold"),
        ("add_index", "e_company__revenue__currency__revenue__amount__id_i"),
        *([] if database.dialect.both_ways else [("add_index", DESCENDING)]),
    ]
    assert [step.deferred for step in plan.steps[:5]] == [False, False, False, False, True]
    integer = database.dialect.column_type("integer")
    assert plan.steps[0].sql == f'ALTER TABLE "e_company" ADD COLUMN "revenue__amount" {integer}'
    assert plan.steps[0].entity == "company"
    await evolve(database, {"company": grown})
    assert await store.load(database, grown, [make.identity(1)]) == [make.record(grown, 1, name="Ā")]
    assert await ddl_plan({"company": grown}, database) == DdlPlan([], [])


async def test_many_fields_are_added_in_one_statement_where_the_engine_can(
    database: Database, company: EntityModel, model: Model, store: RecordStore, make: SimpleNamespace
) -> None:
    await database.write(lambda tx: store.insert(tx, company, [make.record(company, 1, name="Ā")]))
    many = [make.field(f"f{n}", (Integer, Boolean, Text)[n % 3]()) for n in range(300)]
    contact = make.entity("contact", *model["contact"].own_fields, make.field("late", Integer()))
    renamed = make.entity("company", make.field("title", Text(), was="name"), *many)
    grown = {"company": renamed, "contact": contact}
    plan = await ddl_plan(grown, database)
    assert len([step for step in plan.steps if step.change == "add_column"]) == 401  # texts have a second column
    before = database.statements
    await evolve(database, grown)
    others = 60  # looking what there is, indexes
    assert 0 <= database.statements - before - (401 if database.dialect.name == "sqlite" else 2) < others
    assert await store.load(database, renamed, [make.identity(1)]) == [make.record(renamed, 1, title="Ā")]
    assert await ddl_plan(grown, database) == DdlPlan([], [])


async def test_a_removed_field_is_hidden_and_keeps_its_data(
    database: Database, company: EntityModel, store: RecordStore, make: SimpleNamespace
) -> None:
    """architecture.md: removing a field hides it at once and keeps its data."""
    await database.write(lambda tx: store.insert(tx, company, [make.record(company, 1, name="Ā")]))
    shrunk = make.entity("company")
    plan = await ddl_plan({"company": shrunk}, database, before={"company": company, "gone": company})
    assert [step for step in plan.steps if step.change == "hide_column"] == [
        Step("company", "hide_column", "name", ""),
        Step("company", "hide_column", "name__fold", ""),
    ]
    done = await evolve(database, {"company": shrunk})
    assert {change for change, _ in changes(done)} == {"drop_index"}
    assert await store.load(database, shrunk, [make.identity(1)]) == [make.record(shrunk, 1)]
    await evolve(database, {"company": company})
    assert (await store.load(database, company, [make.identity(1)]))[0]["name"] == "Ā"


async def test_a_renamed_field_takes_its_data_along(
    database: Database, company: EntityModel, store: RecordStore, make: SimpleNamespace
) -> None:
    await database.write(lambda tx: store.insert(tx, company, [make.record(company, 1, name="Ā")]))
    renamed = make.entity("company", make.field("title", Text(), was="name"))
    plan = await ddl_plan({"company": renamed}, database, before={"company": company})
    renames = [("rename_column", "title"), ("rename_column", "title__fold")]
    assert [change for change in changes(plan) if change[0] != "drop_index"] == renames
    await evolve(database, {"company": renamed})
    assert (await store.load(database, renamed, [make.identity(1)]))[0]["title"] == "Ā"
    assert await ddl_plan({"company": renamed}, database) == DdlPlan([], [])
    both = make.entity("company", make.field("title", Text(), was="name"), make.field("name", Text()))
    plan = await ddl_plan({"company": both}, database)
    assert changes(plan) == [("add_column", "name"), ("add_column", "name__fold"), ("add_index", "search_company")]


async def test_a_type_never_changes(database: Database, make: SimpleNamespace) -> None:
    other = {"company": make.entity("company", make.field("name", Integer()), make.field("more", Text()))}
    plan = await ddl_plan(other, database)
    assert [(fault.pointer, fault.code) for fault in plan.faults] == [("/name", "type")]
    text, integer = (database.dialect.column_type(storage).upper() for storage in ("text", "integer"))
    assert f"holds {text} and would have to hold {integer}" in plan.faults[0].detail
    with pytest.raises(Error) as refused:
        await evolve(database, other)
    assert refused.value.code == "plan_refused"
    assert "more" not in (await introspect(database)).tables["e_company"]


async def test_numbers_never_become_yes_or_no(database: Database, make: SimpleNamespace) -> None:
    other = {"contact": make.entity("contact", make.field("select", Boolean()))}
    plan = await ddl_plan(other, database)
    assert [(fault.pointer, fault.code) for fault in plan.faults] == [("/select", "type")]


async def test_missing_indexes_are_found_again(database: Database, model: Model) -> None:
    """An index build that was cut is simply repeated."""
    name = "e_contact__owner__created_at_d__id_i"
    await database.write(lambda tx: tx.execute(f"DROP INDEX {name}"))
    plan = await evolve(database, model)
    assert changes(plan) == [("add_index", name)]
    assert plan.steps[0].deferred
    assert name in (await introspect(database)).indexes["e_contact"]


async def test_an_administrators_own_index_stays(database: Database, model: Model) -> None:
    await database.write(lambda tx: tx.execute("CREATE INDEX mine ON e_contact (score)"))
    assert await evolve(database, model) == DdlPlan([], [])
    assert "mine" in (await introspect(database)).indexes["e_contact"]


async def test_values_that_are_not_unique_stand_against_the_index_only(
    database: Database, company: EntityModel, store: RecordStore, make: SimpleNamespace
) -> None:
    twice = [make.record(company, 1, name="same"), make.record(company, 2, name="same")]
    await database.write(lambda tx: store.insert(tx, company, twice))
    unique = make.entity("company", make.field("name", Text(), unique=True), make.field("size", Integer(), index=True))
    with pytest.raises(Error) as refused:
        await evolve(database, {"company": unique})
    assert refused.value.code == "unique"
    assert "e_company__name_u" in refused.value.detail
    plan = await ddl_plan({"company": unique}, database)
    assert changes(plan) == [("add_index", "e_company__name_u")]  # all else is done
    await database.write(lambda tx: store.purge(tx, company, [make.identity(2)]))
    await build_indexes(database, plan)
    assert await ddl_plan({"company": unique}, database) == DdlPlan([], [])


async def test_two_processes_evolve_at_once(engine: Database, other: Database, model: Model) -> None:
    plans = await asyncio.gather(*(evolve(one, model) for one in (engine, other)))
    assert sorted(bool(plan.steps) for plan in plans) == [False, True]


async def test_a_running_process_goes_on_beside_it(
    database: Database, other: Database, company: EntityModel, store: RecordStore, make: SimpleNamespace
) -> None:
    assert await store.load(database, company, []) == []
    await other.write(lambda tx: tx.execute("ALTER TABLE e_company ADD COLUMN more TEXT"))
    await database.write(lambda tx: store.insert(tx, company, [make.record(company, 1)]))
    assert len(await store.load(database, company, [make.identity(1)])) == 1


def test_equal_columns_are_one_class(contact: EntityModel, make: SimpleNamespace) -> None:
    """Piccolo keeps every table class for ever."""
    dialect = SqliteDialect()
    again = make.entity("contact", *contact.own_fields, pipelines=("other",))
    assert entity_table(contact, dialect) is entity_table(again, dialect)
    assert entity_table(contact, dialect) is not entity_table(make.entity("contact"), dialect)
