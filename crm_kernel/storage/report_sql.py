"""One SQL statement for one report: its rows and, before them, the totals.

The statement is built of common tables: `base` (the values of each record), `ranked` (places of values in their order,
for medians), `grouped` (one row a group), `kept` (what `having` leaves, numbered in order).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from crm_kernel.fields.base import Kind, Storage
from crm_kernel.filters import moments
from crm_kernel.filters.dialect import Dialect
from crm_kernel.filters.expression import Expression, Place, Some
from crm_kernel.filters.scope import NOTHING, Rows
from crm_kernel.filters.sql import Sql, compose, join, param
from crm_kernel.filters.sql_parts import FALSE, Cursor, member_of
from crm_kernel.filters.to_sql import Compiler
from crm_kernel.model import EntityModel
from crm_kernel.pipelines import Pipeline
from crm_kernel.report_columns import Group, Measure
from crm_kernel.reports import FINER, ResolvedReport
from crm_kernel.storage.columns import quoted, table_name
from crm_kernel.storage.indexes import entity_indexes
from crm_kernel.storage.stays_sql import stays_sql

_PLACE = '"#"'
_LIVE = Sql('t."deleted_at" IS NULL')
_FROM_GROUPS = frozenset({"count", "sum", "avg", "min", "max"})


class ReportSql(NamedTuple):
    """The statement; its rows are `place, groups…, measures…`, totals first with place 0.

    A measure of money takes three columns: value, first and last currency; every other column is one.
    """

    sql: Sql
    report: ResolvedReport


def report_sql(report: ResolvedReport, dialect: Dialect, model: EntityModel, rows: Rows, zone: str) -> ReportSql:
    """The statement for the rows of `model` that `rows` gives, days being those of `zone` (an IANA name).

    It asks for one row more than the report's limit, so that a cut is seen.
    """
    table = Sql(_table(report, dialect, model, rows))
    return ReportSql(_Builder(report, dialect, table, [_LIVE, *_conditions(rows, dialect)], zone).statement(), report)


def stage_report_sql(
    report: ResolvedReport, dialect: Dialect, pipeline: Pipeline, rows: Rows, told: Iterable[Place], zone: str
) -> ReportSql:
    """The statement over the stays of the records that `rows` gives, on which every place of `told` is readable."""
    stays = stays_sql(pipeline, rows, told, Compiler(dialect))
    return ReportSql(_Builder(report, dialect, stays, [], zone).statement(), report)


def _conditions(rows: Rows, dialect: Dialect) -> list[Sql]:
    if rows is NOTHING:
        return [FALSE]
    return [] if rows is None else [Compiler(dialect).condition(rows.root, Cursor("t"))]


def _table(report: ResolvedReport, dialect: Dialect, model: EntityModel, rows: Rows) -> str:
    """The entity's table; without its indexes where all of it is read, and no index holds all that is wanted.

    SQLite would group in the order of an index and look up each row: 100 ms for 100,000 contacts against 57, and
    under "own and my teams" 88 against 31. A filter, or one key that rows are found by, is left to its planner.
    """
    table = f"{quoted(table_name(model.name))} AS t"
    rules = rows.root if isinstance(rows, Expression) else None
    whole = report.filter is None and (rules is None or isinstance(rules, Some))
    return dialect.whole(table) if whole and (rules or not _is_in_an_index(report, model)) else table


def _is_in_an_index(report: ResolvedReport, model: EntityModel) -> bool:
    if any(measure.where is not None for measure in report.measures):
        return False
    places = [column.place for column in report.columns if column.place is not None]
    wanted = {place.steps[0].field if place.steps else place.field for place in places}
    indexes = (index.columns for index in entity_indexes(model) if index.live is not False)
    return any(wanted <= {re.split("__| ", column)[0] for column in columns} for columns in indexes)


class _Builder:
    def __init__(self, report: ResolvedReport, dialect: Dialect, table: Sql, where: Sequence[Sql], zone: str) -> None:
        self._report = report
        self._dialect = dialect
        self._table = table
        self._rows = where
        self._zone = zone
        self._compiler = Compiler(dialect)
        self._medians = [i for i, m in enumerate(report.measures) if m.how == "median"]
        self._keys = [Sql(_inner(f"g{i}")) for i in range(len(report.groups))]

    def statement(self) -> Sql:
        base, tables = self._base(), list[tuple[str, Sql]]()
        if self._medians:
            tables.append(("ranked", self._ranked(base)))
            source = Sql("ranked")
        elif self._from_groups:
            # A subquery, as SQLite would write a common table to a temporary one (100,000 rows: 40 ms).
            source = compose("({}) AS base", base)
        else:
            tables.append(("base", base))
            source = Sql("base")
        tables += [("grouped", self._grouped(source)), ("kept", self._kept())]
        totals = self._totals(Sql("grouped") if self._from_groups else source)
        shown = compose(
            f"SELECT {{}} FROM kept WHERE {_PLACE} <= {{}}", self._shown(), param(self._report.document.limit + 1)
        )
        parts = [compose(f"{name} AS ({{}})", table) for name, table in tables]
        return compose("WITH {} SELECT * FROM ({} UNION ALL {}) AS answer ORDER BY 1", join(", ", parts), totals, shown)

    @property
    def _from_groups(self) -> bool:
        """Whether totals can be made of the groups, so that records are read once."""
        return all(measure.how in _FROM_GROUPS for measure in self._report.measures)

    # ---- the records --------------------------------------------------------------------------------------------
    def _base(self) -> Sql:
        columns = [_as("1", "#")]
        for index, group in enumerate(self._report.groups):
            columns += _named(self._group_values(group), f"g{index}", ("", "f"))
        for index, measure in enumerate(self._report.measures):
            columns += _named(self._counted_values(measure), f"m{index}", ("", "c"))
        return compose("SELECT {} FROM {} WHERE {}", join(", ", columns), self._table, self._where())

    def _where(self) -> Sql:
        conditions = [*self._rows]
        if self._report.filter is not None:
            conditions.append(self._compiler.condition(self._report.filter.root, Cursor("t")))
        return join(" AND ", conditions) if conditions else Sql("1 = 1")

    def _scalar(self, place: Place, *, folded: bool = False) -> Sql:
        return self._compiler.scalar(place, Cursor("t"), folded=folded)

    def _group_values(self, group: Group) -> list[Sql]:
        value = self._scalar(group.place)
        if group.by is None:
            folds = group.kind is Kind.TEXT and group.place.fold
            return [value, self._scalar(group.place, folded=True)] if folds else [value]
        if group.place.kind is Kind.MOMENT:
            value = self._dialect.day(value, moments.segments(self._zone))
        return [self._dialect.bucket(value, group.by)]

    def _counted_values(self, measure: Measure) -> list[Sql]:
        """What a measure is over, null for the records that it leaves out; nothing where it counts all of them."""
        if measure.where is None:
            return [] if measure.place is None else self._measure_values(measure, measure.place)
        values = [Sql("1")] if measure.place is None else self._measure_values(measure, measure.place)
        condition = self._compiler.condition(measure.where.root, Cursor("t"))
        return [compose("CASE WHEN {} THEN {} END", condition, value) for value in values]

    def _measure_values(self, measure: Measure, place: Place) -> list[Sql]:
        if place.kind is not Kind.MONEY:
            return [self._scalar(place)]
        amount, currency = (self._scalar(member_of(place, name)) for name in ("amount", "currency"))
        if measure.how == "count_distinct":
            return [compose("{} || ' ' || {}", currency, amount)]
        return [amount, currency]

    def _ranked(self, base: Sql) -> Sql:
        columns = [Sql("base.*")]
        for index in self._medians:
            value = _inner(f"m{index}")
            for mark, keys in (("", self._keys), ("t", [])):
                by = compose("PARTITION BY {}", join(", ", keys)) if keys else Sql("")
                order = f"ORDER BY {value} IS NULL, {value}"
                columns.append(compose(f"row_number() OVER ({{}} {order}) AS {_inner(f'r{mark}{index}')}", by))
                columns.append(compose(f"count({value}) OVER ({{}}) AS {_inner(f'n{mark}{index}')}", by))
        return compose("SELECT {} FROM ({}) AS base", join(", ", columns), base)

    # ---- the groups ---------------------------------------------------------------------------------------------
    def _grouped(self, source: Sql) -> Sql:
        columns: list[Sql] = []
        for index, group in enumerate(self._report.groups):
            columns.append(_as(_inner(f"g{index}"), group.name))
            if group.kind is Kind.TEXT:
                folded = _inner(f"g{index}f" if group.place.fold else f"g{index}")
                columns.append(_as(f"max({folded})", f"{group.name}__fold"))
        for index, measure in enumerate(self._report.measures):
            columns += self._aggregates(index, measure, "")
        grouping = f" GROUP BY {', '.join(map(str, self._keys))}" if self._keys else ""
        return compose(f"SELECT {{}} FROM {{}}{grouping}", join(", ", columns), source)

    def _aggregates(self, index: int, measure: Measure, mark: str) -> list[Sql]:
        """The columns of one measure; for an average also what it is made of, so that totals can be made of groups."""
        value, name = _inner(f"m{index}"), measure.name
        found: list[Sql] = []
        match measure.how:
            case "count":
                found = [_as("count(*)" if measure.where is None else f"count({value})", name)]
            case "count_distinct":
                found = [_as(f"count(DISTINCT {value})", name)]
            case "sum":
                found = [_as(_sum(self._dialect, value, measure.kind), _main(measure))]
            case "min" | "max":
                found = [_as(f"{measure.how}({value})", _main(measure))]
            case "avg":
                total, count = _sum(self._dialect, value, _summed(measure)), f"count({value})"
                found = [_as(_mean(self._dialect, total, count, measure), _main(measure))]
                found += [_as(total, f"{name}__sum"), _as(count, f"{name}__count")]
            case "median":
                place, count = _inner(f"r{mark}{index}"), _inner(f"n{mark}{index}")
                middle = f"CASE WHEN {place} IN (({count} + 1) / 2, ({count} + 2) / 2) THEN {value} END"
                total = _sum(self._dialect, middle, _summed(measure))
                found = [_as(_mean(self._dialect, total, f"count({middle})", measure), _main(measure))]
        if measure.is_money:
            currency = f"CASE WHEN {value} IS NOT NULL THEN {_inner(f'm{index}c')} END"
            found += [_as(f"min({currency})", f"{name}__currency"), _as(f"max({currency})", f"{name}__last")]
        return found

    def _kept(self) -> Sql:
        having = self._report.having
        where = compose(" WHERE {}", self._compiler.condition(having.root, Cursor("g"))) if having else Sql("")
        return compose(
            f"SELECT g.*, row_number() OVER (ORDER BY {{}}) AS {_PLACE} FROM grouped AS g{{}}", self._order(), where
        )

    def _order(self) -> Sql:
        wanted = [*self._report.order]
        named = {key.column for key in wanted}
        columns = {column.name: column for column in self._report.columns}
        keys = [(columns[key.column], key.descending) for key in wanted]
        keys += [(group, False) for group in self._report.groups if group.name not in named]
        parts = [
            compose(f"{{}}{' DESC' if descending else ''} NULLS LAST", sql)
            for column, descending in keys
            for sql in _sort_keys(column)
        ]
        return join(", ", parts) if parts else Sql("1")

    # ---- what is answered ---------------------------------------------------------------------------------------
    def _shown(self) -> Sql:
        columns = [Sql(_PLACE)]
        columns += [self._selected(group.name, _storage(group.kind)) for group in self._report.groups]
        for measure in self._report.measures:
            columns += self._measure_columns(measure)
        return join(", ", columns)

    def _selected(self, name: str, storage: Storage) -> Sql:
        return Sql(f"{self._dialect.select(_quoted(name), storage)} AS {_quoted(name)}")

    def _measure_columns(self, measure: Measure) -> list[Sql]:
        if measure.is_money:
            suffixes = ("__amount", "__currency", "__last")
            return [Sql(_quoted(measure.name + suffix)) for suffix in suffixes]
        return [self._selected(measure.name, _storage(measure.kind))]

    def _totals(self, source: Sql) -> Sql:
        """The measures over all records, made of the groups or of the records."""
        if self._from_groups:
            columns = [column for measure in self._report.measures for column in _joined(self._dialect, measure)]
        else:
            columns = [c for index, m in enumerate(self._report.measures) for c in self._aggregates(index, m, "t")]
        inner = compose("SELECT {} FROM {}", join(", ", columns), source)
        shown = [_as("0", "#"), *(Sql(f"NULL AS {_quoted(g.name)}") for g in self._report.groups)]
        for measure in self._report.measures:
            shown += self._measure_columns(measure)
        return compose("SELECT {} FROM ({}) AS total", join(", ", shown), inner)


def _joined(dialect: Dialect, measure: Measure) -> list[Sql]:
    """A measure over all groups, of the measures of the groups."""
    name, main = measure.name, _quoted(_main(measure))
    found: list[Sql] = []
    match measure.how:
        case "count":
            found = [_as(f"coalesce(sum({main}), 0)", name)]
        case "sum":
            found = [_as(_sum(dialect, main, measure.kind), _main(measure))]
        case "avg":
            total, count = _sum(dialect, _quoted(f"{name}__sum"), _summed(measure)), f"sum({_quoted(f'{name}__count')})"
            found = [_as(_mean(dialect, total, count, measure), _main(measure))]
        case how:
            found = [_as(f"{how}({main})", _main(measure))]
    if measure.is_money:
        first, last = _quoted(f"{name}__currency"), _quoted(f"{name}__last")
        found += [_as(f"min({first})", f"{name}__currency"), _as(f"max({last})", f"{name}__last")]
    return found


def _inner(name: str) -> str:
    """A column of the statement's own: no column of a report can have that name."""
    return f'"#{name}"'


