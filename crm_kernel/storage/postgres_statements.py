"""From the kernel's statements to PostgreSQL's: `?` becomes `$1`, `$2` …, and several writes become one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import count

_MARK = re.compile(r"""'[^']*'|"[^"]*"|\?""")
_TABLE = re.compile(r'(?:INSERT INTO|UPDATE) "?(\w+)')


@lru_cache(4096)
def numbered(sql: str) -> str:
    """The statement with numbered marks; what stands in quotes is left alone."""
    numbers = count(1)
    return _MARK.sub(lambda found: f"${next(numbers)}" if found[0] == "?" else found[0], sql)


@lru_cache(4096)
def together(statements: tuple[str, ...]) -> str | None:
    """One statement that does what several do, their values one after another.

    None where two write to one table: the parts of one statement do not see each other's rows.
    """
    tables = [found[1] for found in map(_TABLE.match, statements) if found]
    if len(set(tables)) < len(statements):
        return None
    *others, last = statements
    return f"WITH {', '.join(f'w{n} AS ({sql})' for n, sql in enumerate(others))} {last}"


def joined(rows: Sequence[Sequence[object]]) -> list[object]:
    """The values of several statements one after another."""
    return [value for row in rows for value in row]
