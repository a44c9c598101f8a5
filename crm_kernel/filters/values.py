"""The values a field is compared with: each is a constant, or is made from the environment when it is needed.

`get(environment)` gives the canonical form (moments as text with `Z`, dates as `YYYY-MM-DD`, numbers as `int`,
`float` or `Decimal`, money as `(Decimal, currency)`), or None where there is none. SQL and predicate use the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Protocol, cast

import msgspec

from crm_kernel.errors import Error
from crm_kernel.fields.folding import fold
from crm_kernel.fields.moment import moment_text
from crm_kernel.filters import moments
from crm_kernel.filters.environment import Environment


class Value(Protocol):
    """Something that `get` makes from the environment."""

    def get(self, environment: Environment, /) -> Any:
        """The canonical value, None where there is none."""
        ...


class Constant(msgspec.Struct, frozen=True):
    """The same always."""

    value: Any

    def get(self, _: Environment, /) -> Any:
        return self.value


class Caller(msgspec.Struct, frozen=True):
    """`@me`, `@my_team` (an id) or `@my_teams` (a list of ids)."""

    name: str

    def get(self, environment: Environment, /) -> Any:
        found = getattr(environment, self.name)
        return list(found) if self.name == "my_teams" else found


class Parameter(msgspec.Struct, frozen=True):
    """`@param.NAME`: a JSON value, read by `read(value, environment)`; what cannot be read is `bad_value`."""

    name: str
    expected: str
    read: Callable[[Any, Environment], Any]
    listed: bool = False

    def get(self, environment: Environment, /) -> Any:
        sent = environment.params.get(self.name)
        if sent is None:
            return None
        if self.listed and (isinstance(sent, str) or not isinstance(sent, Sequence)):
            raise self._fault(sent, f"a list of {self.expected}")
        if not self.listed:
            return self._one(sent, environment)
        return [self._one(item, environment) for item in sent if item is not None]

    def _one(self, sent: Any, environment: Environment) -> Any:
        found = self.read(sent, environment)
        if found is None:
            raise self._fault(sent, self.expected)
        return found

    def _fault(self, sent: Any, expected: str) -> Error:
        return Error("bad_value", f"unexpected {sent!r:.60} in parameter {self.name!r}: expected {expected}")


class Relative(msgspec.Struct, frozen=True):
    """`@today - 30d` as a date or a moment."""

    name: str
    amount: int
    unit: str | None

    @property
    def is_moment(self) -> bool:
        """Whether it has a time of day."""
        return self.name == "now" or self.unit == "h"

    def get(self, environment: Environment, /) -> date | datetime:
        base = moments.named(self.name, environment.now, environment.zone)
        return moments.moved(base, self.amount, self.unit, environment.zone) if self.unit else base


class Wall(msgspec.Struct, frozen=True):
    """A date-time without offset: in the caller's zone."""

    naive: datetime

    def get(self, environment: Environment, /) -> datetime:
        return moments.in_zone(self.naive, environment.zone)


def _each(found: Any, change: Callable[[Any], Any]) -> Any:
    """`change` of a value, of each value of a list, None of None."""
    if isinstance(found, list):
        return [change(item) for item in cast("list[Any]", found)]
    return None if found is None else change(found)


class AsMoment(msgspec.Struct, frozen=True):
    """A moment in canonical form."""

    value: Value

    def get(self, environment: Environment, /) -> Any:
        return _each(self.value.get(environment), moment_text)


class AsDate(msgspec.Struct, frozen=True):
    """A date, or the day on which a moment falls, in canonical form."""

    value: Value

    def get(self, environment: Environment, /) -> Any:
        def day(found: date | datetime) -> str:
            return (moments.local_date(found, environment.zone) if isinstance(found, datetime) else found).isoformat()

        return _each(self.value.get(environment), day)


def as_moment(value: Value) -> Value:
    """`AsMoment`, at once for a constant."""
    return Constant(moment_text(value.value)) if isinstance(value, Constant) else AsMoment(value)


def as_date(value: Value) -> Value:
    """`AsDate`, at once for a constant day."""
    if isinstance(value, Constant) and not isinstance(value.value, datetime):
        return Constant(value.value.isoformat())
    return AsDate(value)


class Edge(msgspec.Struct, frozen=True):
    """The first moment of a day, or the first one after it, in canonical form."""

    day: Value
    end: bool

    def get(self, environment: Environment, /) -> Any:
        edge = moments.end_of if self.end else moments.start_of
        return _each(self.day.get(environment), lambda day: moment_text(edge(day, environment.zone)))


class Folded(msgspec.Struct, frozen=True):
    """A text without case and accents."""

    value: Value

    def get(self, environment: Environment, /) -> str | None:
        found = self.value.get(environment)
        return None if found is None else fold(found)


def folded(value: Value) -> Value:
    """`Folded`, at once for a constant."""
    return Constant(fold(value.value)) if isinstance(value, Constant) else Folded(value)


class Chosen(msgspec.Struct, frozen=True):
    """Those of the choices that fit a text: a choice field is searched by comparing its few choices once."""

    choices: tuple[str, ...]
    fits: Callable[[str, Any], bool]
    value: Value

    def get(self, environment: Environment, /) -> list[str] | None:
        found = self.value.get(environment)
        return None if found is None else [choice for choice in self.choices if self.fits(choice, found)]


class Segments(msgspec.Struct, frozen=True):
    """The offsets of the caller's zone over time."""

    def get(self, environment: Environment, /) -> tuple[tuple[str, int], ...]:
        return moments.segments(environment.zone)


class SecondsAgo(msgspec.Struct, frozen=True):
    """The moment so many seconds before now, in canonical form."""

    seconds: int

    def get(self, environment: Environment, /) -> str:
        try:
            return moment_text(environment.now - timedelta(seconds=self.seconds))
        except OverflowError:
            return "0001-01-01T00:00:00Z"