def _quoted(name: str) -> str:
    return f'"{name}"'


def _as(expression: str, name: str) -> Sql:
    return Sql(f"{expression} AS {_quoted(name)}")


def _named(values: Sequence[Sql], name: str, suffixes: Sequence[str]) -> list[Sql]:
    return [compose(f"{{}} AS {_inner(name + suffix)}", value) for value, suffix in zip(values, suffixes, strict=False)]


def _main(measure: Measure) -> str:
    return measure.name + ("__amount" if measure.is_money else "")


def _summed(measure: Measure) -> Kind:
    """The kind of the values that a mean is made of."""
    return measure.place.kind if measure.place else Kind.INTEGER


def _sum(dialect: Dialect, value: str, kind: Kind) -> str:
    if kind is Kind.NUMBER:
        return f"sum({value})"
    return dialect.total(value)


def _mean(dialect: Dialect, total: str, count: str, measure: Measure) -> str:
    """`total` / `count`; of decimals and money rounded half away from zero to a whole number of units."""
    if measure.kind is Kind.NUMBER:
        return f"({dialect.double(total)} / nullif({count}, 0))"
    finer = 10**FINER if measure.kind is Kind.DECIMAL else 1
    double, twice = f"(2 * {finer} * {total})", f"(2 * nullif({count}, 0))"
    below, above = (dialect.quotient(f"({double} {sign} {count})", twice) for sign in "-+")
    return f"(CASE WHEN {total} < 0 THEN {below} ELSE {above} END)"


def _storage(kind: Kind) -> Storage:
    return "moment" if kind is Kind.MOMENT else "text"


def _sort_keys(column: Group | Measure) -> list[Sql]:
    name = Sql(f"g.{_quoted(column.name)}")
    if isinstance(column, Measure):
        return [Sql(f"g.{_quoted(_main(column))}")]
    if column.kind is Kind.CHOICE and column.place.choices:
        whens = [compose(f"WHEN {{}} THEN {rank}", param(choice)) for rank, choice in enumerate(column.place.choices)]
        return [compose("CASE {} {} END", name, join(" ", whens))]
    if column.kind is Kind.TEXT:
        return [Sql(f"g.{_quoted(column.name + '__fold')}"), name]
    return [name]
