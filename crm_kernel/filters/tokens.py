"""Cuts a filter's text into tokens."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from crm_kernel.errors import Error
from crm_kernel.filters.faults import bad, too_much

MAX_CHARACTERS = 8000

_OPERATOR_WORDS = ("in", "between", "is", "null", "contains", "starts", "ends", "with", "matches")
KEYWORDS = frozenset(("or", "and", "not", "any", "none", "true", "false", *_OPERATOR_WORDS))

_PARTS = r"""(?P<blank>[ \t\r\n]+)
    | (?P<duration>[0-9]+[^\W\d_]\w*)
    | (?P<number>[0-9]+(?:\.[0-9]+)?)
    | (?P<name>[^\W\d]\w*)
    | (?P<variable>@\w*(?:\.\w*)?)
    | (?P<text>'(?:[^']|'')*')
    | (?P<symbol><=|>=|!=|[=<>(),.*+\-])"""
_TOKEN = re.compile(_PARTS, re.VERBOSE)
_ARITHMETIC = re.compile(_PARTS.replace("(?P<symbol>", "(?P<symbol>/|"), re.VERBOSE)


class Token(NamedTuple):
    """One token. `kind` is name, number, duration (`30d`), variable, text, symbol or end; `at` counts from 1."""

    kind: str
    text: str
    at: int
    end: int

    @property
    def keyword(self) -> str | None:
        """The keyword in lower case, if the token is one."""
        word = self.text.lower()
        return word if self.kind == "name" and word in KEYWORDS else None

    @property
    def words(self) -> str:
        """What stands there, for a message."""
        if self.kind == "end":
            return "end"
        if self.kind == "text":
            return f"text {shortened(self.text)}"
        return repr(self.text) if self.kind != "number" else f"number {shortened(self.text)}"


def shortened(text: str) -> str:
    """A quoted value for a message, at most 40 characters of it."""
    return text if len(text) <= 40 else text[:39] + "…"


def tokenize(text: str, *, arithmetic: bool = False) -> list[Token]:
    """All tokens, the last of kind `end`; with `arithmetic` those of formulas.

    Raises `bad_filter` for a text that cannot be cut or is too long.
    """
    pattern = _ARITHMETIC if arithmetic else _TOKEN
    if len(text) > MAX_CHARACTERS:
        raise too_much(MAX_CHARACTERS + 1, f"more than {MAX_CHARACTERS:,} characters")
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        found = pattern.match(text, position)
        if found is None:
            raise _unreadable(text, position)
        kind = str(found.lastgroup)
        if kind != "blank":
            tokens.append(Token(kind, found[0], position + 1, found.end() + 1))
        position = found.end()
    tokens.append(Token("end", "", len(text) + 1, len(text) + 1))
    return tokens


def unquoted(token: Token) -> str:
    """The value of a text token, in NFC. Raises `bad_filter` for what no stored text can hold."""
    value = token.text[1:-1].replace("''", "'")
    for offset, character in enumerate(value):
        if character == "\0" or unicodedata.category(character) == "Cs":
            raise bad(token.at, f"character U+{ord(character):04X} in the text", f"Unicode text (place {offset + 1})")
    return unicodedata.normalize("NFC", value)


def _unreadable(text: str, position: int) -> Error:
    character, at = text[position], position + 1
    if character == "'":
        return bad(at, "text without an end", "a closing ' (a quote inside is doubled: 'O''Brien')")
    if character in '"`‘’“”':
        return bad(at, f"quote {character}", "text in single quotes: '…'")
    hints = {"!": "'!=' or 'not'", "&": "'and'", "|": "'or'", "%": "no arithmetic", "/": "no arithmetic"}
    return bad(at, repr(character), hints.get(character, "a name, a value or an operator"))
