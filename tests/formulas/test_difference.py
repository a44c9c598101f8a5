"""A rollup goes on from its stored value exactly where that gives what measuring all records would give."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from crm_kernel.fields.base import FieldType, Kind, ValueContext
from crm_kernel.fields.moment import Date, Moment
from crm_kernel.fields.money import MoneyType
from crm_kernel.fields.number import DecimalNumber, Integer, Number
from crm_kernel.filters.environment import Environment
from crm_kernel.filters.expression import Place
from crm_kernel.formulas.difference import Anew, difference_of
from crm_kernel.formulas.values import outgoing

CONTEXT = ValueContext(region="LV", currency="EUR", timezone="UTC")
PLACES = {
    "n": Place(field="n", kind=Kind.INTEGER, storage="integer"),
    "d": Place(field="d", kind=Kind.DECIMAL, storage="integer", scale=2),
    "x": Place(field="x", kind=Kind.NUMBER, storage="real"),
    "money": Place(field="money", kind=Kind.MONEY, storage="integer"),
    "amount": Place(field="money", member=("amount",), money=True, kind=Kind.DECIMAL, storage="integer"),
    "inner": Place(field="o", member=("n",), kind=Kind.INTEGER, storage="json"),
    "day": Place(field="day", kind=Kind.DATE, storage="date"),
    "at": Place(field="at", kind=Kind.MOMENT, storage="moment"),
}
ANEW = Anew.ANEW
DAY, LATER = "2026-01-05T10:00:00Z", "2026-01-05T10:00:00.5Z"


def money(amount: str, currency: str = "EUR") -> dict[str, Any]:
    return {"amount": Decimal(amount), "currency": currency}


def made(measure: str, place: str | None, field: FieldType) -> Any:
    return difference_of(measure, PLACES[place] if place else None, None, field, outgoing(field, CONTEXT))


@pytest.mark.contract("documents.md#rollup-difference")
@pytest.mark.parametrize(
    ("measure", "place", "field", "stored", "left", "entered", "expected"),
    [
        ("count", None, Integer(), 3, [{}], [{}, {}], 4),
        ("count", None, Integer(), 1, [{}], [], 0),
        ("count", None, Integer(), None, [], [{}], ANEW),
        ("sum", "n", Integer(), 5, [{"n": 2}], [{"n": 4}], 7),
        ("sum", "n", Integer(), 5, [{"n": None}], [{"n": None}], 5),
        ("sum", "n", Integer(), 5, [{"n": 5}], [], ANEW),  # of no records it is null
        ("sum", "n", Integer(), 5, [{"n": 4}], [], 1),
        ("sum", "n", Integer(), 5, [{"n": 5}], [{"n": 0}], 0),
        ("sum", "n", Integer(), None, [], [{"n": 1}], ANEW),
        ("sum", "n", Integer(), 2**53 - 1, [], [{"n": 1}], None),  # too large for the field
        ("sum", "d", DecimalNumber(2), Decimal("0.10"), [], [{"d": Decimal("0.20")}], Decimal("0.30")),
        ("sum", "money", MoneyType(), money("1.10"), [], [{"money": money("2.20")}], money("3.30")),
        ("sum", "money", MoneyType(), money("1.10"), [], [{"money": money("1", "USD")}], ANEW),
        ("sum", "money", MoneyType(), money("1.10"), [{"money": money("1.10")}], [], ANEW),
        ("min", "n", Integer(), 3, [], [{"n": 2}], 2),
        ("min", "n", Integer(), 3, [{"n": 4}], [{"n": 5}], 3),
        ("min", "n", Integer(), 3, [{"n": 3}], [{"n": 5}], ANEW),
        ("min", "n", Integer(), 3, [{"n": 3}], [{"n": 3}], 3),
        ("min", "n", Integer(), 3, [{"n": 3}], [{"n": 1}], 1),
        ("max", "n", Integer(), 3, [{"n": 3}], [{"n": 1}], ANEW),
        ("max", "n", Integer(), 3, [{"n": 3}], [{"n": 4}], 4),
        ("max", "money", MoneyType(), money("3"), [], [{"money": money("9", "USD")}], ANEW),
        ("max", "money", MoneyType(), money("3.00"), [], [{"money": money("9.00")}], money("9.00")),
        ("max", "day", Date(), "2026-01-05", [{"day": "2026-01-04"}], [{"day": "2026-01-06"}], "2026-01-06"),
        ("max", "at", Moment(), DAY, [], [{"at": LATER}], LATER),
        ("min", "at", Moment(), LATER, [], [{"at": DAY}], DAY),
    ],
)
def test_what_a_stored_value_tells(
    measure: str, place: str | None, field: FieldType, stored: Any, left: list[Any], entered: list[Any], expected: Any
) -> None:
    difference, environment = made(measure, place, field), Environment()

    def counted(rows: list[Any]) -> list[Any]:
        return [found for row in rows if (found := difference.counted(row, environment)) is not None]

    assert difference.after(stored, counted(left), counted(entered)) == expected


@pytest.mark.parametrize(
    ("measure", "place", "field"),
    [
        ("avg", "n", DecimalNumber(2)),
        ("sum", "x", Number()),
        ("sum", "n", Number()),
        ("sum", "d", DecimalNumber(1)),  # rounded
        ("sum", "amount", DecimalNumber(4)),
        ("min", "inner", Integer()),
    ],
)
def test_where_it_tells_too_little_all_is_measured(measure: str, place: str, field: FieldType) -> None:
    assert made(measure, place, field) is None
