"""What values are inside a formula, and how they come in from a record and go out to a field.

Numbers are `Decimal` (a double is its shortest text, so that 0.1 + 0.2 is 0.3), money a pair of amount and currency,
everything else its canonical form. None is null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any, NamedTuple

from crm_kernel.fields.base import Faulty, FieldType, Kind, ValueContext
from crm_kernel.fields.currencies import minor_digits
from crm_kernel.fields.number import DecimalNumber, exact
from crm_kernel.filters.environment import Environment, Row

Evaluate = Callable[[Row, Environment], Any]

NUMBERS = frozenset({Kind.INTEGER, Kind.DECIMAL})
TEXTS = frozenset({Kind.TEXT, Kind.CHOICE})
ORDERED = frozenset({*NUMBERS, Kind.MONEY, Kind.DATE, Kind.MOMENT})
SCALARS = frozenset({*ORDERED, *TEXTS, Kind.BOOLEAN})

WORDS: Mapping[Kind, str] = {
    Kind.INTEGER: "a whole number",
    Kind.DECIMAL: "a number",
    Kind.NUMBER: "a number",
    Kind.MONEY: "an amount of money",
    Kind.TEXT: "a text",
    Kind.CHOICE: "a text",
    Kind.BOOLEAN: "true or false",
    Kind.DATE: "a date",
    Kind.MOMENT: "a moment",
    Kind.REFERENCE: "a reference",
    Kind.LIST: "a list",
    Kind.OBJECT: "an object",
    Kind.JSON: "a value of no single type",
}

MATH = Context(prec=100, Emax=999_999, Emin=-999_999, traps=[])
"""Digits enough for any product of amounts; what has no value is NaN, and null in the end."""
_WIDE = Context(prec=1000, Emax=999_999, Emin=-999_999, traps=[])


class Type(NamedTuple):
    """What a part of a formula gives; `texts`: all that a text may be, None where it may be any."""

    kind: Kind
    texts: frozenset[str] | None = None


def rounded(number: Decimal, digits: int) -> Decimal:
    """The number with at most so many decimals (before the point: negative), halves away from zero."""
    if -int(number.as_tuple().exponent) <= digits:
        return number
    return number.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, context=_WIDE)


def number_of(value: Any) -> Decimal | None:
    """A canonical number as a decimal."""
    return None if value is None else exact(value)


def money_of(value: Any) -> tuple[Decimal, str] | None:
    """Canonical money as a pair."""
    return None if value is None else (value["amount"], value["currency"])


def incoming(kind: Kind) -> tuple[Kind, Callable[[Any], Any] | None]:
    """What a field's kind is inside a formula, and what turns its canonical value into that (None: nothing)."""
    if kind in (Kind.INTEGER, Kind.DECIMAL, Kind.NUMBER):
        return (Kind.INTEGER if kind is Kind.INTEGER else Kind.DECIMAL), number_of
    return kind, money_of if kind is Kind.MONEY else None


def fits(found: Type, field_type: FieldType, choices: tuple[str, ...]) -> bool:
    """Whether every value of a type can be stored in a field: numbers are rounded to its decimals."""
    kind = field_type.kind
    if kind in (Kind.DECIMAL, Kind.NUMBER):
        return found.kind in NUMBERS
    if kind is Kind.CHOICE:
        return found.kind in TEXTS and found.texts is not None and found.texts <= set(choices)
    if kind is Kind.TEXT:
        return found.kind in TEXTS
    return kind in SCALARS and found.kind is kind


def outgoing(field_type: FieldType, context: ValueContext) -> Callable[[Any], Any]:
    """What turns a value of a type that `fits` into the field's canonical value; null where it has no room in it."""
    prepare = _PREPARE.get(field_type.kind)
    digits = field_type.scale if isinstance(field_type, DecimalNumber) else 0

    def canonical(value: Any) -> Any:
        if value is None:
            return None
        try:
            sent = value if prepare is None else prepare(value, digits)
            return None if sent is None else field_type.canonical(sent, context)
        except Faulty:
            return None

    return canonical


def _decimal(value: Decimal, digits: int) -> Decimal | None:
    return rounded(value, digits) if value.is_finite() and value.adjusted() < 40 else None


def _double(value: Decimal, _: int) -> Decimal | None:
    return value if value.is_finite() else None


def _money(value: tuple[Decimal, str], _: int) -> dict[str, Any] | None:
    amount = _decimal(value[0], minor_digits(value[1]))
    return None if amount is None else {"amount": amount, "currency": value[1]}


_PREPARE: Mapping[Kind, Callable[[Any, int], Any]] = {
    Kind.INTEGER: _decimal,
    Kind.DECIMAL: _decimal,
    Kind.NUMBER: _double,
    Kind.MONEY: _money,
}
