"""Compiles reads of one entity: columns, field masks, conditions, sort with nulls last, keyset position.

The result is SQL text that depends on the registry and the caller's rules, not on his values: it is compiled once and
kept. Values are bound when it runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from crm_kernel.errors import Error
from crm_kernel.fields.base import Kind
from crm_kernel.filters.dialect import Dialect
from crm_kernel.filters.sql import Sql, compose, join
from crm_kernel.model import EntityModel, Field
from crm_kernel.storage.columns import FOLD, field_columns, quoted, table_name
from crm_kernel.storage.decoding import Decoder, decoder

ALIAS = "t"
LIVE = Sql(f'{ALIAS}."deleted_at" IS NULL')
DELETED = Sql(f'{ALIAS}."deleted_at" IS NOT NULL')
PAGE = ":page"
"""Stands in a text where the number of rows goes."""
ONE_PLAN = "/* one plan */ "
"""Before a statement that is best read the same way whatever its values are, so that an engine may plan it once."""
NO_ROW = Sql("1 = 0")
UNSORTABLE = frozenset({Kind.LIST, Kind.OBJECT, Kind.JSON})


class OrderBy(NamedTuple):
    """One ORDER BY expression. `never_null` spares the planner the question where nulls go."""

    sql: Sql
    descending: bool
    never_null: bool = False


class Columns(NamedTuple):
    """What is selected of each row, one `Sql` a column: the first `width` columns become a record by `decode`."""

    sqls: tuple[Sql, ...]
    decode: Decoder
    width: int


def column(field: Field, suffix: str = "") -> Sql:
    """A column of the entity in hand."""
    return Sql(f"{ALIAS}.{quoted(field.name + suffix)}")


def read_columns(dialect: Dialect, field: Field, mask: Sql | None) -> list[Sql]:
    """The expressions that read one field, null where its mask does not hold."""
    read = [Sql(dialect.select(f"{ALIAS}.{quoted(c.name)}", c.storage)) for c in field_columns(field) if not c.folded]
    return read if mask is None else [compose("CASE WHEN {} THEN {} END", mask, expression) for expression in read]


def masked(expression: Sql, mask: Sql | None) -> Sql:
    """An expression that is null where the field's mask does not hold."""
    return expression if mask is None else compose("CASE WHEN {} THEN {} END", mask, expression)


def order_by(model: EntityModel, field: Field, mask: Sql | None, *, descending: bool) -> list[OrderBy]:
    """How records are sorted by one field: text by its folded form, then itself; choices in declared order; money by
    currency, then amount. Raises `Error("not_sortable")`."""
    if field.type.kind in UNSORTABLE:
        raise Error("not_sortable", f"{model.name} cannot be sorted by {field.name!r}: it is a {field.type.name}.")
    never_null = mask is None and field.name in ("id", "version", "created_at", "updated_at")
    return [OrderBy(masked(e, mask), descending, never_null) for e in _sort_expressions(field)]


def _sort_expressions(field: Field) -> list[Sql]:
    if field.type.kind is Kind.MONEY:
        return [column(field, "__currency"), column(field, "__amount")]
    if field.choices:
        whens = "".join(f" WHEN ? THEN {place}" for place, _ in enumerate(field.choices))
        return [Sql(f"CASE {column(field)}{whens} END", tuple(field.choices))]
    if field.type.folds:
        return [column(field, FOLD), column(field)]
    return [column(field)]


def after_position(keys: Sequence[OrderBy], position: Sequence[Any]) -> Sql:
    """The rows that come after `position` (one value per key) in the order of `keys`, nulls last."""
    branches: list[Sql] = []
    equal: list[Sql] = []
    for key, value in zip(keys, position, strict=True):
        beyond = _beyond(key, value)
        if beyond is not None:
            branches.append(join(" AND ", [*equal, beyond]))
        equal.append(
            compose("{} IS NULL", key.sql) if value is None else compose("{} = {}", key.sql, Sql("?", (value,)))
        )
    return compose("({})", join(" OR ", [compose("({})", branch) for branch in branches] or [NO_ROW]))


