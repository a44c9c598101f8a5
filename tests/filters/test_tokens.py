"""Cutting text into tokens."""

from __future__ import annotations

import pytest

from crm_kernel.errors import Error
from crm_kernel.filters.tokens import tokenize, unquoted


def test_tokens_know_their_columns() -> None:
    tokens = tokenize("a >= -1.5 and b='x''y' @today+30d")
    assert [(t.kind, t.text, t.at, t.end) for t in tokens] == [
        ("name", "a", 1, 2),
        ("symbol", ">=", 3, 5),
        ("symbol", "-", 6, 7),
        ("number", "1.5", 7, 10),
        ("name", "and", 11, 14),
        ("name", "b", 15, 16),
        ("symbol", "=", 16, 17),
        ("text", "'x''y'", 17, 23),
        ("variable", "@today", 24, 30),
        ("symbol", "+", 30, 31),
        ("duration", "30d", 31, 34),
        ("end", "", 34, 34),
    ]


@pytest.mark.contract("filters.md#keywords-any-case")
def test_keywords_in_any_case() -> None:
    assert [t.keyword for t in tokenize("AND oR nUll name")] == ["and", "or", "null", None, None]


@pytest.mark.contract("filters.md#text-literal")
def test_a_doubled_quote_is_one() -> None:
    assert unquoted(tokenize("'O''Brien'")[0]) == "O'Brien"
    assert unquoted(tokenize("''")[0]) == ""


def test_texts_are_read_as_nfc() -> None:
    assert unquoted(tokenize("'e\u0301'")[0]) == "\u00e9"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = 'x", "unexpected text without an end at 5: expected a closing ' (a quote inside is doubled: 'O''Brien')"),
        ('a = "x"', "unexpected quote \" at 5: expected text in single quotes: '…'"),
        ("a ! b", "unexpected '!' at 3: expected '!=' or 'not'"),
        ("a & b", "unexpected '&' at 3: expected 'and'"),
        ("a | b", "unexpected '|' at 3: expected 'or'"),
        ("a % b", "unexpected '%' at 3: expected no arithmetic"),
        ("a ; b", "unexpected ';' at 3: expected a name, a value or an operator"),
        ("a = 'x\0'", "unexpected character U+0000 in the text at 5: expected Unicode text (place 2)"),
        ("a = '\ud800'", "unexpected character U+D800 in the text at 5: expected Unicode text (place 1)"),
    ],
)
def test_what_cannot_be_cut(text: str, message: str) -> None:
    with pytest.raises(Error) as caught:
        [unquoted(t) for t in tokenize(text) if t.kind == "text"]
    assert caught.value.code == "bad_filter"
    assert caught.value.detail == message


@pytest.mark.contract("filters.md#limit-length")
def test_at_most_8000_characters() -> None:
    assert tokenize(" " * 8000)[0].kind == "end"
    with pytest.raises(Error, match="more than 8,000 characters at 8001"):
        tokenize(" " * 8001)


def test_long_values_are_shortened_in_messages() -> None:
    token = tokenize(f"'{'x' * 100}'")[0]
    assert token.words == "text '" + "x" * 38 + "…"
