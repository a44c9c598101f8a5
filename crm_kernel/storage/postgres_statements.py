"""From the kernel's bind marks to PostgreSQL's: `?` becomes `$1`, `$2` …"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import count

_MARK = re.compile(r"""'[^']*'|"[^"]*"|\?""")


@lru_cache(4096)
def numbered(sql: str) -> str:
    """The statement with numbered marks; what stands in quotes is left alone."""
    numbers = count(1)
    return _MARK.sub(lambda found: f"${next(numbers)}" if found[0] == "?" else found[0], sql)
