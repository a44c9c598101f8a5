"""Measures the records that refer to others: one statement for all rollups over the same reference."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from crm_kernel.fields.base import Kind
from crm_kernel.filters.environment import Environment
from crm_kernel.filters.sql import Sql, compose, join, param
from crm_kernel.filters.sql_parts import Cursor, member_of
from crm_kernel.filters.to_sql import Compiler, bind
from crm_kernel.formulas.rollup import Rollup
from crm_kernel.storage.columns import quoted, table_name
from crm_kernel.storage.ports import EngineDialect, Tx
from crm_kernel.storage.select import ALIAS, IDS, LIVE, with_ids

_COLUMNS = 6
"""Of each rollup, as `Rollup.value` takes them."""


async def measure(
    tx: Tx, rollups: Sequence[Rollup], ids: Iterable[str], environment: Environment
) -> dict[str, dict[str, Any]]:
    """id → canonical value of each of some `rollups` that measure the same records by the same reference."""
    wanted = list(ids)
    found = {id: {rollup.name: rollup.empty for rollup in rollups} for id in wanted}
    if not wanted:
        return found
    sql = _statement(tuple(rollups), tx.dialect)
    params = with_ids(sql.params, tx.dialect.encode_list(wanted, "uuid"))
    for id, *columns in await tx.read(sql.text, bind(params, environment)):
        for number, rollup in enumerate(rollups):
            found[id][rollup.name] = rollup.value(columns[number * _COLUMNS : (number + 1) * _COLUMNS])
    return found


@lru_cache(256)
def _statement(rollups: tuple[Rollup, ...], dialect: EngineDialect) -> Sql:
    """Each rollup in six columns: how many, their sum, least and greatest, first and last currency."""
    first, compiler = rollups[0], Compiler(dialect)
    reference = Sql(f"{ALIAS}.{quoted(first.reference)}")
    inner = [compose('{} AS "#"', reference)]
    outer = [Sql('"#"')]
    for number, rollup in enumerate(rollups):
        inner += _values(rollup, number, compiler)
        outer += _aggregates(rollup, number, dialect)
    conditions = [compose(f"{{}} {dialect.one_of}", reference)._replace(params=(IDS,)), LIVE]
    if first.to_any:
        conditions.append(compose(f"{ALIAS}.{quoted(first.reference + '__entity')} = {{}}", param(first.entity)))
    table = f"{quoted(table_name(first.child))} AS {ALIAS}"
    base = compose(f"SELECT {{}} FROM {table} WHERE {{}}", join(", ", inner), join(" AND ", conditions))
    return compose('SELECT {} FROM ({}) AS base GROUP BY "#"', join(", ", outer), base)


def _values(rollup: Rollup, number: int, compiler: Compiler) -> list[Sql]:
    """What is measured of each record, null where it does not count; of money its currency too."""
    place, cursor = rollup.place, Cursor(ALIAS)
    values = [Sql("1")]
    if place is not None:
        is_money = place.kind is Kind.MONEY or place.money
        names = ("amount", "currency") if is_money else ()
        values = [compiler.scalar(member_of(place, n), cursor) for n in names] or [compiler.scalar(place, cursor)]
    if rollup.where is not None:
        where = compiler.condition(rollup.where.root, cursor)
        values = [compose("CASE WHEN {} THEN {} END", where, value) for value in values]
    return [compose(f'{{}} AS "#{kind}{number}"', value) for kind, value in zip("vc", values, strict=False)]


def _aggregates(rollup: Rollup, number: int, dialect: EngineDialect) -> list[Sql]:
    value, currency, place = f'"#v{number}"', f'"#c{number}"', rollup.place
    found = [f"count({value})", *["NULL"] * (_COLUMNS - 1)]
    if place is None:
        return [Sql(column) for column in found]
    if rollup.measure in ("sum", "avg"):
        found[1] = f"sum({value})" if place.kind is Kind.NUMBER else dialect.total(value)
    elif rollup.measure in ("min", "max"):
        found[2 if rollup.measure == "min" else 3] = dialect.select(f"{rollup.measure}({value})", place.storage)
    if place.kind is Kind.MONEY or place.money:
        found[4:] = [f"min({currency})", f"max({currency})"]
    return [Sql(column) for column in found]
