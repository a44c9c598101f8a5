"""What a read is compiled to: what each row shows, its conditions, and the ways to its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from crm_kernel.filters.sql import Sql
from crm_kernel.model import EntityModel
from crm_kernel.storage.decoding import Cell
from crm_kernel.storage.few import Few, are_many
from crm_kernel.storage.list_use import Slow
from crm_kernel.storage.ports import Row
from crm_kernel.storage.select import Columns, OrderBy, select

VERSION_AT = 1
"""Where a row has the record's version: `id` and `version` are always read, and first."""


class Path(NamedTuple):
    """A path in `fields`: a flat member of the answer, made of one or two columns."""

    name: str
    columns: tuple[Sql, ...]
    convert: Callable[..., Any] | None

    def cell(self) -> Cell:
        """As a member of an answer."""
        return Cell(self.name, len(self.columns), self.convert)


class Shown(NamedTuple):
    """What is read of each row: a record, then paths. `answer` makes what is encoded."""

    model: EntityModel
    paths: tuple[Path, ...]
    columns: Columns
    answer: Callable[[Row], Any]


class FewPlan(NamedTuple):
    """Another way to the rows of a list, for where `few.has_many` is not so: `where` holds of those of `few.ids`.

    `sure`: it is better than any other then.
    """

    few: Few
    where: tuple[Sql, ...]
    first_page: Sql
    sure: bool = False


class Asked(NamedTuple):
    """Ways, the best first, and a SELECT of which of them have many rows."""

    ways: tuple[FewPlan, ...]
    has_many: Sql


class OrderedPlan(NamedTuple):
    """Another way: through the keys of his rules, where indexes hold the records of each in the order of the list."""

    branches: tuple[Sql, ...]
    where: tuple[Sql, ...]
    first_page: Sql


class Plan(NamedTuple):
    """A compiled list: what each row shows, conditions and sort keys; `position` is where a row has their values.

    `found` is a way through the words that are searched, `few` one through the keys of his row rules; `asked` tells
    which of them to take, `asked_in_order` the same where `ordered` is the way if not `found`. `slow` says what would
    need an index that is not there.
    """

    shown: Shown
    read: tuple[Sql, ...]
    position: tuple[int, ...]
    order: tuple[OrderBy, ...]
    where: tuple[Sql, ...]
    first_page: Sql
    found: FewPlan | None = None
    few: FewPlan | None = None
    ordered: OrderedPlan | None = None
    slow: Slow | None = None
    asked: Asked | None = None
    asked_in_order: Asked | None = None


class Single(NamedTuple):
    """A compiled read of one record or of several, their ids bound where `IDS` stands."""

    shown: Shown
    sql: Sql


def asked(*ways: FewPlan | None) -> Asked | None:
    there = tuple(way for way in ways if way is not None)
    return Asked(there, are_many([way.few for way in there])) if there else None


def page(
    model: EntityModel, read: Sequence[Sql], order: Sequence[OrderBy], where: Sequence[Sql], among: Sql | None = None
) -> Sql:
    return select(model, read, where=where, order=order, limit=True, among=among)


def with_keys(columns: tuple[Sql, ...], order: Iterable[OrderBy]) -> tuple[tuple[Sql, ...], tuple[int, ...]]:
    """The columns with those sort keys that are not among them, and where each key stands."""
    read = list(columns)
    for key in order:
        if key.sql not in read:
            read.append(key.sql)
    return tuple(read), tuple(read.index(key.sql) for key in order)
