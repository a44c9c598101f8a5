"""Tables as they will be once a plan is applied, for statements that are run before it is."""

from __future__ import annotations

import re
from collections.abc import Sequence

from crm_kernel.filters.sql import Sql, compose, join
from crm_kernel.storage.columns import quoted, table_name
from crm_kernel.storage.ddl import DdlPlan, Step, added_column
from crm_kernel.storage.ports import EngineDialect, Reads, Row

_COLUMN = re.compile(r'"([a-z0-9_]+)" ([A-Z]+(?: PRECISION)?)( COLLATE "C")?')


_AT_ONCE = 20
"""Conditions of one statement."""


async def how_many(reads: Reads, entity: str, conditions: Sequence[Sql], ddl: DdlPlan) -> int:
    """For how many live records one of some conditions on the alias `t` holds, as the plan leaves the tables.

    The values are bound already. Where there are many conditions, the ids of the records are kept meanwhile.
    """
    parts = [conditions[start : start + _AT_ONCE] for start in range(0, len(conditions), _AT_ONCE)]
    if len(parts) < 2:
        return (await _read(reads, "count(*)", entity, parts[0], ddl))[0][0] if parts else 0
    ids: set[str] = set()
    for part in parts:
        ids.update(row[0] for row in await _read(reads, "t.id", entity, part, ddl))
    return len(ids)


async def _read(reads: Reads, what: str, entity: str, conditions: Sequence[Sql], ddl: DdlPlan) -> list[Row]:
    either = join(" OR ", [compose("({})", condition) for condition in conditions])
    table = quoted(table_name(entity))
    sql = compose(f"SELECT {what} FROM {table} AS t WHERE t.deleted_at IS NULL AND ({{}})", either)
    planned = as_planned(sql, ddl, reads.dialect)
    return await reads.read(planned.text, planned.params)


def as_planned(sql: Sql, ddl: DdlPlan, dialect: EngineDialect) -> Sql:
    """The statement with the tables of entities that it reads as the plan will leave them.

    Each is named like the table itself, so the statement stays as it is; new columns are empty, new tables have no
    rows, and a renamed column has both names.
    """
    entities = {step.entity for step in ddl.steps if step.entity and quoted(table_name(step.entity)) in sql.text}
    shims = [shim for entity in sorted(entities) if (shim := _shim(entity, ddl, dialect)) is not None]
    return compose(f"WITH {', '.join(shims)} {{}}", sql) if shims else sql


def _shim(entity: str, ddl: DdlPlan, dialect: EngineDialect) -> str | None:
    steps = [step for step in ddl.steps if step.entity == entity]
    table = quoted(table_name(entity))
    made = next((step for step in steps if step.change == "create_table"), None)
    if made is not None:
        columns = ", ".join(_nothing(*column) for column in _columns(made))
        return f"{table} AS (SELECT {columns} WHERE 1 = 0)"
    renamed = {step.source for step in steps if step.change == "rename_column"}
    added: list[str] = []
    for step in steps:
        if step.change in ("add_column", "rename_column") and step.name not in renamed:
            origin = ddl.origin(entity, step.name)
            if origin is not None:
                added.append(f"{origin} AS {quoted(step.name)}")
            else:
                added += [_nothing(*column) for column in _columns(step)]
    if not added:
        return None
    # SQLite takes a name within its own definition for that definition; PostgreSQL for the table.
    schema = "main." if dialect.name == "sqlite" else ""
    return f"{table} AS (SELECT t.*, {', '.join(added)} FROM {schema}{table} AS t)"


def _nothing(name: str, kind: str, collation: str) -> str:
    """A column of a type, without a value."""
    return f"CAST(NULL AS {kind}){collation} AS {quoted(name)}"


def _columns(step: Step) -> list[tuple[str, str, str]]:
    """(column, type, collation) of the columns that a step defines."""
    text = step.sql.partition("(")[2] if step.change == "create_table" else added_column(step)
    return _COLUMN.findall(text)
