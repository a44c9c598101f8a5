"""How a filter's values become bind values of a statement."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from crm_kernel.fields.base import Storage
from crm_kernel.filters.dialect import Dialect
from crm_kernel.filters.environment import Environment
from crm_kernel.filters.values import SecondsAgo, Value

_LOWEST, _HIGHEST = -(2**63), 2**63 - 1
"""The ends of what a column can hold, where nothing is ever stored: they equal no value and are beyond all."""
_ROUNDED_UP = frozenset({"<", ">="})
_ROUNDED_DOWN = frozenset({"<=", ">"})


class Bound(NamedTuple):
    """A bind value that is made when the statement runs: `change` of what `value` gives."""

    value: Value
    change: Callable[[Any], Any]

    def bind(self, environment: Environment) -> Any:
        """The bind value; null stays null but for lists."""
        return self.change(self.value.get(environment))


def plain(dialect: Dialect, storage: Storage) -> Callable[[Any], Any]:
    """Canonical values as they are stored."""
    return lambda found: dialect.encode(found, storage)


def scaled(digits: int, operator: str, position: int) -> Callable[[Any], Any]:
    """Decimals as integers of `digits` decimals, so that `operator` with the operand at `position` stays exact.

    What falls between two integers is rounded to where the comparison has the same result; for equality it becomes an
    integer that is never stored.
    """
    up = operator in _ROUNDED_UP or (operator == "between" and position == 0)
    down = operator in _ROUNDED_DOWN or (operator == "between" and position == 1)

    def encode(found: Decimal | float | None) -> Any:
        if found is None:
            return None
        numerator, denominator = found.as_integer_ratio()
        whole, rest = divmod(numerator * 10**digits, denominator)
        if rest and not down:
            whole = whole + 1 if up else _LOWEST
        return min(max(whole, _LOWEST), _HIGHEST)

    return encode


def seconds_before(dialect: Dialect, seconds: int) -> Bound:
    """The bind value of the moment so many seconds before now."""
    return Bound(SecondsAgo(seconds), plain(dialect, "moment"))
