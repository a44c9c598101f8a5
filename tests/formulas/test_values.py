"""What formulas give: a table of formulas and values, and the law that money and decimals are exact."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.formulas.model import computed, eur


class Case(NamedTuple):
    """A formula of a type, a record, and the value it has."""

    text: str
    type: str
    record: dict[str, Any]
    value: Any


DAYS = {"day": "2026-01-31", "end": "2026-03-01"}
MOMENTS = {"at": "2026-03-01T22:30:00Z", "till": "2026-03-03T21:30:00.5Z"}
CASES = [
    # arithmetic
    Case("n + m", "integer", {"n": 2, "m": 3}, 5),
    Case("n - m - 1", "integer", {"n": 2, "m": 3}, -2),
    Case("n + m * 2", "integer", {"n": 2, "m": 3}, 8),
    Case("(n + m) * 2", "integer", {"n": 2, "m": 3}, 10),
    Case("-n", "integer", {"n": 2}, -2),
    Case("-(n - m)", "integer", {"n": 2, "m": 3}, 1),
    Case("n * -1", "integer", {"n": 2}, -2),
    Case("n / m", "number", {"n": 1, "m": 4}, 0.25),
    Case("n / m", "decimal", {"n": 2, "m": 3}, Decimal("0.67")),
    Case("n / m", "decimal", {"n": -1, "m": 8}, Decimal("-0.13")),
    Case("x + 0.2", "number", {"x": 0.1}, 0.3),
    Case("d * d", "decimal", {"d": Decimal("1.1111")}, Decimal("1.23")),
    Case("d * n", "decimal", {"d": Decimal("0.1"), "n": 3}, Decimal("0.30")),
    Case("place.size * 2", "number", {"place": {"size": 2.5}}, 5.0),
    # null in, null out; no value
    Case("n + m", "integer", {"n": 2}, None),
    Case("n / m", "number", {"n": 1, "m": 0}, None),
    Case("n / (m - m)", "number", {"n": 1, "m": 7}, None),
    Case("price / n", "money", {"price": eur("1"), "n": 0}, None),
    Case("n * n * n", "integer", {"n": 2**53 - 1}, None),
    Case("x * x", "number", {"x": 1e200}, None),
    Case("x * 100", "decimal", {"x": 1e30}, None),
    Case("place.size", "number", {"place": {"size": "much"}}, None),
    Case("place.size", "number", {"place": {}}, None),
    # money
    Case("price * n", "money", {"price": eur("10.50"), "n": 3}, eur("31.50")),
    Case("n * price", "money", {"price": eur("10.50"), "n": 3}, eur("31.50")),
    Case("price * 0.21", "money", {"price": eur("0.50")}, eur("0.11")),
    Case("price * x", "money", {"price": eur("1000.00"), "x": 0.07}, eur("70.00")),
    Case("price / 3", "money", {"price": eur("10.00")}, eur("3.33")),
    Case("price / 3", "money", {"price": eur("1000", "JPY")}, eur("333", "JPY")),
    Case("price + fee", "money", {"price": eur("1.10"), "fee": eur("2.20")}, eur("3.30")),
    Case("price - fee", "money", {"price": eur("1.10"), "fee": eur("2.20")}, eur("-1.10")),
    Case("price + fee", "money", {"price": eur("1.10"), "fee": eur("2.20", "USD")}, None),
    Case("price / fee", "number", {"price": eur("1.50"), "fee": eur("2.00")}, 0.75),
    Case("price / fee", "number", {"price": eur("1.50"), "fee": eur("2.00", "USD")}, None),
    Case("price.amount * 2", "decimal", {"price": eur("1.50")}, Decimal("3.00")),
    Case("price.currency", "text", {"price": eur("1.50")}, "EUR"),
    Case("price + 'EUR 5'", "money", {"price": eur("1.50")}, eur("6.50")),
    Case("price + '5'", "money", {"price": eur("1.50")}, eur("6.50")),
    Case("coalesce(price, 'EUR 0')", "money", {}, eur("0.00")),
    Case("-price", "money", {"price": eur("1.50")}, eur("-1.50")),
    Case("max(price, fee)", "money", {"price": eur("1.50"), "fee": eur("9.00")}, eur("9.00")),
    Case("max(price, fee)", "money", {"price": eur("1.50"), "fee": eur("9.00", "USD")}, None),
    # numbers
    Case("round(x)", "integer", {"x": 2.5}, 3),
    Case("round(x)", "integer", {"x": -2.5}, -3),
    Case("round(x, 1)", "number", {"x": 2.25}, 2.3),
    Case("round(n, -2)", "integer", {"n": 1250}, 1300),
    Case("round(price, 0)", "money", {"price": eur("2.50")}, eur("3.00")),
    Case("abs(n)", "integer", {"n": -7}, 7),
    Case("abs(d)", "decimal", {"d": Decimal("-1.2500")}, Decimal("1.25")),
    Case("min(n, m, 4)", "integer", {"n": 9, "m": 5}, 4),
    Case("min(n, m)", "integer", {"n": 9}, None),
    Case("max(n, x)", "number", {"n": 2, "x": 2.5}, 2.5),
    Case("coalesce(n, m, 0)", "integer", {"m": 5}, 5),
    Case("coalesce(n, m)", "integer", {}, None),
    # texts
    Case("concat(word, ' ', n)", "text", {"word": "a", "n": 5}, "a 5"),
    Case("concat(word, n)", "text", {"word": "a"}, None),
    Case("concat(x, '/', d, '/', on)", "text", {"x": 2.0, "d": Decimal("1.5000"), "on": True}, "2/1.5/true"),
    Case("concat(price, ' on ', day)", "text", {"price": eur("1.50"), **DAYS}, "EUR 1.50 on 2026-01-31"),
    Case("concat(' ', word)", "text", {"word": "a"}, "a"),
    Case("lower(word)", "text", {"word": "ČAU"}, "čau"),
    Case("upper(word)", "text", {"word": "čau"}, "ČAU"),
    Case("length(word)", "integer", {"word": "čau"}, 3),
    Case("upper('')", "text", {}, None),
    Case("pick", "text", {"pick": "small"}, "small"),
    Case("coalesce(pick, 'large')", "choice", {}, "large"),
    Case("'O''Brien'", "text", {}, "O'Brien"),
    # dates
    Case("day + 30", "date", DAYS, "2026-03-02"),
    Case("end - n", "date", {**DAYS, "n": 1}, "2026-02-28"),
    Case("day + n", "date", {**DAYS, "n": 10**9}, None),
    Case("max(day, end)", "date", DAYS, "2026-03-01"),
    Case("coalesce(day, '2026-05-01')", "date", {}, "2026-05-01"),
    Case("date_diff(end, day, 'd')", "integer", DAYS, 29),
    Case("date_diff(day, end, 'd')", "integer", DAYS, -29),
    Case("date_diff(end, day, 'w')", "integer", DAYS, 4),
    Case("date_diff(end, day, 'h')", "integer", DAYS, 696),
    Case("date_diff(end, day, 'm')", "integer", DAYS, 1),
    Case("date_diff('2026-02-28', day, 'm')", "integer", DAYS, 1),
    Case("date_diff('2026-02-27', day, 'm')", "integer", DAYS, 0),
    Case("date_diff('2028-01-30', day, 'y')", "integer", DAYS, 1),
    Case("date_diff(till, at, 'h')", "integer", MOMENTS, 47),
    Case("date_diff(till, at, 'd')", "integer", MOMENTS, 1),
    Case("date_diff(at, day, 'd')", "integer", {**DAYS, **MOMENTS}, 30),  # in Riga it is the 2nd of March
    Case("date_diff(at, day, 'd')", "integer", DAYS, None),
    Case("min(at, till)", "moment", MOMENTS, "2026-03-01T22:30:00Z"),
    # conditions
    Case("if(n > 5, 'large', 'small')", "choice", {"n": 6}, "large"),
    Case("if(n > 5, 'large', 'small')", "choice", {}, "small"),
    Case("if(n is null, 0, n)", "integer", {}, 0),
    Case("if(pick in ('small') and not on = true, n, m)", "integer", {"pick": "small", "n": 1, "m": 2}, 1),
    Case("if(any(tags, value = 'vip'), price, 'EUR 0')", "money", {"tags": ["vip"], "price": eur("5")}, eur("5.00")),
    Case("if(word contains 'ČA', 1, 0)", "integer", {"word": "čau"}, 1),
    Case("if(at < day, 1, 0)", "integer", {"at": "2026-01-30T22:30:00Z", **DAYS}, 0),  # in Riga it is that day
    Case("n > 5 and word is not null", "boolean", {"n": 6, "word": "a"}, True),
    Case("on", "boolean", {"on": False}, False),
    Case("if(on = true, false, true)", "boolean", {"on": True}, False),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.text} {case.record}"[:60])
@pytest.mark.contract("filters.md#formulas")
def test_a_formula_has_its_value(case: Case) -> None:
    found = computed(case.text, case.type, case.record)
    assert (found, type(found)) == (case.value, type(case.value))


AMOUNTS = st.integers(-(10**12), 10**12)


@given(AMOUNTS, AMOUNTS, AMOUNTS, st.integers(1, 10**6))
def test_money_and_decimals_are_exact(price: int, fee: int, rate: int, part: int) -> None:
    record = {
        "price": eur(str(Decimal(price).scaleb(-2))), "fee": eur(str(Decimal(fee).scaleb(-2))),
        "d": Decimal(rate).scaleb(-4), "n": part,
    }  # fmt: skip
    found = computed("(price - fee) * d / n + fee", "money", record)
    exact = Fraction(price - fee, 100) * Fraction(rate, 10**4) / part + Fraction(fee, 100)
    cents = abs(exact) * 100 + Fraction(1, 2)
    units = (-1 if exact < 0 else 1) * (cents.numerator // cents.denominator)
    assert found == (None if abs(units) > 2**63 - 2 else eur(str(Decimal(units).scaleb(-2))))
