from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_kernel.schema.patterns import compiled, is_linear, is_multiple


@pytest.mark.contract("http-api.md#fault-multiple-of")
@pytest.mark.parametrize(
    ("value", "step", "valid"),
    [
        (4.35, 0.01, True),
        (Decimal("4.35"), Decimal("0.01"), True),
        (Decimal("0.07"), 0.01, True),
        (19.99, 0.01, True),
        (Decimal("4.355"), 0.01, False),
        (0.3, 0.1, True),
        (Decimal("1E+400"), Decimal("0.01"), True),
        (Decimal("1E-999999999"), 0.01, False),
        (Decimal("1E+999999999"), 7, False),
        (Decimal("0E-999999999"), 7, True),
        (Decimal("-7.5"), Decimal("2.5"), True),
        (7, 2, False),
        (100, Decimal("1E+2"), True),
        (True, 2, True),
        ("7", 2, True),
        (Decimal("NaN"), 2, False),
    ],
)
def test_multiple_of_is_decimal_exact(value: Any, step: Any, valid: bool) -> None:
    started = time.process_time()
    assert compiled({"multipleOf": step}).is_valid(value) is valid
    assert time.process_time() - started < 0.5


@pytest.mark.contract("http-api.md#fault-multiple-of")
@given(
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=Decimal("0.0001"), max_value=10**9),
)
def test_multiples_are_those_of_fractions(value: Decimal, step: Decimal) -> None:
    (a, b), (c, d) = value.as_integer_ratio(), step.as_integer_ratio()
    assert is_multiple(value, step) == (a * d % (b * c) == 0)


@pytest.mark.contract("documents.md#linear-patterns")
@pytest.mark.parametrize("pattern", ["(?=a)", "(?!a)", "(?<=a)b", r"(a)\1", "(", "a{1000}{1000}", "(?P<x>a)(?P=x)"])
def test_patterns_that_need_backtracking_are_refused(pattern: str) -> None:
    assert not is_linear(pattern)


@pytest.mark.parametrize("pattern", ["^a+$", r"^\p{L}+$", r"^\d{4}-\d\d$", "(?i)x", "[a-z]*?"])
def test_other_patterns_are_taken(pattern: str) -> None:
    assert is_linear(pattern)


@pytest.mark.contract("documents.md#linear-patterns")
def test_a_pattern_runs_in_linear_time() -> None:
    validator = compiled({"pattern": "^(a+)+$"})
    started = time.process_time()
    assert not validator.is_valid("a" * 100_000 + "!")
    assert time.process_time() - started < 1


@pytest.mark.contract("documents.md#format-asserted")
@pytest.mark.parametrize(
    ("format", "good", "bad"),
    [
        ("email", "a@example.org", "a"),
        ("date", "2026-03-01", "2026-02-30"),
        ("date-time", "2026-03-01T10:00:00Z", "2026-03-01T10:00:00"),
        ("uri", "https://example.org", "example"),
        ("uuid", "0192d7a0-0000-7000-8000-00000000000a", "x"),
        ("ipv4", "10.0.0.1", "10.0.0"),
        ("regex", "a+", "("),
    ],
)
def test_formats_are_asserted(format: str, good: str, bad: str) -> None:
    validator = compiled({"format": format})
    assert validator.is_valid(good)
    assert not validator.is_valid(bad)


@pytest.mark.contract("documents.md#ref-same-document")
@pytest.mark.parametrize("ref", ["https://example.org/x.json", "file:///etc/passwd", "http://127.0.0.1:1/"])
def test_nothing_is_ever_fetched(ref: str) -> None:
    with pytest.raises(jsonschema_rs.ValidationError, match=r"[Rr]etriev"):
        compiled({"$ref": ref})
