"""Rollups by difference: what a written record makes of the value, where that is exactly what measuring all would give.

Averages, doubles and members of objects are always measured: the stored value does not tell enough.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import Enum
from typing import Any, NamedTuple

from crm_kernel.fields.base import FieldType, Kind
from crm_kernel.fields.number import DecimalNumber
from crm_kernel.filters.environment import Environment, Row
from crm_kernel.filters.expression import Expression, Place
from crm_kernel.filters.to_predicate import reader_of, to_predicate
from crm_kernel.formulas.values import MATH, incoming


class Anew(Enum):
    """That the stored value does not tell the new one."""

    ANEW = "anew"


class Difference(NamedTuple):
    """`counted`: what a live record counts for, None where it does not. `after`: the value of the field after some of
    that has left and some has entered."""

    counted: Callable[[Row, Environment], Any]
    after: Callable[[Any, Sequence[Any], Sequence[Any]], Any]


def difference_of(
    measure: str,
    place: Place | None,
    where: Expression | None,
    field_type: FieldType,
    finish: Callable[[Any], Any],
) -> Difference | None:
    """How a rollup goes on by difference, None where it has to be measured anew."""
    if not _is_exact(measure, place, field_type):
        return None
    holds = None if where is None else to_predicate(where)
    value_of = _value_of(place)
    step = {"count": _count, "sum": _sum, "min": _least, "max": _greatest}[measure]
    _, inside = incoming(field_type.kind)

    def counted(row: Row, environment: Environment) -> Any:
        return value_of(row, environment) if holds is None or holds(row, environment) else None

    def after(stored: Any, left: Sequence[Any], entered: Sequence[Any]) -> Any:
        # Null is the value of no records, of several currencies and of too much: which of them it does not tell.
        if stored is None:
            return Anew.ANEW
        found = step(inside(stored) if inside else stored, left, entered)
        return found if found is Anew.ANEW else finish(found)

    return Difference(counted, after)


def _is_exact(measure: str, place: Place | None, field_type: FieldType) -> bool:
    """Whether the field holds the measure as it is, not rounded."""
    if place is None:
        return True
    if measure == "avg" or place.member:
        return False
    if place.kind in (Kind.INTEGER, Kind.DECIMAL):
        digits = field_type.scale if isinstance(field_type, DecimalNumber) else 0
        return field_type.kind in (Kind.INTEGER, Kind.DECIMAL) and place.scale <= digits
    return place.kind in (Kind.MONEY, Kind.DATE, Kind.MOMENT)


def _value_of(place: Place | None) -> Callable[[Row, Environment], Any]:
    if place is None:
        return lambda _row, _environment: 1
    read, (_, inside) = reader_of(place), incoming(place.kind)
    return (lambda row, environment: inside(read(row, environment))) if inside else read


def _count(value: Decimal, left: Sequence[Any], entered: Sequence[Any]) -> Any:
    return value + len(entered) - len(left)


def _sum(value: Any, left: Sequence[Any], entered: Sequence[Any]) -> Any:
    if isinstance(value, tuple):
        amount, currency = value
        if any(other != currency for _, other in (*left, *entered)):
            return Anew.ANEW
        found = _sum(amount, [part for part, _ in left], [part for part, _ in entered])
        return found if found is Anew.ANEW else (found, currency)
    for number in entered:
        value = MATH.add(value, number)
    for number in left:
        value = MATH.subtract(value, number)
    return value if value or entered else Anew.ANEW  # 0 may be the sum of no records, which is null


def _least(value: Any, left: Sequence[Any], entered: Sequence[Any]) -> Any:
    return _extreme(value, left, entered, min)


def _greatest(value: Any, left: Sequence[Any], entered: Sequence[Any]) -> Any:
    return _extreme(value, left, entered, max)


def _extreme(value: Any, left: Sequence[Any], entered: Sequence[Any], best: Callable[..., Any]) -> Any:
    if isinstance(value, tuple) and any(other != value[1] for _, other in (*left, *entered)):
        return Anew.ANEW
    found = best((value, *entered), key=_rank)
    is_gone = any(_rank(other) == _rank(value) for other in left)
    is_back = any(_rank(best((value, other), key=_rank)) == _rank(other) for other in entered)
    return Anew.ANEW if is_gone and not is_back else found


def _rank(value: Any) -> Any:
    """What is compared; of moments the text without `Z`, as fractions of a second stand before it."""
    return value.removesuffix("Z") if isinstance(value, str) else value