def _beyond(key: OrderBy, value: Any) -> Sql | None:
    if value is None:
        return None
    sign = "<" if key.descending else ">"
    beyond = compose("{} " + sign + " {}", key.sql, Sql("?", (value,)))
    return beyond if key.never_null else compose("({} OR {} IS NULL)", beyond, key.sql)


def order_clause(keys: Iterable[OrderBy]) -> Sql:
    """ORDER BY … with nulls last in both directions."""
    return join(", ", [_ordered(key) for key in keys])


def _ordered(key: OrderBy) -> Sql:
    direction = " DESC" if key.descending else ""
    return compose("{}" + direction + ("" if key.never_null else " NULLS LAST"), key.sql)


def columns(
    dialect: Dialect,
    model: EntityModel,
    fields: Sequence[str],
    *,
    masks: Mapping[str, Sql] | None = None,
    extra: Sequence[Sql] = (),
    raw: bool = False,
) -> Columns:
    """The columns of `fields`; `extra` expressions follow them."""
    chosen = [model.fields[name] for name in fields]
    found = [sql for f in chosen for sql in read_columns(dialect, f, (masks or {}).get(f.name))]
    return Columns((*found, *extra), decoder(chosen, raw=raw), len(found))


def select(
    model: EntityModel,
    columns: Sequence[Sql],
    *,
    where: Sequence[Sql] = (),
    order: Sequence[OrderBy] = (),
    limit: bool = False,
    among: Sql | None = None,
) -> Sql:
    """A read of `columns`; with `limit` for `with_page`. `among`, a SELECT of ids, is read first, and of the table only
    its records."""
    source, conditions = _source(model, where, among)
    statement = compose("SELECT {} FROM {}", join(", ", columns), source)
    if conditions:
        statement = compose("{} WHERE {}", statement, join(" AND ", conditions))
    if order:
        statement = compose("{} ORDER BY {}", statement, order_clause(order))
    return Sql(f"{statement.text} LIMIT {PAGE}", statement.params) if limit else statement


def one_plan(statement: Sql) -> Sql:
    """The statement with the mark that one plan is good for all its values."""
    return Sql(ONE_PLAN + statement.text, statement.params)


def with_page(text: str, limit: int) -> str:
    """The statement for so many rows, as a number in its text.

    PostgreSQL takes a number that is bound for a tenth of all records where it keeps a plan, so it would plan each
    time. At 1,000,000 contacts, CPU of its session: an indexed list 640 → 360 µs, through 20 keys 8 → 2 ms.
    """
    return text.replace(PAGE, f"{limit:d}")


def _source(model: EntityModel, where: Sequence[Sql], among: Sql | None) -> tuple[Sql, Sequence[Sql]]:
    table = f"{quoted(table_name(model.name))} AS {ALIAS}"
    if among is None:
        return Sql(table), where
    # CROSS JOIN: SQLite does not turn it round to read by the order or the filter.
    return compose(f"({{}}) AS among CROSS JOIN {table}", among), [Sql(f'{ALIAS}."id" = among."id"'), *where]


def count(model: EntityModel, where: Sequence[Sql], *, cap: int | None, among: Sql | None = None) -> Sql:
    """Counts rows, up to `cap` + 1 where it is given; `among` as in `select`."""
    table, conditions = _source(model, where, among)
    condition = join(" AND ", conditions)
    if cap is None:
        return compose("SELECT count(*) FROM {} WHERE {}", table, condition)
    template = f"SELECT count(*) FROM (SELECT 1 FROM {{}} WHERE {{}} LIMIT {cap + 1}) AS capped"
    return compose(template, table, condition)


def ids_in(dialect: Dialect) -> Sql:
    """The condition that the record's id is one of a list bound as one parameter (see `encode_ids`)."""
    return Sql(f'{ALIAS}."id" {dialect.one_of}', (IDS,))


IDS = object()
"""Stands in `params` where the list of ids is bound."""


def with_ids(params: Iterable[Any], ids: Any) -> list[Any]:
    """Parameters with the list of ids put in."""
    return [ids if value is IDS else value for value in params]
