from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_kernel.fields.base import Faulty, FieldType, ValueContext
from crm_kernel.fields.number import DecimalNumber, Integer, Number, scaled, unscaled

CONTEXT = ValueContext()


def code(field_type: FieldType, value: Any) -> str:
    with pytest.raises(Faulty) as caught:
        field_type.canonical(value, CONTEXT)
    return caught.value.faults[0].code


@pytest.mark.contract("documents.md#integer-range")
def test_integers_are_exact_in_every_json_reader() -> None:
    limit = 2**53 - 1
    assert Integer().canonical(limit, CONTEXT) == limit
    assert Integer().canonical(-limit, CONTEXT) == -limit
    assert code(Integer(), limit + 1) == "maximum"
    assert code(Integer(), -limit - 1) == "minimum"
    assert code(Integer(), Decimal("1E+999999999")) == "maximum"


@pytest.mark.parametrize(
    ("sent", "stored"), [(5, 5), (Decimal("5.0"), 5), (Decimal("1E+3"), 1000), (5.0, 5), (Decimal("0E+999999999"), 0)]
)
def test_an_integer_may_be_written_as_a_number(sent: Any, stored: int) -> None:
    assert Integer().canonical(sent, CONTEXT) == stored
    assert type(Integer().canonical(sent, CONTEXT)) is int


@pytest.mark.parametrize("value", [True, "5", 5.5, Decimal("5.5"), Decimal("1E-400"), None])
def test_what_is_no_integer_is_left_to_json_schema(value: Any) -> None:
    assert Integer().canonical(value, CONTEXT) is value


@pytest.mark.contract("documents.md#number-double")
def test_numbers_are_doubles() -> None:
    value = Number().canonical(Decimal("0.1"), CONTEXT)
    assert (value, type(value)) == (0.1, float)
    assert str(Number().canonical(-0.0, CONTEXT)) == "0.0"
    assert code(Number(), Decimal("1e400")) == "maximum"
    assert code(Number(), Decimal("-1e400")) == "minimum"
    assert Number().canonical("1", CONTEXT) == "1"


@pytest.mark.parametrize("field_type", [Integer(), Number(), DecimalNumber(2)])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), Decimal("-Infinity")])
def test_nan_and_the_infinities_are_no_numbers(field_type: FieldType, value: Any) -> None:
    assert code(field_type, value) == "type"


@pytest.mark.contract("documents.md#decimal-exact")
def test_decimals_are_exact() -> None:
    four = DecimalNumber(4)
    assert str(four.canonical(Decimal("0.1"), CONTEXT)) == "0.1000"
    assert four.canonical(0.1, CONTEXT) == Decimal("0.1")
    assert four.canonical(Decimal("1.50000000"), CONTEXT) == Decimal("1.5")
    assert four.to_columns(Decimal("1.5000")) == (15000,)
    assert code(four, Decimal("0.00001")) == "scale"
    assert code(four, Decimal("1E-999999999")) == "scale"
    assert code(four, Decimal(10) ** 15) == "maximum"
    assert code(four, Decimal("-1E+999999999")) == "minimum"
    assert code(DecimalNumber(0), 2**63 - 1) == "maximum"
    assert DecimalNumber(0).canonical(2**63 - 2, CONTEXT) == 2**63 - 2
    assert four.canonical("1", CONTEXT) == "1"
    assert four.text(Decimal("1E+3")) == "1000"


@pytest.mark.parametrize("field_type", [Integer(), Number(), DecimalNumber(2)])
@pytest.mark.parametrize(("text", "value"), [(" 12 ", 12), ("-7", -7), ("1e3", 1000), ("+5", 5)])
def test_numbers_are_read_from_text(field_type: FieldType, text: str, value: int) -> None:
    assert field_type.canonical(field_type.parse(text, CONTEXT), CONTEXT) == value


@pytest.mark.parametrize("text", ["1,5", "1_000", "٣", "0x10", "", "--1", ".5", "1e9999999999"])
def test_other_texts_are_no_numbers(text: str) -> None:
    assert Number().parse(text, CONTEXT) == text


@given(st.integers(-(2**63) + 2, 2**63 - 2), st.integers(0, 12))
def test_scaling_can_be_undone(units: int, digits: int) -> None:
    assert scaled(unscaled(units, digits), digits) == units


@given(st.decimals(allow_nan=False, allow_infinity=False), st.integers(0, 6))
def test_scaling_is_exact_or_refused(number: Decimal, digits: int) -> None:
    try:
        units = scaled(number, digits)
    except Faulty:
        assert abs(number) * 10**digits > 2**63 - 2
    else:
        as_ratio = number.as_integer_ratio()
        assert (units is None) == (as_ratio[0] * 10**digits % as_ratio[1] != 0)
        assert units is None or units * as_ratio[1] == as_ratio[0] * 10**digits


def test_no_exponent_costs_time() -> None:
    started = time.process_time()
    for text in ("1E+999999999", "1E-999999999", "0E+999999999", "-9E+999999999"):
        for field_type in (Integer(), Number(), DecimalNumber(4)):
            try:
                field_type.canonical(Decimal(text), CONTEXT)
            except Faulty:
                continue
    assert time.process_time() - started < 0.5
