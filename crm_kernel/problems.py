"""A fault in a file that people write, with its place (floor 1)."""

from __future__ import annotations

from typing import NamedTuple

import msgspec


class Place(NamedTuple):
    """Where in a text something stands; both count from 1."""

    line: int
    column: int


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One fault of crm.toml, a document or a mapping.

    `detail` is a sentence that says what was got and expected, `hint` what to do about it. `line` and `column` count
    from 1 and are None where the file as a whole is meant; `pointer` and `code` are set for documents.
    """

    file: str
    detail: str
    line: int | None = None
    column: int | None = None
    hint: str | None = None
    pointer: str | None = None
    code: str | None = None

    def sentence(self) -> str:
        """`crm.toml, line 3, column 12: … Hint: …`"""
        place = "" if self.line is None else f", line {self.line}, column {self.column}"
        hint = f" Hint: {self.hint}" if self.hint else ""
        return f"{self.file}{place}: {self.detail}{hint}"


def place_of(text: str, offset: int) -> Place:
    """The place of a character offset in a text."""
    before = text[:offset]
    return Place(before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1)
