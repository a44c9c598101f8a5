"""From the tables that are to the tables that are declared.

`ddl_plan` compares and changes nothing; `evolve` brings the database there. Tables and columns come in one
transaction: adding a column changes no row. An index does read all rows: each is built after that in a transaction of
its own, and one that is missing after a crash is simply found missing again. Nothing stored is ever removed here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from piccolo.table import Table

from crm_kernel.errors import Error, Fault
from crm_kernel.model import EntityModel, Model
from crm_kernel.storage import search_index
from crm_kernel.storage.columns import entity_columns, field_columns, quoted
from crm_kernel.storage.ddl import ASIDE, DdlPlan, Step, add_step, is_retired, joined, rename_step, retired
from crm_kernel.storage.indexes import Index, entity_indexes, is_ours
from crm_kernel.storage.introspect import Catalog, indexed_columns, introspect
from crm_kernel.storage.ports import Database, EngineDialect, NotUnique, Reads, Tx
from crm_kernel.storage.search_steps import apply_search, search_steps
from crm_kernel.storage.table_shapes import TableShape, entity_table, shape
from crm_kernel.storage.tables import KERNEL_TABLES

APPLYING = "crm:apply"
"""The lock under which tables change."""

Names = Collection[tuple[str, str]]
"""(entity, field)."""
Converted = Collection[tuple[str, str, str]]
"""(entity, field of another type, what it is called from now on)."""


class _Declared(NamedTuple):
    """A table as it should be; `renames`: column → the name it had."""

    entity: str | None
    shape: TableShape
    indexes: list[Index]
    renames: dict[str, str]


class _Moved(NamedTuple):
    """Fields of one table whose stored values go elsewhere; of the converted ones their columns, by the new name."""

    aside: Collection[str] = ()
    adopted: Collection[str] = ()
    converted: Mapping[str, Collection[str]] = {}


async def ddl_plan(
    model: Model,
    database: Reads,
    *,
    before: Model | None = None,
    aside: Names = (),
    adopted: Names = (),
    converted: Converted = (),
) -> DdlPlan:
    """The steps from the database to `model` and the kernel's tables.

    `aside`: fields whose stored columns belong to a document although a plugin has taken the name: they are renamed
    once, to `<column>__off`, and keep their data. `adopted`: fields of a plugin that take over what was set aside.
    `converted`: fields that change their type; their columns are renamed to `<column>__o<n>` and keep their data
    too, and a step `convert` stands for filling the new ones.

    With `before`, the model that ran until now, its columns that are no longer declared are `hide_column` steps: they
    run nothing, for the data stays until `crm purge`. A column that would change its type otherwise is a fault.
    """
    catalog = await introspect(database)
    plan = DdlPlan([], [])
    indexed: dict[str, dict[str, set[str]]] | None = None
    for declared in _all_declared(model, database.dialect):
        table, first = declared.shape.name, len(plan.steps)
        there = dict(catalog.tables[table]) if table in catalog.tables else None
        if there is None:
            columns = ", ".join(column.ddl for column in declared.shape.columns)
            plan.steps.append(Step(declared.entity, "create_table", table, f"CREATE TABLE {quoted(table)} ({columns})"))
        else:
            moved = _moved(declared.entity, before, aside, adopted, converted)
            _make_way(declared, there, moved, plan)
            _compare(declared, there, plan)
            plan.steps.extend(Step(declared.entity, "convert", new, "") for new in moved.converted)
        renamed = {step.source for step in plan.steps[first:] if step.change == "rename_column"}
        if renamed and indexed is None:
            indexed = await indexed_columns(database)
        stale = {name for name, used in (indexed or {}).get(table, {}).items() if used & renamed}
        _compare_indexes(declared, catalog, stale, plan, database.dialect, fresh=there is None)
        if declared.entity is not None:
            state = catalog.searches.get(search_index.name_of(declared.entity))
            steps = plan.steps[first:]
            plan.steps.extend(search_steps(model[declared.entity], state, steps, database.dialect, fresh=there is None))
    plan.steps.extend(_hidden(before or {}, model, plan))
    return plan


async def is_empty(database: Reads) -> bool:
    """Whether nothing was ever applied to the database."""
    return "crm_document" not in (await introspect(database)).tables


async def evolve(database: Database, model: Model, *, aside: Names = ()) -> DdlPlan:
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
    for step in joined(plan.steps, tx.dialect):
        if step.search is not None:
            await apply_search(tx, step.search, step)
        elif step.sql and not step.deferred:
            await tx.execute(step.sql)


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
        yield _Declared(
            entity.name, shape(table, dialect), entity_indexes(entity, both_ways=dialect.both_ways), _renames(entity)
        )


def _renames(entity: EntityModel) -> dict[str, str]:
    """Columns whose field says what it was called: that column, or what was set aside of it for a plugin."""
    return {
        column.name: field.options.was
        + column.name.removeprefix(field.name)
        + (ASIDE if field.options.was in entity.fields else "")
        for field in entity.fields.values()
        if field.options.was
        for column in field_columns(field)
    }


def _moved(entity: str | None, before: Model | None, aside: Names, adopted: Names, converted: Converted) -> _Moved:
    def mine(names: Names) -> list[str]:
        return [field for owner, field in names if owner == entity]

    old = (before or {}).get(entity or "")
    columns = {
        new: [column.name for column in field_columns(old.fields[name])]
        for owner, name, new in converted
        if old is not None and owner == entity
    }
    return _Moved(mine(aside), mine(adopted), columns)


def _make_way(declared: _Declared, there: dict[str, str], moved: _Moved, plan: DdlPlan) -> None:
    """Rename the columns whose names others get: of fields that a plugin has taken, and of another type."""

    def rename(old: str, new: str) -> None:
        plan.steps.append(rename_step(declared.entity, declared.shape.name, old, new))
        there[new] = there.pop(old)

    for name in [n for n in there if n.partition("__")[0] in moved.aside and not is_retired(n)]:
        if name + ASIDE not in there:
            rename(name, name + ASIDE)
    for columns in moved.converted.values():
        number = next(n for n in range(1, len(there) + 2) if not any(retired(c, n) in there for c in columns))
        for name in columns:
            if name in there:
                rename(name, retired(name, number))
    for field in moved.adopted:
        for name in [n for n in there if n.partition("__")[0] == field and n.endswith(ASIDE)]:
            _adopt(declared, name, there, plan)


def _adopt(declared: _Declared, aside: str, there: dict[str, str], plan: DdlPlan) -> None:
    """Let a plugin's column have what was set aside for it, where it has nothing itself."""
    entity, table, name = declared.entity, declared.shape.name, aside.removesuffix(ASIDE)
    column = next((c for c in declared.shape.columns if c.name == name), None)
    if column is None or column.type != there[aside]:
        return
    if name not in there:
        plan.steps.append(rename_step(entity, table, aside, name))
        there[name] = there.pop(aside)
        return
    kept = retired(name, next(n for n in range(1, len(there) + 2) if retired(name, n) not in there))
    plan.steps.append(rename_step(entity, table, aside, kept))
    there[kept] = there.pop(aside)
    sql = f"UPDATE {quoted(table)} SET {quoted(name)} = {quoted(kept)} WHERE {quoted(name)} IS NULL"
    plan.steps.append(Step(entity, "adopt", name, sql, source=kept))


