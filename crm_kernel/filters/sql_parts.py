"""Pieces of SQL that filters, paths and reports share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from crm_kernel.fields.base import Kind
from crm_kernel.fields.currencies import NOT_TWO
from crm_kernel.filters.binding import Bound
from crm_kernel.filters.expression import Place
from crm_kernel.filters.sql import Sql, compose, join, param
from crm_kernel.filters.values import Constant, Value

FALSE = Sql("1 = 0")
TRUE = Sql("1 = 1")


class Cursor(NamedTuple):
    """The row that names are about: a table's alias, or a list's element with the folded copy of its `list`."""

    alias: str
    folded: Sql | None = None


def bound(value: Value, change: Callable[[Any], Any]) -> Sql:
    """A value of a filter as one bind value; a constant is changed now, all else when the statement runs."""
    return param(change(value.value)) if isinstance(value, Constant) else param(Bound(value, change))


def table(entity: str) -> str:
    """The quoted name of an entity's table."""
    return f'"e_{entity}"'


def column(alias: str, name: str) -> Sql:
    """A quoted column of a row."""
    return Sql(f'{alias}."{name}"')


def member_of(place: Place, name: str) -> Place:
    """The `amount` or `currency` of a place of money."""
    return msgspec.structs.replace(place, member=(name,), kind=Kind.DECIMAL if name == "amount" else Kind.TEXT)


def scale_of(place: Place) -> int:
    """The decimals of a decimal, or the most that any currency has."""
    return max(NOT_TWO.values()) if place.money else place.scale


_CODES: Mapping[int, str] = MappingProxyType(
    {
        digits: ", ".join(f"'{code}'" for code, d in sorted(NOT_TWO.items()) if d == digits)
        for digits in sorted(set(NOT_TWO.values()))
    }
)


def by_digits(currency: Sql, part: Callable[[int], Sql]) -> Sql:
    """An expression that depends on the currency's minor digits."""
    cases = [compose(f"WHEN {{}} IN ({codes}) THEN {{}}", currency, part(digits)) for digits, codes in _CODES.items()]
    return compose("CASE {} ELSE {} END", join(" ", cases), part(2))
