"""What operators and functions do with values that are not null; None is what has no value."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from crm_kernel.fields.base import Kind
from crm_kernel.fields.moment import read_moment
from crm_kernel.filters.environment import Environment
from crm_kernel.filters.moments import date_of
from crm_kernel.formulas.values import MATH, rounded

Money = tuple[Decimal, str]


def _finite(number: Decimal) -> Decimal | None:
    return number if number.is_finite() else None


def add(left: Decimal, right: Decimal) -> Decimal | None:
    """The sum of two numbers."""
    return _finite(MATH.add(left, right))


def subtract(left: Decimal, right: Decimal) -> Decimal | None:
    """The difference of two numbers."""
    return _finite(MATH.subtract(left, right))


def multiply(left: Decimal, right: Decimal) -> Decimal | None:
    """The product of two numbers."""
    return _finite(MATH.multiply(left, right))


def divide(left: Decimal, right: Decimal) -> Decimal | None:
    """The quotient of two numbers, null where the divisor is zero."""
    return _finite(MATH.divide(left, right)) if right else None


NUMERIC: Mapping[str, Callable[[Decimal, Decimal], Decimal | None]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
}


def of_money(how: Callable[[Decimal, Decimal], Decimal | None]) -> Callable[[Money, Money], Money | None]:
    """A sum or difference of two amounts, null over two currencies."""

    def both(left: Money, right: Money) -> Money | None:
        amount = how(left[0], right[0]) if left[1] == right[1] else None
        return None if amount is None else (amount, left[1])

    return both


def by_number(how: Callable[[Decimal, Decimal], Decimal | None]) -> Callable[[Money, Decimal], Money | None]:
    """An amount multiplied or divided by a number."""

    def scaled(money: Money, number: Decimal) -> Money | None:
        amount = how(money[0], number)
        return None if amount is None else (amount, money[1])

    return scaled


def ratio(left: Money, right: Money) -> Decimal | None:
    """How many times one amount is another, null over two currencies."""
    return divide(left[0], right[0]) if left[1] == right[1] else None


def days_later(sign: int) -> Callable[[str, Decimal], str | None]:
    """A date so many days later (or earlier), null beyond the years 1 to 9999."""

    def moved(day: str, days: Decimal) -> str | None:
        try:
            return (date.fromisoformat(day) + timedelta(days=sign * int(days))).isoformat()
        except OverflowError:
            return None

    return moved


def on_amount(kind: Kind, change: Callable[[Decimal], Decimal | None]) -> Callable[[Any], Any]:
    """A function of a number, for numbers or for money."""
    if kind is not Kind.MONEY:
        return change

    def changed(money: Money) -> Money | None:
        amount = change(money[0])
        return None if amount is None else (amount, money[1])

    return changed


def rounder(digits: int) -> Callable[[Decimal], Decimal]:
    """Rounds to so many decimals, halves away from zero."""
    return lambda number: rounded(number, digits)


def extreme(kind: Kind, choose: Callable[..., Any]) -> Callable[..., Any]:
    """The least or greatest of some values (`choose` is `min` or `max`), of money null over several currencies."""
    if kind is Kind.MONEY:

        def of_amounts(*values: Money) -> Money | None:
            return choose(values) if len({currency for _, currency in values}) == 1 else None

        return of_amounts
    if kind is Kind.MOMENT:  # without their Z the order of text is that of time
        return lambda *values: choose(values, key=lambda value: value.removesuffix("Z"))
    return lambda *values: choose(values)


def text_of(kind: Kind) -> Callable[[Any], str]:
    """A value as it stands in a text."""
    if kind in (Kind.INTEGER, Kind.DECIMAL):
        return _written
    if kind is Kind.MONEY:
        return lambda value: f"{value[1]} {value[0]:f}"
    if kind is Kind.BOOLEAN:
        return lambda value: "true" if value else "false"
    return str


def _written(number: Decimal) -> str:
    text = f"{number:f}"
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


# ---- dates ----------------------------------------------------------------------------------------------------------
_SECONDS = {"h": 3600, "d": 86400, "w": 604800}
UNITS = ("h", "d", "w", "m", "y")


def difference(kinds: Sequence[Kind], unit: str) -> Callable[[str, str, Environment], Decimal | None]:
    """Whole units from the second value to the first (negative where the first is earlier), cut towards zero.

    Moments are taken to the second; a date beside a moment makes a day of it, in the zone of the environment.
    """
    moments = tuple(kinds) == (Kind.MOMENT, Kind.MOMENT)

    def read(value: str, kind: Kind, environment: Environment) -> datetime:
        if moments:
            return read_moment(value).astimezone(UTC)
        day = date_of(value, environment.zone) if kind is Kind.MOMENT else value
        return datetime.fromisoformat(day or "").replace(tzinfo=UTC)

    def between(first: str, second: str, environment: Environment) -> Decimal | None:
        try:
            late, early = read(first, kinds[0], environment), read(second, kinds[1], environment)
        except (ValueError, OverflowError):  # a day beyond the years 1 to 9999
            return None
        sign = 1
        if late < early:
            late, early, sign = early, late, -1
        if unit in _SECONDS:
            return Decimal(sign * ((late - early) // timedelta(seconds=_SECONDS[unit])))
        months = _months(early, late)
        return Decimal(sign * (months if unit == "m" else months // 12))

    return between


def _months(early: datetime, late: datetime) -> int:
    """The most months that can be added to a moment without passing the other; a month's end counts as its 31st."""
    months = (late.year - early.year) * 12 + late.month - early.month
    day = min(early.day, monthrange(late.year, late.month)[1])
    return months - (1 if (late.day, late.time()) < (day, early.time()) else 0)
