"""A rollup measured over records in hand: what the database finds over those that are stored."""

from __future__ import annotations

from typing import Any

from crm_kernel.filters.environment import Environment, Row
from crm_kernel.filters.to_predicate import to_predicate
from crm_kernel.formulas.rollup import Rollup


class Measure:
    """Takes live records of the rollup's `child` one by one; `value` is what they come to for each that they name."""

    def __init__(self, rollup: Rollup) -> None:
        self.rollup = rollup
        self._holds = None if rollup.where is None else to_predicate(rollup.where)
        self._rows: dict[str, list[Any]] = {}

    def take(self, record: Row, environment: Environment) -> None:
        """Count one record."""
        id = record[self.rollup.reference]
        if id is None or (self._holds is not None and not self._holds(record, environment)):
            return
        value, *currency = self.rollup.stored(record, environment)
        if value is None:
            return
        row = self._rows.setdefault(id, [0, None, None, None, None, None])
        row[0] += 1
        if self.rollup.place is None:
            return
        match self.rollup.measure:
            case "min":
                row[2] = value if row[2] is None else min(row[2], value)
            case "max":
                row[3] = value if row[3] is None else max(row[3], value)
            case _:
                row[1] = value if row[1] is None else row[1] + value
        if currency:
            row[4:] = [min(row[4] or currency[0], currency[0]), max(row[5] or currency[0], currency[0])]

    def value(self, id: str) -> Any:
        """The canonical value of the rollup for a record."""
        row = self._rows.get(id)
        return self.rollup.empty if row is None else self.rollup.value(row)
