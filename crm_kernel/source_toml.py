"""TOML as people write it: read, and each setting found again by its path (floor 1)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from crm_kernel.problems import Place, Problem, place_of

_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_DOTTED = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*"
_LINE = re.compile(
    rf"^[ \t]*(?:\[\[?[ \t]*(?P<table>{_DOTTED})[ \t]*\]|(?P<key>{_DOTTED})[ \t]*=[ \t]*(?P<value>))", re.M
)
_MISTAKE = re.compile(r"^(?P<what>.*?) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$", re.S)


class TomlText:
    """The data of a TOML text and where each of its keys and values stands.

    `tomllib` gives no places, so they are read from the text line by line: exact for tables, keys and dotted keys; a
    member of an inline table has the place of the table.
    """

    def __init__(self, file: str, text: str) -> None:
        """Reads the text. Raises `TomlFault` where it is not TOML."""
        self.file = file
        try:
            self.data: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise TomlFault(_mistake(file, text, str(error))) from error
        self._keys: dict[tuple[str, ...], Place] = {}
        self._values: dict[tuple[str, ...], Place] = {}
        for path, key, value in _entries(text):
            for length in range(1, len(path) + 1):
                self._keys.setdefault(path[:length], key)
                self._values.setdefault(path[:length], value)

    def problem(self, path: tuple[str, ...], detail: str, hint: str | None = None, *, key: bool = False) -> Problem:
        """The problem of the value at `path` (with `key` of its name); of what encloses it where it is missing."""
        places = self._keys if key else self._values
        known = next((path[:n] for n in range(len(path), 0, -1) if path[:n] in places), None)
        if known is None:
            return Problem(file=self.file, detail=detail, hint=hint)
        line, column = places[known]
        return Problem(file=self.file, line=line, column=column, detail=detail, hint=hint)


class TomlFault(ValueError):
    """A text is not TOML."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.sentence())


def _mistake(file: str, text: str, message: str) -> Problem:
    found = _MISTAKE.match(message)
    if found is None:
        return Problem(file=file, detail=f"not TOML: {message}.")
    line, column = found["line"], found["column"]
    place = Place(int(line), int(column)) if line else place_of(text, len(text))
    return Problem(file=file, line=place.line, column=place.column, detail=f"not TOML: {found['what']}.")


def _entries(text: str) -> Iterator[tuple[tuple[str, ...], Place, Place]]:
    """Each table and key in the order of the text: its path, the place of its name and of its value."""
    table: tuple[str, ...] = ()
    for found in _LINE.finditer(text):
        if found["table"]:
            table = _parts(found["table"])
            place = place_of(text, found.start("table"))
            yield table, place, place
        else:
            path = (*table, *_parts(found["key"]))
            yield path, place_of(text, found.start("key")), place_of(text, found.start("value"))


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_PART, dotted))
