"""Whether both sides have the same indexes: without that a ratio says nothing."""

from __future__ import annotations

import sqlite3
from pathlib import Path


def indexes(database: Path, table: str) -> set[tuple[str, ...]]:
    """The columns of each index of a table; a folded column counts as the text it is made of."""
    db = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    names = [row[1] for row in db.execute(f"PRAGMA index_list('{table}')")]
    found = {
        tuple(str(row[2]).removesuffix("__fold") for row in db.execute(f"PRAGMA index_info('{name}')"))
        for name in names
    }
    db.close()
    return found


def differences(floor: Path, framework: Path) -> list[str]:
    """What only one side has, as lines for the reader of the table."""
    ours, theirs = indexes(framework, "e_contact"), indexes(floor, "contact")
    only = [("framework", ours - theirs), ("floor", theirs - ours)]
    return [f"only the {side} has an index on {', '.join(columns)}" for side, few in only for columns in sorted(few)]
