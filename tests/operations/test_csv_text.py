from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Any

import pytest

from crm_kernel.operations.csv_text import csv_line, csv_text, inert


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@x", "  =1+1", "\t=1", "\tx", "\rx", "\nx", "\u00a0=1", "\u200b=1", "\x01=1", "\uff1d1"],
)
def test_what_a_spreadsheet_would_run_is_made_text(text: str) -> None:
    assert inert(text) == f"'{text}"
    assert list(csv.reader(io.StringIO(csv_line([text]), newline=""))) == [[f"'{text}"]]
    assert list(csv.reader(io.StringIO(csv_line([text], lossless=True), newline=""))) == [[text]]


@pytest.mark.parametrize("text", ["", "a=b", "1-2", "Ozola", " x"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert inert(text) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (Decimal("1E+3"), "1000"),
        (-5, "-5"),
        ({"amount": Decimal("-2.50"), "currency": "EUR"}, "EUR -2.50"),
        ({"city": "Rīga"}, '{"city":"Rīga"}'),
        ([1, "a"], '[1,"a"]'),
        ("a", "a"),
    ],
)
def test_values_read_back_as_they_are(value: Any, text: str) -> None:
    assert csv_text(value) == text
    assert next(csv.reader([csv_line([value, "end"])])) == [text, "end"]
