"""Paths outside filters: as members of an answer, as sort keys, as groups and measures of reports."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from crm_kernel.fields.base import Kind
from crm_kernel.fields.currencies import minor_digits
from crm_kernel.filters.dialect import Dialect
from crm_kernel.filters.expression import Place
from crm_kernel.filters.faults import bad
from crm_kernel.filters.parser import parse_path
from crm_kernel.filters.places import Places, World
from crm_kernel.filters.scope import SYSTEM_SCOPE, Scope
from crm_kernel.filters.sql import Sql, compose, join, param
from crm_kernel.filters.to_sql import Compiler, Cursor, member_of
from crm_kernel.model import Model

UNSORTABLE = frozenset({Kind.LIST, Kind.OBJECT, Kind.JSON})


class PathSql(NamedTuple):
    """A path as SQL on one row: `sql` selects its value, `convert` (None: nothing to do) makes that canonical.

    `sort` are the expressions to sort by, None where it cannot be sorted by.
    """

    sql: Sql
    convert: Callable[[Any], Any] | None
    sort: tuple[Sql, ...] | None
    place: Place


def find_place(text: str, entity: str, model: Model, scope: Scope = SYSTEM_SCOPE) -> Place:
    """The place that a path names. Raises `Error("bad_filter" | "unknown_field")`."""
    path = parse_path(text)
    return Places(model, scope).place(path, World(model[entity]))


def path_to_sql(
    text: str, entity: str, model: Model, dialect: Dialect, *, scope: Scope = SYSTEM_SCOPE, alias: str = "t"
) -> PathSql:
    """The value of a path such as `company.city` on the row `alias`, null where the caller may not see it.

    Raises `Error("bad_filter" | "unknown_field")`.
    """
    place = find_place(text, entity, model, scope)
    if place.limits is not None:
        raise bad(1, repr(text), "a stored field: this one depends on the present")
    compiler, cursor = Compiler(dialect), Cursor(alias)
    sort = None if place.kind in UNSORTABLE else tuple(sort_keys(place, compiler, cursor))
    return PathSql(_selected(place, compiler, cursor, dialect), _converter(place), sort, place)


def sort_keys(place: Place, compiler: Compiler, cursor: Cursor) -> list[Sql]:
    """Text by its folded form, then itself; choices in declared order; money by currency, then amount."""
    if place.kind is Kind.MONEY:
        return [compiler.scalar(member_of(place, name), cursor) for name in ("currency", "amount")]
    value = compiler.scalar(place, cursor)
    if place.kind is Kind.CHOICE and place.choices:
        whens = [compose(f"WHEN {{}} THEN {rank}", param(choice)) for rank, choice in enumerate(place.choices)]
        return [compose("CASE {} {} END", value, join(" ", whens))]
    if place.kind is Kind.TEXT and place.fold:
        return [compiler.scalar(place, cursor, folded=True), value]
    return [value]


def _selected(place: Place, compiler: Compiler, cursor: Cursor, dialect: Dialect) -> Sql:
    if place.money:
        money = (compiler.scalar(member_of(place, name), cursor) for name in ("amount", "currency"))
        return compose("CAST({} AS TEXT) || ' ' || {}", *money)
    value = compiler.scalar(place, cursor)
    return Sql(dialect.select(value.text, place.storage), value.params)


def _converter(place: Place) -> Callable[[Any], Any] | None:
    if place.money:
        return lambda found: _money(found, place.member)
    if place.kind is Kind.DECIMAL:
        return lambda found: Decimal(found).scaleb(-place.scale)
    if place.kind is Kind.BOOLEAN:
        return bool
    if place.kind in UNSORTABLE:
        return msgspec.json.decode
    return None


def _money(found: str, member: tuple[str, ...]) -> Any:
    units, currency = found.split(" ")
    amount = Decimal(units).scaleb(-minor_digits(currency))
    if member:
        return amount if member == ("amount",) else currency
    return {"amount": amount, "currency": currency}