def _compare(declared: _Declared, there: dict[str, str], plan: DdlPlan) -> None:
    entity, wanted, _, renames = declared
    for column in wanted.columns:
        old = renames.get(column.name)
        if column.name not in there and old is not None and old in there:
            there[column.name] = there.pop(old)
            plan.steps.append(rename_step(entity, wanted.name, old, column.name))
        if column.name not in there:
            plan.steps.append(add_step(entity, wanted.name, column.name, column.ddl))
        elif there[column.name] != column.type:
            plan.faults.append(_type_fault(wanted.name, column.name, there[column.name], column.type))


def _compare_indexes(
    declared: _Declared, catalog: Catalog, stale: set[str], plan: DdlPlan, dialect: EngineDialect, *, fresh: bool
) -> None:
    """`stale`: indexes of columns that are renamed. They would keep names that say something else."""
    entity, table = declared.entity, declared.shape.name
    there = catalog.indexes.get(table, set())
    wanted = {index.name: index for index in declared.indexes}
    for name in sorted((there - wanted.keys()) | (there & stale)):
        if is_ours(table, name):  # a unique field that no longer is one must not be held to it
            plan.steps.append(Step(entity, "drop_index", name, f"DROP INDEX IF EXISTS {quoted(name)}"))
    for name, index in wanted.items():
        if name not in there or name in stale:
            sql = index.sql() if fresh else index.sql(dialect.create_online)
            plan.steps.append(Step(entity, "add_index", name, sql, deferred=not fresh))


def _hidden(before: Model, model: Model, plan: DdlPlan) -> list[Step]:
    renamed: dict[str | None, set[str]] = {}
    for step in plan.steps:
        if step.change == "rename_column":
            renamed.setdefault(step.entity, set()).add(step.source)
    steps: list[Step] = []
    for name, entity in before.items():
        if name not in model:
            continue
        kept = {column.name for column in entity_columns(model[name])} | renamed.get(name, set())
        gone = (column.name for column in entity_columns(entity) if column.name not in kept)
        steps += [Step(name, "hide_column", column, "") for column in gone]
    return steps


def _type_fault(table: str, column: str, stored: str, wanted: str) -> Fault:
    detail = f"{table}.{column} holds {stored} and would have to hold {wanted}: the type of a field never changes."
    hint = "Say how values are converted, or give the field another name; the old one keeps its data."
    return Fault(pointer=f"/{column.partition('__')[0]}", code="type", detail=detail, hint=hint)
