"""The steps from the tables that are to those that are declared, as data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Literal, NamedTuple

from crm_kernel.errors import Fault
from crm_kernel.storage.columns import quoted
from crm_kernel.storage.ports import EngineDialect
from crm_kernel.storage.search_index import SearchIndex

ASIDE = "__off"
"""The suffix of columns of a document's field whose name a plugin has taken; names have 63 bytes at most."""
_OLD = re.compile("__o[0-9]+$")
_ADD = "ADD COLUMN "

Changed = Literal[
    "create_table", "add_column", "rename_column", "hide_column", "adopt", "convert", "add_index", "drop_index"
]


class Step(NamedTuple):
    """One change of the database.

    `entity` is None for the kernel's own tables, `sql` "" where nothing is run, `deferred` where it reads all rows and
    is run after the transaction. `source` is the column that a renamed one was, or whose values an adopted one takes.
    An index of words (`search`) is made in the transaction, and filled after it where it is deferred.
    """

    entity: str | None
    change: Changed
    name: str
    sql: str
    deferred: bool = False
    source: str = ""
    search: SearchIndex | None = None


class DdlPlan(NamedTuple):
    """What has to be done, in order, and what cannot be done."""

    steps: list[Step]
    faults: list[Fault]

    def origin(self, entity: str, column: str) -> str | None:
        """What gives the future value of a column in the table as it is now, as SQL; None where it will be empty."""
        mine = [step for step in self.steps if step.entity == entity]
        if any(step.change == "create_table" for step in mine):
            return None
        adopted = next((s for s in mine if s.change == "adopt" and s.name == column), None)
        found = self._column(mine, column)
        if adopted is None:
            return None if found is None else f"t.{quoted(found)}"
        other = self._column(mine, adopted.source)
        both = [f"t.{quoted(name)}" for name in (found, other) if name is not None]
        return both[0] if len(both) == 1 else f"coalesce({', '.join(both)})"

    @staticmethod
    def _column(steps: list[Step], column: str) -> str | None:
        for step in reversed(steps):
            if step.name == column and step.change == "add_column":
                return None
            if step.name == column and step.change == "rename_column":
                column = step.source
        return column


def is_retired(column: str) -> bool:
    """Whether a column is kept only: set aside for a plugin, or of a type that its field has no more."""
    return column.endswith(ASIDE) or _OLD.search(column) is not None


def retired(column: str, number: int) -> str:
    """What a column is called that its field has no more."""
    return f"{column}__o{number}"


def joined(steps: Iterable[Step], dialect: EngineDialect) -> Iterator[Step]:
    """Steps as they are run: where the engine can, columns that are added one after another are one statement.

    Each statement of PostgreSQL that changes a table is a round trip, while all others wait for the table.
    """
    if not dialect.adds_columns_together:
        yield from steps
        return
    for adding, group in groupby(steps, lambda step: step.change == "add_column" and _alter(step)):
        first, *others = group
        if adding:
            yield first._replace(sql=", ".join([first.sql, *(_ADD + added_column(step) for step in others)]))
        else:
            yield from (first, *others)


def added_column(step: Step) -> str:
    """The definition of the column that a step `add_column` adds."""
    return step.sql.partition(_ADD)[2]


def _alter(step: Step) -> str:
    return step.sql.partition(_ADD)[0]


def add_step(entity: str | None, table: str, name: str, definition: str) -> Step:
    """The step that adds a column."""
    return Step(entity, "add_column", name, f"ALTER TABLE {quoted(table)} {_ADD}{definition}")


def rename_step(entity: str | None, table: str, old: str, new: str) -> Step:
    """The step that gives a column another name."""
    sql = f"ALTER TABLE {quoted(table)} RENAME COLUMN {quoted(old)} TO {quoted(new)}"
    return Step(entity, "rename_column", new, sql, source=old)
