from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_kernel.fields.folding import fold, word_class, words


@pytest.mark.contract("filters.md#text-folded")
@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Jānis Bērziņš", "janis berzins"),
        ("ŁÓDŹ", "łodz"),
        ("Straße", "strasse"),
        ("İstanbul", "istanbul"),
        ("ﬁne", "fine"),
        ("Ελλάς", "ελλασ"),
        ("Москва́", "москва"),
        ("ｆｕｌｌ", "full"),
        ("हिन्दी", "हनद"),
        ("PLAIN", "plain"),
    ],
)
def test_case_and_accents_are_gone(text: str, folded: str) -> None:
    assert fold(text) == folded


IOTA_BELOW = "\u0345"
"""A mark, so it is dropped; but Unicode's casefold makes a letter of it."""


@given(st.text())
def test_what_is_folded_stays_as_it_is(text: str) -> None:
    once = fold(fold(text))
    assert fold(once) == once


@given(st.text().filter(lambda text: IOTA_BELOW not in normalize("NFKD", text)))
def test_case_makes_no_difference(text: str) -> None:
    assert fold(fold(text.casefold())) == fold(fold(fold(text)))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Brīvības iela 45-12", ["brivibas", "iela", "45", "12"]),
        ("a_b", ["a", "b"]),
        ("…", []),
        ("O'Brien", ["o", "brien"]),
    ],
)
def test_words_are_letters_and_digits(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_names_of_the_world_keep_at_least_a_letter(shared_file: Callable[[str], Path]) -> None:
    with shared_file("names/common-forenames-by-country.csv").open(encoding="utf-8-sig") as file:
        names = {row["Localized Name"] for row in csv.DictReader(file)}
    assert names
    assert [name for name in names if name.strip() and not words(name)] == []


def test_the_class_of_word_characters_is_pythons() -> None:
    points = iter(word_class())
    ranges = [(low, next(points), next(points)) for low in points]
    assert {dash for _, dash, _ in ranges} == {"-"}
    for character in "a9Zāß中१²_- .\u0301\U0001f600\U0010ffff":
        assert any(low <= character <= high for low, _, high in ranges) == character.isalnum()
