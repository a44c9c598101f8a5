"""Numbers: integers, IEEE doubles, and exact decimals that are stored as scaled integers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Self

from crm_kernel.fields.base import Column, Faulty, FieldType, Kind, Shape, ValueContext

MAX_INTEGER = 2**53 - 1
"""The largest integer that every JSON reader keeps exact."""

MAX_STORED = 2**63 - 2
"""The largest integer that a column holds, scaled decimals and money amounts; comparisons need the two beyond it."""

MAX_DECIMALS = 12

_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,9})?")


def exact(value: Any) -> Decimal | None:
    """A sent number as the decimal it was written as (floats by their shortest form); None for anything else.

    Raises `Faulty` (`type`) for NaN and the infinities, which are no JSON numbers.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite():
        raise Faulty("type", f"{value} is not a number.", told="no_number", got=value)
    return number


def read_number(text: str) -> Any:
    """A number written as text; a text that is none is returned as it is."""
    stripped = text.strip()
    return Decimal(stripped) if _NUMBER.fullmatch(stripped) else text


def scaled(number: Decimal, digits: int) -> int | None:
    """`number` x 10^`digits` as an integer, None where that is no integer.

    Raises `Faulty` (`maximum`, `minimum`) where no column holds it. Works on the digits: the arithmetic of `decimal`
    rounds to its context.
    """
    sign, figures, exponent = number.as_tuple()
    shift = int(exponent) + digits
    if not any(figures):
        return 0
    if number.adjusted() + digits > 18:
        raise out_of_range(number, MAX_STORED)
    if shift < 0:
        if len(figures) < -shift or any(figures[shift:]):
            return None
        figures = figures[:shift]
    result = int("".join(map(str, figures))) * 10 ** max(shift, 0)
    if result > MAX_STORED:
        raise out_of_range(number, MAX_STORED)
    return -result if sign else result


def unscaled(units: int, digits: int) -> Decimal:
    """The inverse of `scaled`, always with `digits` decimals."""
    return Decimal(units).scaleb(-digits)


def out_of_range(number: Decimal, limit: int) -> Faulty:
    """The fault of a number beyond +-`limit`."""
    if number < 0:
        return Faulty("minimum", f"The number is less than {-limit}.", told="minimum", limit=-limit)
    return Faulty("maximum", f"The number is more than {limit}.", told="maximum", limit=limit)


class Integer(FieldType):
    """A whole number within +-(2^53-1)."""

    name = "integer"
    kind = Kind.INTEGER

    @classmethod
    def match(cls, shape: Shape) -> Self | None:
        return cls() if shape.type == "integer" else None

    def columns(self) -> tuple[Column, ...]:
        return (Column("", "integer"),)

    def canonical(self, value: Any, context: ValueContext) -> Any:
        if type(value) is int and -MAX_INTEGER <= value <= MAX_INTEGER:
            return value  # nearly all are: 0.1 µs against 1.5
        number = exact(value)
        if number is None:
            return value
        if (number and number.adjusted() > 15) or abs(number) > MAX_INTEGER:
            raise out_of_range(number, MAX_INTEGER)
        whole = int(number) if number else 0  # int() of 0E+999999999 would write all its zeros out
        return whole if number == whole else value

    def parse(self, text: str, context: ValueContext) -> Any:
        if len(text) < 16 and text.isascii() and text.isdigit():
            return int(text)
        return read_number(text)


class Number(FieldType):
    """An IEEE double, finite."""

    name = "number"
    kind = Kind.NUMBER

    @classmethod
    def match(cls, shape: Shape) -> Self | None:
        return cls() if shape.type == "number" else None

    def columns(self) -> tuple[Column, ...]:
        return (Column("", "real"),)

    def canonical(self, value: Any, context: ValueContext) -> Any:
        if type(value) is float and math.isfinite(value):
            return value + 0.0
        number = exact(value)
        if number is None:
            return value
        double = float(number)
        if math.isinf(double):
            code = "minimum" if number < 0 else "maximum"
            raise Faulty(code, "The number is too large for a double.", told="double")
        return double + 0.0  # -0.0 would be a second form of the same value

    def parse(self, text: str, context: ValueContext) -> Any:
        if len(text) < 16 and _PLAIN.fullmatch(text):
            return float(text)
        return read_number(text)


class DecimalNumber(FieldType):
    """An exact number with at most `scale` decimals, stored as an integer."""

    name = "decimal"
    kind = Kind.DECIMAL

    def __init__(self, scale: int) -> None:
        self.scale = scale

    @classmethod
    def match(cls, shape: Shape) -> Self | None:
        return None if shape.options.decimal is None else cls(shape.options.decimal)

    def columns(self) -> tuple[Column, ...]:
        return (Column("", "integer"),)

    def canonical(self, value: Any, context: ValueContext) -> Any:
        number = exact(value)
        if number is None:
            return value
        units = scaled(number, self.scale)
        if units is None:
            detail = f"At most {self.scale} decimals, got {number}."
            raise Faulty("scale", detail, told="decimals", limit=self.scale, got=number)
        return unscaled(units, self.scale)

    def parse(self, text: str, context: ValueContext) -> Any:
        return read_number(text)

    def to_columns(self, value: Any) -> tuple[Any, ...]:
        return (None if value is None else scaled(value, self.scale),)

    def from_columns(self) -> Callable[..., Any]:
        scale = self.scale
        return lambda units: None if units is None else unscaled(units, scale)

    def text(self, value: Any) -> str:
        return f"{value:f}"
