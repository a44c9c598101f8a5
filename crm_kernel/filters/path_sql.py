"""Reads and sorts by a path (`company.name`, `address.city`) outside of a filter, under the same rules as in one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from crm_kernel.errors import Error
from crm_kernel.fields.base import Kind
from crm_kernel.filters.dialect import Dialect
from crm_kernel.filters.expression import Place
from crm_kernel.filters.faults import unknown_field
from crm_kernel.filters.parser import parse_path
from crm_kernel.filters.places import Places, World
from crm_kernel.filters.scope import Scope
from crm_kernel.filters.sql import Sql, compose, join, param
from crm_kernel.filters.sql_parts import Cursor, member_of
from crm_kernel.filters.to_sql import Compiler
from crm_kernel.model import Field, Model

_UNSORTABLE = frozenset({Kind.LIST, Kind.OBJECT, Kind.JSON})


class PathSql(NamedTuple):
    """How a path is read: its columns and what makes a value of them; `sort` is None where it cannot be sorted by."""

    columns: tuple[Sql, ...]
    convert: Callable[..., Any] | None
    sort: tuple[Sql, ...] | None


def path_sql(text: str, entity: str, model: Model, dialect: Dialect, scope: Scope) -> PathSql:
    """The expressions over the alias `t` for a path. Raises `Error("unknown_field" | "bad_filter")`."""
    place = find_place(text, entity, model, scope)
    field = model[place.steps[-1].target if place.steps else entity].fields[place.field]
    reader = _Reader(dialect, field)
    return PathSql(*reader.read(place), reader.sort(place))


def find_place(text: str, entity: str, model: Model, scope: Scope) -> Place:
    """Where the value of a path stands. Raises `Error("unknown_field" | "bad_filter")`."""
    try:
        path = parse_path(text)
    except Error:
        known = [name for name in model[entity].fields if scope.field_exists(entity, name)]
        raise unknown_field(text[:80], 1, known) from None
    return Places(model, scope).place(path, World(model[entity]))


def is_sortable(place: Place) -> bool:
    """Whether records have an order by the value there: lists and objects have none, amounts not without currency."""
    return (place.money and not place.member) or not (place.kind in _UNSORTABLE or place.money)


class _Reader:
    def __init__(self, dialect: Dialect, field: Field) -> None:
        self._dialect = dialect
        self._field = field
        self._compiler = Compiler(dialect)

    def _scalar(self, place: Place, *, folded: bool = False) -> Sql:
        return self._compiler.scalar(place, Cursor("t"), folded=folded)

    def read(self, place: Place) -> tuple[tuple[Sql, ...], Callable[..., Any] | None]:
        """The columns of the value, and what makes it of them."""
        if place.money:
            return self._read_money(place)
        scalar = self._scalar(place)
        if place.limits is not None:
            return (scalar,), bool
        if place.member:
            return (scalar,), _CONVERT.get(place.kind)
        read = Sql(self._dialect.select(scalar.text, place.storage), scalar.params)
        convert = msgspec.Raw if place.storage == "json" else self._field.type.from_columns()
        return (read,), convert

    def _read_money(self, place: Place) -> tuple[tuple[Sql, ...], Callable[..., Any]]:
        money = self._field.type.from_columns()
        columns = tuple(self._scalar(member_of(place, name)) for name in ("amount", "currency"))
        if not place.member:
            return columns, money or _pair

        def part(amount: int, currency: str) -> Any:
            value = money(amount, currency) if money else None
            return None if value is None else value[place.member[0]]

        return columns, part

    def sort(self, place: Place) -> tuple[Sql, ...] | None:
        """What records are sorted by: text by its folded form, then itself; choices in order; money by currency."""
        if place.money and not place.member:
            return tuple(self._scalar(member_of(place, name)) for name in ("currency", "amount"))
        if not is_sortable(place):
            return None
        scalar = self._scalar(place)
        if place.choices:
            whens = [compose(f"WHEN {{}} THEN {rank}", param(choice)) for rank, choice in enumerate(place.choices)]
            return (compose("CASE {} {} END", scalar, join(" ", whens)),)
        if place.fold and place.kind is Kind.TEXT:
            return (self._scalar(place, folded=True), scalar)
        return (scalar,)


def _pair(amount: Any, currency: Any) -> dict[str, Any]:
    return {"amount": amount, "currency": currency}


_CONVERT: dict[Kind, Callable[..., Any]] = {Kind.BOOLEAN: bool, Kind.LIST: msgspec.Raw, Kind.OBJECT: msgspec.Raw}
