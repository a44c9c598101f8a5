"""From the rows of a file to changes, batch by batch, and from the outcomes back to the rows (floor 7)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from crm_kernel.errors import Fault
from crm_kernel.fields.base import Faulty
from crm_kernel.operations.changes import AnyChange, Change, Found
from crm_kernel.operations.import_mapping import Column, Plan
from crm_kernel.operations.outcomes import Outcome

Duplicates = Literal["error", "skip", "update", "create"]

BATCH = 500
"""Rows of a transaction, at least, where nobody else writes."""
QUIET = 10.0
"""Seconds without a write of another process after which nobody is taken to wait."""


class Pace(NamedTuple):
    """How many rows a transaction has, at least and at most, and in between as many as it stores in `seconds`."""

    least: int
    most: int
    seconds: float


ALONE = Pace(BATCH, 3000, 0.4)
"""Where no other process has the database open. Fewer COMMITs write the pages of indexes less often: beside those of
`QUIETLY` a fifth off an import."""
QUIETLY = Pace(BATCH, 1000, 0.08)
"""Where another could write, but none does."""
SHARED = Pace(40, 1000, 0.012)
"""Where others write too: they wait so long for their turn. The p99 of single writes went from 84 to 31 ms."""

_FOUND: Mapping[Duplicates, Found] = {"error": "refuse", "skip": "skip", "update": "update"}
_UNREADABLE = "\0"
"""Sent in place of a cell that could not be read: no field takes it, so the row is refused with all its faults."""


class Row(NamedTuple):
    """One row: `values` by field (None: a blank cell), `faults` of cells that could not be read, by pointer.

    `skipped`: the mapping passes it over.
    """

    number: int
    cells: list[str]
    values: dict[str, Any]
    faults: dict[str, Fault]
    skipped: bool = False

    @property
    def is_sent(self) -> bool:
        """Whether a change is made of it."""
        return not self.skipped and "" not in self.faults

    def fail(self, column: Column, code: str, detail: str) -> None:
        """Note that the cell of a column cannot be read."""
        name = column.field.name
        self.values[name] = _UNREADABLE
        self.faults[f"/{name}"] = Fault(pointer=f"/{name}", code=code, detail=detail, row=self.number)


def pace(quiet: float, alone: Callable[[], bool]) -> Pace:
    """What transactions may take now: others wrote `quiet` seconds ago; `alone` says whether there are any."""
    if quiet < QUIET:
        return SHARED
    return ALONE if alone() else QUIETLY


class Refusal(NamedTuple):
    """A row that was not taken, and why."""

    number: int
    cells: list[str]
    faults: list[Fault]


class Size:
    """How many rows a batch has, settled by how long the one before took."""

    def __init__(self) -> None:
        self.rows = SHARED.least  # whether others write is not known before the first was stored

    def took(self, rows: int, seconds: float, pace: Pace) -> None:
        """Note how long the transaction of a batch of so many rows was; what is far from full tells nothing.

        `pace`: what those to come may have.
        """
        if rows >= SHARED.least:
            fitting = max(pace.least, min(pace.most, int(rows * pace.seconds / seconds)))
            self.rows = min(fitting, 2 * rows)  # step by step: who else writes shows only afterwards


def batches(rows: Iterable[tuple[int, list[str]]], plan: Plan, size: Size) -> Iterator[list[Row]]:
    """The rows in batches. A row that may refer to an earlier one begins a new batch: it meets that one as stored."""
    batch: list[Row] = []
    names = _Names(plan)
    for number, cells in rows:
        row = read_row(plan, number, cells)
        if len(batch) >= size.rows or names.may_refer(row):
            yield batch
            batch = []
            names.forget()
        batch.append(row)
        names.add(row)
    if batch:
        yield batch


def read_row(plan: Plan, number: int, cells: list[str]) -> Row:
    """What the cells of one row say."""
    row = Row(number, cells, {}, {})
    if len(cells) != plan.width:
        code = "maxItems" if len(cells) > plan.width else "minItems"
        detail = f"The row has {len(cells)} cells; the header has {plan.width}."
        row.faults[""] = Fault(pointer="", code=code, detail=detail, row=number)
        return row
    if any(cells[place].strip() in passed for place, passed in plan.skip):
        return row._replace(skipped=True)
    values = row.values
    if plan.prefixes:
        cells = [*cells, *(f"{prefix}{number}" for prefix in plan.prefixes)]
    for column in plan.columns:
        place, _, field, read, _, blank = column
        text = cells[place]
        if not text or text.isspace():
            values[field.name] = blank
        elif read is None:
            values[field.name] = text
        else:
            try:
                values[field.name] = read(text)
            except Faulty as faulty:
                row.fail(column, faulty.faults[0].code, faulty.faults[0].detail)
    values.update(plan.constants)
    for field in plan.key:
        value = values[field.name]
        try:
            values[field.name] = None if value is None else field.type.canonical(value, plan.context)
        except Faulty:
            continue  # the write door says what is wrong with it
    return row


class _Names:
    """By which values of a batch a later row may refer to its rows: references to the entity of the file itself."""

    def __init__(self, plan: Plan) -> None:
        self._columns = [c for c in plan.columns if c.match and c.field.options.reference == plan.entity]
        self._fields = {c.match.name for c in self._columns if c.match}
        self._seen: set[Any] = set()

    def may_refer(self, row: Row) -> bool:
        return any(row.values.get(c.field.name) in self._seen for c in self._columns) if self._seen else False

    def add(self, row: Row) -> None:
        if self._fields:
            self._seen.update(v for v in map(row.values.get, self._fields) if v is not None)

    def forget(self) -> None:
        self._seen.clear()


def to_change(plan: Plan, row: Row, duplicates: Duplicates) -> AnyChange:
    """The change a row asks for. A row with an empty key is no duplicate of any other."""
    on = () if duplicates == "create" else tuple(field.name for field in plan.key)
    if not on or any(row.values[name] is None for name in on):
        sent = {name: value for name, value in row.values.items() if value is not None}
        return Change("create", plan.entity, values=sent)
    return Change("upsert", plan.entity, on=on, values=row.values, found=_FOUND[duplicates], sparse=True)


class Result(NamedTuple):
    """What became of the rows of one batch."""

    counts: dict[str, int]
    refusals: list[Refusal]


_COUNTED = {"moved": "updated", "failed": "refused"}


def result(rows: Sequence[Row], sent: Sequence[Row], outcomes: Sequence[Outcome]) -> Result:
    """Counts and refused rows of a batch: `rows` are all, `sent` those with an outcome."""
    skipped = sum(row.skipped for row in rows)
    unread = len(rows) - len(sent) - skipped
    counts = {"created": 0, "updated": 0, "unchanged": 0, "skipped": skipped, "refused": unread}
    refusals = [Refusal(row.number, row.cells, list(row.faults.values())) for row in rows if "" in row.faults]
    for row, outcome in zip(sent, outcomes, strict=True):
        counts[_COUNTED.get(outcome.outcome, outcome.outcome)] += 1
        if outcome.error is not None:
            refusals.append(Refusal(row.number, row.cells, _faults(row, outcome.error.faults)))
    return Result(counts, sorted(refusals))


def _faults(row: Row, found: Iterable[Fault]) -> list[Fault]:
    """The faults of a refused row; of a cell that could not be read, why it could not."""
    return [row.faults.get(fault.pointer) or fault.at(row=row.number) for fault in found]
