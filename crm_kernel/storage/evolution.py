"""From the tables that are to the tables that are declared.

`ddl_plan` compares and changes nothing; `evolve` brings the database there. Tables and columns come in one
transaction: adding a column changes no row. An index does read all rows: each is built after that in a transaction of
its own, and one that is missing after a crash is simply found missing again. Nothing stored is ever removed here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Literal, NamedTuple

from piccolo.table import Table

from crm_kernel.errors import Error, Fault
from crm_kernel.model import EntityModel, Model
from crm_kernel.storage import search_index
from crm_kernel.storage.columns import entity_columns, field_columns, quoted
from crm_kernel.storage.indexes import Index, entity_indexes, is_ours
from crm_kernel.storage.introspect import Catalog, introspect
from crm_kernel.storage.ports import Database, EngineDialect, NotUnique, Reads, Tx
from crm_kernel.storage.search_index import SearchIndex
from crm_kernel.storage.table_shapes import TableShape, entity_table, shape
from crm_kernel.storage.tables import KERNEL_TABLES

_ASIDE = "__aside"
APPLYING = "crm:apply"
"""The lock under which tables change."""


class Step(NamedTuple):
    """One change of the database.

    `entity` is None for the kernel's own tables, `sql` "" where nothing is run, `deferred` where it reads all rows and
    is run after the transaction. An index of words (`search`) is made in the transaction, and filled after it if
    deferred.
    """

    entity: str | None
    change: Literal["create_table", "add_column", "rename_column", "hide_column", "add_index", "drop_index"]
    name: str
    sql: str
    deferred: bool = False
    search: SearchIndex | None = None


class DdlPlan(NamedTuple):
    """What has to be done, in order, and what cannot be done."""

    steps: list[Step]
    faults: list[Fault]


class _Declared(NamedTuple):
    """A table as it should be; `renames`: column → the name it had; `search`: its index of words."""

    entity: str | None
    shape: TableShape
    indexes: list[Index]
    renames: dict[str, str]
    search: SearchIndex | None = None


async def ddl_plan(
    model: Model,
    database: Reads,
    *,
    before: Model | None = None,
    aside: Collection[tuple[str, str]] = (),
) -> DdlPlan:
    """The steps from the database to `model` and the kernel's tables.

    `aside`: (entity, field) whose stored columns belong to a document although a plugin has taken the name: they are
    renamed once, to `<column>__aside`, and keep their data.

    With `before`, the model that ran until now, its columns that are no longer declared are `hide_column` steps: they
    run nothing, for the data stays until `crm purge`. A column that would change its type is a fault.
    """
    catalog = await introspect(database)
    plan = DdlPlan([], [])
    for declared in _all_declared(model, database.dialect):
        _set_aside(declared, catalog, {field for entity, field in aside if entity == declared.entity}, plan)
        _compare(declared, catalog, plan, database.dialect)
    plan.steps.extend(_hidden(before or {}, model, plan))
    return plan


async def is_empty(database: Reads) -> bool:
    """Whether nothing was ever applied to the database."""
    return "crm_document" not in (await introspect(database)).tables


async def evolve(database: Database, model: Model, *, aside: Collection[tuple[str, str]] = ()) -> DdlPlan:
    """Bring the database to `model`; what was done. Safe beside other processes, and to be repeated.

    Raises `Error("plan_refused")` with the faults before anything is changed, `Error("unique")` where stored values
    stand against a unique index (all other steps are done then).
    """

    async def work(tx: Tx) -> DdlPlan:
        await tx.lock(APPLYING)  # another process may have been faster: so compare under the lock
        plan = await ddl_plan(model, tx, aside=aside)
        await apply_steps(tx, plan)
        return plan

    plan = await database.write(work)
    await build_indexes(database, plan)
    return plan


async def apply_steps(tx: Tx, plan: DdlPlan) -> None:
    """Run all steps of a plan but the deferred ones inside the caller's transaction.

    Raises `Error("plan_refused")` where the plan has faults.
    """
    if plan.faults:
        raise Error("plan_refused", faults=plan.faults)
    for step in plan.steps:
        if step.search is not None:
            await _apply_search(tx, step.search, step)
        elif step.sql and not step.deferred:
            await tx.execute(step.sql)


async def _apply_search(tx: Tx, index: SearchIndex, step: Step) -> None:
    if step.change == "drop_index":
        await search_index.drop(tx, index.name)
    elif step.sql:  # else it was made before, and is only to be filled
        await search_index.make(tx, index, whole=not step.deferred)


async def build_indexes(database: Database, plan: DdlPlan) -> None:
    """Run the deferred steps, each in a transaction of its own.

    Raises `Error("unique")` naming each index that stored values stand against, after all others were built.
    """
    faults: list[Fault] = []
    for step in plan.steps:
        if step.deferred and step.search is not None:
            await search_index.fill(database, step.search)
        elif step.deferred:
            try:
                await database.build_index(step.name, step.sql)
            except NotUnique:
                what = f"Stored {step.entity} records have equal values: the index {step.name} cannot be built."
                faults.append(Fault(pointer="", code="unique", detail=what, status=409))
    if faults:
        raise Error("unique", faults=faults)


def _all_declared(model: Model, dialect: EngineDialect) -> Iterator[_Declared]:
    for table, indexes in KERNEL_TABLES.items():
        yield _Declared(None, shape(table, dialect), list(indexes), {})
    for entity in model.values():
        table: type[Table] = entity_table(entity, dialect)
        indexes = entity_indexes(entity, both_ways=dialect.both_ways)
        search = search_index.search_index(entity)
        yield _Declared(entity.name, shape(table, dialect), indexes, _renames(entity), search)


def _renames(entity: EntityModel) -> dict[str, str]:
    """Columns whose field says what it was called, unless another field has taken that name."""
    return {
        column.name: field.options.was + column.name.removeprefix(field.name)
        for field in entity.fields.values()
        if field.options.was and field.options.was not in entity.fields
        for column in field_columns(field)
    }


def _set_aside(declared: _Declared, catalog: Catalog, fields: Collection[str], plan: DdlPlan) -> None:
    """Rename the columns of fields whose name a plugin has taken, where that was not done before."""
    table = declared.shape.name
    there = catalog.tables.get(table, {})
    for name in [n for n in there if n.partition("__")[0] in fields and not n.endswith(_ASIDE)]:
        if name + _ASIDE not in there:
            sql = f"ALTER TABLE {quoted(table)} RENAME COLUMN {quoted(name)} TO {quoted(name + _ASIDE)}"
            plan.steps.append(Step(declared.entity, "rename_column", name + _ASIDE, sql))
            there[name + _ASIDE] = there.pop(name)


def _compare(declared: _Declared, catalog: Catalog, plan: DdlPlan, dialect: EngineDialect) -> None:
    entity, wanted, renames = declared.entity, declared.shape, declared.renames
    there = catalog.tables.get(wanted.name)
    if there is None:
        columns = ", ".join(column.ddl for column in wanted.columns)
        plan.steps.append(Step(entity, "create_table", wanted.name, f"CREATE TABLE {quoted(wanted.name)} ({columns})"))
    else:
        there = dict(there)
        for column in wanted.columns:
            old = renames.get(column.name)
            if column.name not in there and old is not None and old in there:
                there[column.name] = there.pop(old)
                sql = f"ALTER TABLE {quoted(wanted.name)} RENAME COLUMN {quoted(old)} TO {quoted(column.name)}"
                plan.steps.append(Step(entity, "rename_column", column.name, sql))
            if column.name not in there:
                sql = f"ALTER TABLE {quoted(wanted.name)} ADD COLUMN {column.ddl}"
                plan.steps.append(Step(entity, "add_column", column.name, sql))
            elif there[column.name] != column.type:
                plan.faults.append(_type_fault(wanted.name, column.name, there[column.name], column.type))
    _compare_indexes(declared, catalog, plan, dialect, fresh=there is None)
    if entity is not None:
        _compare_search(declared, catalog, plan, dialect, fresh=there is None)


def _compare_indexes(
    declared: _Declared, catalog: Catalog, plan: DdlPlan, dialect: EngineDialect, *, fresh: bool
) -> None:
    entity, table = declared.entity, declared.shape.name
    there = catalog.indexes.get(table, set())
    wanted = {index.name: index for index in declared.indexes}
    for name in sorted(there - wanted.keys()):
        if is_ours(table, name):  # a unique field that no longer is one must not be held to it
            plan.steps.append(Step(entity, "drop_index", name, f"DROP INDEX IF EXISTS {quoted(name)}"))
    for name, index in wanted.items():
        if name not in there:
            sql = index.sql() if fresh else index.sql(dialect.create_online)
            plan.steps.append(Step(entity, "add_index", name, sql, deferred=not fresh))


def _compare_search(
    declared: _Declared, catalog: Catalog, plan: DdlPlan, dialect: EngineDialect, *, fresh: bool
) -> None:
    """The index of words: made where it is not there or is of other columns, filled where it is not whole."""
    wanted = declared.search or SearchIndex(declared.shape.name, ())
    state = catalog.searches.get(wanted.name)
    if declared.search is None:
        if state is not None:
            sql = ";\n".join(dialect.search_drop(wanted.name))
            plan.steps.append(Step(declared.entity, "drop_index", wanted.name, sql, search=wanted))
    elif state is None or state.columns != wanted.columns:
        sql = ";\n".join(search_index.ddl(dialect, wanted))
        plan.steps.append(Step(declared.entity, "add_index", wanted.name, sql, deferred=not fresh, search=wanted))
    elif state.filled is not None:
        plan.steps.append(Step(declared.entity, "add_index", wanted.name, "", deferred=True, search=wanted))


def _hidden(before: Model, model: Model, plan: DdlPlan) -> list[Step]:
    renamed = {(step.entity, step.name) for step in plan.steps if step.change == "rename_column"}
    steps: list[Step] = []
    for name, entity in before.items():
        if name not in model:
            continue
        kept = {column.name for column in entity_columns(model[name])}
        kept |= {old for new, old in _renames(model[name]).items() if (name, new) in renamed}
        gone = (column.name for column in entity_columns(entity) if column.name not in kept)
        steps += [Step(name, "hide_column", column, "") for column in gone]
    return steps


def _type_fault(table: str, column: str, stored: str, wanted: str) -> Fault:
    detail = f"{table}.{column} holds {stored} and would have to hold {wanted}: the type of a field never changes."
    hint = "Give the field another name; the old one keeps its data."
    return Fault(pointer=f"/{column.partition('__')[0]}", code="type", detail=detail, hint=hint)
