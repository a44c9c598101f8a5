"""The nodes of a filter as it was written, before names and types are known.

Every node has `at`, its first column, and `end`, the column after its last, both counted from 1.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal as OneOf
from typing import Union

import msgspec


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Where a node stands in the text."""

    at: int
    end: int


class Path(Span, frozen=True):
    """`company.city`; `columns` says where each name begins."""

    names: tuple[str, ...]
    columns: tuple[int, ...]

    @property
    def dotted(self) -> str:
        """The path as text."""
        return ".".join(self.names)


class Everything(Span, frozen=True):
    """`*`: the whole record."""


class Literal(Span, frozen=True):
    """A text (NFC), a number or a truth value."""

    value: str | Decimal | bool


class Variable(Span, frozen=True):
    """`@me`, `@my_team`, `@my_teams`, or `@param.NAME` with its `parameter`; `listed` where it stands for a list."""

    name: str
    parameter: str | None = None
    listed: bool = False


class Moment(Span, frozen=True):
    """`@today - 30d`: base `today`, amount -30, unit `d`; without arithmetic amount 0 and no unit."""

    name: str
    amount: int = 0
    unit: OneOf["h", "d", "w", "m", "y"] | None = None


Value = Union[Literal, Variable, Moment]  # noqa: UP007 - msgspec structs are named below


class Comparison(Span, frozen=True):
    """`left operator operands`: the operator, at column `operator_at`, is a key of `operators.OPERATORS`; `in` has one
    operand a value."""

    left: Path | Everything
    operator: str
    operator_at: int
    operands: tuple[Value | Path, ...]


class Quantified(Span, frozen=True):
    """`any(path, inner)`, or `none(…)` where `negated`."""

    path: Path
    inner: Node
    negated: bool


class And(Span, frozen=True):
    """All of two or more."""

    items: tuple[Node, ...]


class Or(Span, frozen=True):
    """One of two or more."""

    items: tuple[Node, ...]


class Not(Span, frozen=True):
    """The negation."""

    item: Node


Node = Union[And, Or, Not, Comparison, Quantified]  # noqa: UP007 - as above
