from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_kernel.fields.base import Faulty, ValueContext
from crm_kernel.fields.contact import Email, Phone, Url, normal_phone

LATVIA = ValueContext(region="LV")


@pytest.mark.contract("documents.md#email-normal")
@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (" Anna.Ozola@Example.ORG ", "Anna.Ozola@example.org"),
        ('"a@B"@EXAMPLE.org', '"a@B"@example.org'),
        ("nobody", "nobody"),
    ],
)
def test_the_domain_is_in_lower_case(sent: str, stored: str) -> None:
    assert Email().canonical(sent, LATVIA) == stored


@pytest.mark.contract("documents.md#phone-normal")
@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("21234567", "+37121234567"),
        ("+371 2123 4567", "+37121234567"),
        ("0037121234567", "+37121234567"),
        ("+37121234567", "+37121234567"),
        ("+39 06 698 12345", "+390669812345"),
        ("(+1) 201-555-0123", "+12015550123"),
        ("", None),
    ],
)
def test_numbers_are_e164_by_the_region(sent: str, stored: str | None) -> None:
    assert Phone().canonical(sent, LATVIA) == stored


@pytest.mark.contract("documents.md#phone-normal")
@pytest.mark.parametrize(
    "sent", ["no number", "112", "+3712123456", "+99912345678", "+37112345678", "+1 201-555-0123 ext. 5", "+0123456789"]
)
def test_what_cannot_be_a_number_is_refused(sent: str) -> None:
    with pytest.raises(Faulty) as caught:
        Phone().canonical(sent, LATVIA)
    assert caught.value.faults[0].code == "format"


def refused(text: str, region: str) -> bool:
    try:
        normal_phone(text, region)
    except Faulty:
        return True
    return False


def test_numbers_of_all_regions(shared_file: Callable[[str], Path]) -> None:
    with shared_file("phones/example_numbers.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    good = [row for row in rows if row["validity"] == "valid"]
    assert [r for r in good for f in ("e164", "international") if normal_phone(r[f], r["region"]) != r["e164"]] == []
    assert [r["e164"] for r in rows if r["validity"] == "invalid" and not refused(r["e164"], r["region"])] == []


@given(st.sampled_from([1, 7, 39, 44, 49, 371, 48, 370, 500, 800]), st.text("0123456789", min_size=4, max_size=13))
def test_the_fast_path_says_what_the_library_says(code: int, rest: str) -> None:
    text = f"+{code}{rest}"
    try:
        number = phonenumbers.parse(text, "LV")
        valid = phonenumbers.is_valid_number(number)
    except phonenumbers.NumberParseException:
        valid = False
    assert refused(text, "LV") == (not valid)


def test_urls_are_kept() -> None:
    assert Url().canonical(" HTTPS://Example.org/A ", LATVIA) == "HTTPS://Example.org/A"
