"""How text is made comparable without case and accents, and split into words. Filters, sorting and search share it."""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache, lru_cache

_WORD = re.compile(r"[^\W_]+")
_USUAL_MARKS = re.compile("[\u0300-\u036f]+")  # all of category Mn: names in Latin script need no look at each letter

_SHORT = 32
"""Characters up to which a text is remembered with what it is folded to."""


def fold(text: str) -> str:
    """The text without case and accents: NFKD, marks (categories Mn, Mc, Me) dropped, casefolded."""
    if text.isascii():
        return text.lower()
    return _remembered(text) if len(text) <= _SHORT else _fold(text)


def _fold(text: str) -> str:
    plain = _USUAL_MARKS.sub("", unicodedata.normalize("NFKD", text))
    if not plain.isascii():
        plain = "".join(c for c in plain if unicodedata.category(c)[0] != "M")
    return plain.casefold()


_remembered = lru_cache(4096)(_fold)  # names and places come again and again: 0.1 µs against 1


def words(text: str) -> list[str]:
    """The folded words of a text, split at what is neither letter nor digit."""
    return split_words(fold(text))


def split_words(folded: str) -> list[str]:
    """The words of a text that is folded already."""
    return _WORD.findall(folded)


@cache
def word_class(last: int = sys.maxunicode) -> str:
    """The letters and digits up to a code point, as `a-b` ranges, for SQL patterns that split words as `words` does.

    Computed from Python's own tables, so that both sides agree on every character; needed only where a filter uses
    `matches`, and not worth its 0.1 s at import.
    """
    ranges: list[str] = []
    start: int | None = None
    for point in range(last + 2):
        inside = point <= last and chr(point).isalnum()
        if inside and start is None:
            start = point
        elif not inside and start is not None:
            ranges.append(f"{chr(start)}-{chr(point - 1)}")
            start = None
    return "".join(ranges)
