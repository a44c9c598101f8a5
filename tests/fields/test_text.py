from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_kernel.fields.base import Faulty, ValueContext
from crm_kernel.fields.text import Text, clean

CONTEXT = ValueContext()


@pytest.mark.contract("documents.md#text-normal")
@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("  Jānis ", "Jānis"),
        ("Ja\u0304nis", "Jānis"),
        ("\u00a0x\u2003", "x"),
        ("a  b", "a  b"),
        ("", None),
        (" \n ", None),
    ],
)
def test_text_is_trimmed_and_nfc(sent: str, stored: str | None) -> None:
    assert Text().canonical(sent, CONTEXT) == stored


@pytest.mark.contract("documents.md#bad-characters")
@pytest.mark.parametrize("bad", ["a\0b", "\0", "\ud800", "ā\udfff", "\ud800x"])
def test_characters_that_no_column_holds_are_refused(bad: str) -> None:
    with pytest.raises(Faulty) as caught:
        Text().canonical(bad, CONTEXT)
    assert [(fault.pointer, fault.code) for fault in caught.value.faults] == [("", "format")]


def test_the_folded_copy_stands_beside_it() -> None:
    assert Text().to_columns("Jānis ŠULC") == ("Jānis ŠULC", "janis sulc")


@given(st.text())
def test_what_is_clean_stays_as_it_is(text: str) -> None:
    try:
        found = clean(text)
    except Faulty:
        assert "\0" in text or any("\ud800" <= c <= "\udfff" for c in text)
    else:
        assert found is None or (clean(found) == found and unicodedata.is_normalized("NFC", found))
