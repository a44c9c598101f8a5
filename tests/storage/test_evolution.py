"""From the tables that are to the tables that are declared."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest

from crm_kernel.errors import Error
from crm_kernel.fields.document import ObjectType
from crm_kernel.fields.money import MoneyType
from crm_kernel.fields.number import Integer
from crm_kernel.fields.text import Text
from crm_kernel.model import EntityModel, Model
from crm_kernel.storage.evolution import DdlPlan, Step, build_indexes, ddl_plan, evolve, is_empty
from crm_kernel.storage.introspect import introspect
from crm_kernel.storage.records import RecordStore
from crm_kernel.storage.sqlite.dialect import SqliteDialect
from crm_kernel.storage.sqlite.engine import SqliteEngine
from crm_kernel.storage.tables import KERNEL_TABLES, entity_table

DIALECT = SqliteDialect()


def changes(plan: DdlPlan) -> list[tuple[str, str]]:
    return [(step.change, step.name) for step in plan.steps]


async def test_an_empty_file_gets_all_tables(engine: SqliteEngine, model: Model) -> None:
    assert await is_empty(engine)
    plan = await evolve(engine, model, DIALECT)
    assert not await is_empty(engine)
    assert {step.change for step in plan.steps} == {"create_table", "add_index"}
    assert not any(step.deferred for step in plan.steps)
    catalog = await introspect(engine)
    assert len(catalog.tables) == len(KERNEL_TABLES) + len(model)
    columns = catalog.tables["e_contact"]
    assert (columns["id"], columns["version"], columns["budget__amount"]) == ("TEXT", "INTEGER", "INTEGER")
    assert {"name__fold", "about__entity", "labels__fold", "called_at", "stage"} <= columns.keys()
    assert "rotting" not in columns


async def test_nothing_is_left_to_do(database: SqliteEngine, model: Model) -> None:
    assert await ddl_plan(model, database, DIALECT) == DdlPlan([], [])
    assert await evolve(database, model, DIALECT) == DdlPlan([], [])


async def test_only_id_and_version_are_needed(database: SqliteEngine) -> None:
    rows = await database.read("SELECT name FROM pragma_table_info('e_contact') WHERE \"notnull\"")
    assert {row[0] for row in rows} == {"id", "version"}


async def test_a_field_is_added_to_stored_records(
    database: SqliteEngine, company: EntityModel, store: RecordStore, make: SimpleNamespace
) -> None:
    await database.write(lambda tx: store.insert(tx, company, [make.record(company, 1, name="Ā")]))
    grown = make.entity(
        "company",
        *company.own_fields,
        make.field("revenue", MoneyType(), index=True),
        make.field("address", ObjectType()),
    )
    plan = await ddl_plan({"company": grown}, database, DIALECT)
    assert changes(plan) == [
        ("add_column", "revenue__amount"),
        ("add_column", "revenue__currency"),
        ("add_column", "address"),
        ("add_column", "address__fold"),
        ("add_index", "e_company__revenue__currency__revenue__amount__id_i"),
    ]
    assert [step.deferred for step in plan.steps] == [False, False, False, False, True]
    assert plan.steps[0].sql == 'ALTER TABLE "e_company" ADD COLUMN "revenue__amount" INTEGER'
    assert plan.steps[0].entity == "company"
    await evolve(database, {"company": grown}, DIALECT)
    assert await store.load(database, grown, [make.identity(1)]) == [make.record(grown, 1, name="Ā")]
    assert await ddl_plan({"company": grown}, database, DIALECT) == DdlPlan([], [])


async def test_a_removed_field_is_hidden_and_keeps_its_data(
    database: SqliteEngine, company: EntityModel, store: RecordStore, make: SimpleNamespace
) -> None:
    """architecture.md: removing a field hides it at once and keeps its data."""
    await database.write(lambda tx: store.insert(tx, company, [make.record(company, 1, name="Ā")]))
    shrunk = make.entity("company")
    plan = await ddl_plan({"company": shrunk}, database, DIALECT, before={"company": company, "gone": company})
    assert [step for step in plan.steps if step.change == "hide_column"] == [
        Step("company", "hide_column", "name", ""),
        Step("company", "hide_column", "name__fold", ""),
    ]
    done = await evolve(database, {"company": shrunk}, DIALECT)
    assert {change for change, _ in changes(done)} == {"drop_index"}
    assert await store.load(database, shrunk, [make.identity(1)]) == [make.record(shrunk, 1)]
    await evolve(database, {"company": company}, DIALECT)
    assert (await store.load(database, company, [make.identity(1)]))[0]["name"] == "Ā"


async def test_a_renamed_field_takes_its_data_along(
    database: SqliteEngine, company: EntityModel, store: RecordStore, make: SimpleNamespace
) -> None:
    await database.write(lambda tx: store.insert(tx, company, [make.record(company, 1, name="Ā")]))
    renamed = make.entity("company", make.field("title", Text(), was="name"))
    plan = await ddl_plan({"company": renamed}, database, DIALECT, before={"company": company})
    renames = [("rename_column", "title"), ("rename_column", "title__fold")]
    assert [change for change in changes(plan) if change[0] != "drop_index"] == renames
    await evolve(database, {"company": renamed}, DIALECT)
    assert (await store.load(database, renamed, [make.identity(1)]))[0]["title"] == "Ā"
    assert await ddl_plan({"company": renamed}, database, DIALECT) == DdlPlan([], [])
    both = make.entity("company", make.field("title", Text(), was="name"), make.field("name", Text()))
    plan = await ddl_plan({"company": both}, database, DIALECT)
    assert changes(plan) == [("add_column", "name"), ("add_column", "name__fold")]


async def test_a_type_never_changes(database: SqliteEngine, make: SimpleNamespace) -> None:
    other = {"company": make.entity("company", make.field("name", Integer()), make.field("more", Text()))}
    plan = await ddl_plan(other, database, DIALECT)
    assert [(fault.pointer, fault.code) for fault in plan.faults] == [("/name", "type")]
    assert "holds TEXT and would have to hold INTEGER" in plan.faults[0].detail
    with pytest.raises(Error) as refused:
        await evolve(database, other, DIALECT)
    assert refused.value.code == "plan_refused"
    assert "more" not in (await introspect(database)).tables["e_company"]


async def test_missing_indexes_are_found_again(database: SqliteEngine, model: Model) -> None:
    """An index build that was cut is simply repeated."""
    name = "e_contact__owner__created_at_d__id_i"
    await database.write(lambda tx: tx.execute(f"DROP INDEX {name}"))
    plan = await evolve(database, model, DIALECT)
    assert changes(plan) == [("add_index", name)]
    assert plan.steps[0].deferred
    assert name in (await introspect(database)).indexes["e_contact"]


async def test_an_administrators_own_index_stays(database: SqliteEngine, model: Model) -> None:
    await database.write(lambda tx: tx.execute("CREATE INDEX mine ON e_contact (score)"))
    assert await evolve(database, model, DIALECT) == DdlPlan([], [])
    assert "mine" in (await introspect(database)).indexes["e_contact"]


async def test_values_that_are_not_unique_stand_against_the_index_only(
    database: SqliteEngine, company: EntityModel, store: RecordStore, make: SimpleNamespace
) -> None:
    twice = [make.record(company, 1, name="same"), make.record(company, 2, name="same")]
    await database.write(lambda tx: store.insert(tx, company, twice))
    unique = make.entity("company", make.field("name", Text(), unique=True), make.field("size", Integer(), index=True))
    with pytest.raises(Error) as refused:
        await evolve(database, {"company": unique}, DIALECT)
    assert refused.value.code == "unique"
    assert "e_company__name_u" in refused.value.detail
    plan = await ddl_plan({"company": unique}, database, DIALECT)
    assert changes(plan) == [("add_index", "e_company__name_u")]  # all else is done
    await database.write(lambda tx: store.purge(tx, company, [make.identity(2)]))
    await build_indexes(database, plan)
    assert await ddl_plan({"company": unique}, database, DIALECT) == DdlPlan([], [])


async def test_two_processes_evolve_at_once(path: Path, model: Model) -> None:
    engines = [SqliteEngine(path) for _ in range(2)]
    for engine in engines:
        await engine.open()
    plans = await asyncio.gather(*(evolve(engine, model, DIALECT) for engine in engines))
    assert sorted(bool(plan.steps) for plan in plans) == [False, True]
    for engine in engines:
        await engine.close()


async def test_a_running_process_goes_on_beside_it(
    database: SqliteEngine, path: Path, company: EntityModel, store: RecordStore, make: SimpleNamespace
) -> None:
    assert await store.load(database, company, []) == []
    other = sqlite3.connect(path)
    other.execute("ALTER TABLE e_company ADD COLUMN more TEXT")
    other.close()
    await database.write(lambda tx: store.insert(tx, company, [make.record(company, 1)]))
    assert len(await store.load(database, company, [make.identity(1)])) == 1


def test_equal_columns_are_one_class(contact: EntityModel, make: SimpleNamespace) -> None:
    """Piccolo keeps every table class for ever."""
    again = make.entity("contact", *contact.own_fields, pipelines=("other",))
    assert entity_table(contact, DIALECT) is entity_table(again, DIALECT)
    assert entity_table(contact, DIALECT) is not entity_table(make.entity("contact"), DIALECT)
