"""The rules of ISO 3779 and 49 CFR 565, as pure functions."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from crm_automotive import vin
from hypothesis import given
from hypothesis import strategies as st

WORKED = "1G4AH59H45G118341"  # 49 CFR 565: sum 411, remainder 4
CHARACTERS = sorted(vin.VALUES)
numbers = st.text(CHARACTERS, min_size=17, max_size=17)


def valid(text: str) -> str:
    return text[:8] + vin.check_digit(text) + text[9:]


def test_the_worked_example() -> None:
    assert sum(w * vin.VALUES[c] for w, c in zip(vin.WEIGHTS, WORKED, strict=True)) == 411
    assert vin.check_digit(WORKED) == "4"
    found = vin.Vin(WORKED)
    assert (found.wmi, found.vds, found.vis, found.region) == ("1G4", "AH59H4", "5G118341", "North America")
    assert (found.is_checked, found.holds, vin.examine(WORKED)) == (True, True, None)


@given(numbers, st.integers(0, 16), st.sampled_from(CHARACTERS))
def test_a_character_of_another_value_is_found(text: str, place: int, other: str) -> None:
    """All weights but that of the check digit itself are prime to 11."""
    right = valid(text)
    wrong = right[:place] + other + right[place + 1 :]
    alike = other == right[8] if place == 8 else vin.VALUES[other] == vin.VALUES[right[place]]
    assert vin.Vin(right).holds
    assert vin.Vin(wrong).holds == alike


@given(numbers, st.integers(0, 15))
def test_neighbours_changed_about_are_found_where_their_weights_tell(text: str, place: int) -> None:
    right = valid(text)
    if 8 in (place, place + 1):
        return
    swapped = right[:place] + right[place + 1] + right[place] + right[place + 2 :]
    first, second = vin.VALUES[right[place]], vin.VALUES[right[place + 1]]
    weights = vin.WEIGHTS[place] - vin.WEIGHTS[place + 1]
    assert vin.Vin(swapped).holds == ((first - second) * weights % 11 == 0)


@given(numbers)
def test_what_is_written_otherwise_is_the_same(text: str) -> None:
    written = f"  {text[:3].lower()} {text[3:].lower()}\n"
    assert vin.normal(written) == text
    assert vin.normal(vin.normal(written)) == vin.normal(written)


@given(st.text(max_size=20))
def test_any_text_is_examined(text: str) -> None:
    number = vin.normal(text)
    finding = vin.examine(number)
    assert (vin.read(number) is None) <= (finding is not None)


@pytest.mark.parametrize(
    ("text", "code", "refused"),
    [
        ("1XPTD40X0JD456115", "check_digit", True),
        ("LFV2A21K0A3000001", "check_digit", True),
        ("WP0AB2A79PS167890", "check_digit", False),
        ("1G4AH59H45G11834O", "characters", True),
        ("1G4AH59H45G1183415", "length", True),
        ("1Q87T3N166389", "length", False),
        ("BA7-4711", "length", False),
        ("СЕМЬ", "length", True),
    ],
)
def test_findings(text: str, code: str, refused: bool) -> None:
    finding = vin.examine(text)
    assert finding is not None
    assert (finding.code, finding.refused) == (code, refused)


def test_model_years() -> None:
    """Thirty years apart; in North America the seventh character tells which."""
    for place, code in enumerate(vin.YEAR_CODES):
        old, new = (vin.Vin(f"1G4AH5{seventh}H4{code}G118341") for seventh in "9H")
        assert vin.model_years(old) == (1980 + place, 2010 + place)
        assert (vin.model_year(old), vin.model_year(new)) == (1980 + place, 2010 + place)
    assert vin.model_years(vin.Vin(WORKED[:9] + "0" + WORKED[10:])) == ()
    european = vin.Vin("WAUZZZF15MA234567")
    assert (vin.model_year(european), vin.model_years(european)) == (None, (1991, 2021))
    assert vin.year_differs(vin.Vin(WORKED), 2006)
    assert not vin.year_differs(vin.Vin(WORKED), 2035)
    assert not vin.year_differs(european, 2006)


def test_a_small_maker_is_known_by_six_characters() -> None:
    assert vin.Vin("1G9AH59H45G118341").wmi == "1G9/118"


def test_the_table_of_examples(shared_file: Callable[[str], Path]) -> None:
    with shared_file("automotive/vin_examples.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12
    for row in rows:
        number = vin.read(vin.normal(row["vin"]))
        assert number is not None
        assert number.holds == (row["iso3779_check"] == "valid"), row
        if row["vpic_model_year"]:
            assert vin.model_year(number) == int(row["vpic_model_year"])


def test_the_numbers_of_an_auction(shared_file: Callable[[str], Path]) -> None:
    """2,499 lots: one of 1973 with a short number, all others hold; the year is that of the number but for trailers
    and heavy trucks, where only the two candidates are known."""
    with shared_file("automotive/USA_cars_datasets.csv").open(encoding="utf-8") as file:
        rows = [(vin.normal(row["vin"]), int(row["year"])) for row in csv.DictReader(file)]
    findings = {(text, finding.code, finding.refused) for text, _ in rows if (finding := vin.examine(text))}
    assert findings == {("1Q87T3N166389", "length", False)}
    read = [(number, year) for text, year in rows if (number := vin.read(text))]
    assert len(read) == 2498
    assert not [number for number, year in read if vin.year_differs(number, year)]
    told = [(number, year) for number, year in read if vin.model_year(number)]
    assert len(told) == 2328
    assert {n.wmi for n, year in told if vin.model_year(n) != year} == {"5SF", "1XP"}
