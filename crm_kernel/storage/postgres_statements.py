"""From the kernel's statements to PostgreSQL's: `?` becomes `$1`, `$2` …, and several writes become one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from typing import Any

_MARK = re.compile(r"""'[^']*'|"[^"]*"|\?""")
_TABLE = re.compile(r'(?:INSERT INTO|UPDATE) "?(\w+)')


@lru_cache(4096)
def numbered(sql: str) -> str:
    """The statement with numbered marks; what stands in quotes is left alone."""
    numbers = count(1)
    return _MARK.sub(lambda found: f"${next(numbers)}" if found[0] == "?" else found[0], sql)


def without_nul(value: Any) -> Any:
    """A text as PostgreSQL takes it: it has no NUL. Neither that nor what is put in its place is ever stored by us."""
    return value.replace("\0", "\x01") if isinstance(value, str) and "\0" in value else value


_ONE_OF = "= ANY(?)"


def of_one(sql: str, params: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    """The statement for lists of one value each, with the values bound by themselves; else as it is.

    PostgreSQL plans a statement that is given a list anew each time: 150 for 60 µs.
    """
    if _ONE_OF not in sql:
        return sql, params
    places = _lists(sql)
    if any(len(params[place]) != 1 for place in places):
        return sql, params
    bound = list(params)
    for place in places:
        (bound[place],) = params[place]
    return _plain(sql), bound


@lru_cache(4096)
def _lists(sql: str) -> tuple[int, ...]:
    """Which of the marks of a statement stand for whole lists."""
    marks = [found for found in _MARK.finditer(sql) if found[0] == "?"]
    return tuple(n for n, found in enumerate(marks) if sql.endswith(_ONE_OF[:-1], 0, found.end()))


@lru_cache(4096)
def _plain(sql: str) -> str:
    return sql.replace(_ONE_OF, "= ?")


_VALUES = re.compile(r"(INSERT INTO \S+ \([^()]*\)) VALUES \(([?, ]*)\)( ON CONFLICT .* DO UPDATE .*)?")
_THIS_VERSION = " WHERE id = ? AND version = ?"


@lru_cache(4096)
def together(statements: tuple[str, ...]) -> str | None:
    """One statement that does what several do, their values one after another; None where that is not sure.

    The first writes one row, or none if the record has another version by now. The others insert values beside it:
    only if it wrote its row, and after it, so that their numbers are given later than the transaction's id.
    """
    first, *others = statements
    inserts = [found.expand(r"\1 SELECT \2 FROM w0\3") for found in map(_VALUES.fullmatch, others) if found]
    tables = {found[1] for found in map(_TABLE.match, statements) if found}
    if not inserts or len(inserts) < len(others) or len(tables) < len(statements):  # parts do not see each other's rows
        return None
    if not (_VALUES.fullmatch(first) or first.endswith(_THIS_VERSION)):
        return None
    parts = [f"{first} RETURNING 1", *inserts[:-1]]
    return f"WITH {', '.join(f'w{n} AS ({sql})' for n, sql in enumerate(parts))} {inserts[-1]}"


def joined(rows: Sequence[Sequence[Any]]) -> list[Any]:
    """The values of several statements one after another."""
    return [value for row in rows for value in row]
