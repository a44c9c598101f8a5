"""Locks that another process holds on the database."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tests.looking import Looker


@contextlib.contextmanager
def kept(look: Looker, table: str) -> Iterator[None]:
    """Keep everybody else from writing to a table: on SQLite, from writing at all. Reads go on."""
    if look.engine == "sqlite":
        look("BEGIN IMMEDIATE")
    else:
        look("BEGIN")
        look(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
    try:
        yield
    finally:
        look("ROLLBACK")
