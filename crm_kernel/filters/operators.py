"""The one table of operators: symbol, the kinds it applies to, SQL, Python and words.

The functions get operands that are not null, in comparable form: SQL columns beside bind values of the same storage,
Python values as `values.py` makes them. Text searched by `contains`, `starts with` and `ends with` is folded.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from crm_kernel.fields.base import Kind
from crm_kernel.fields.folding import split_words
from crm_kernel.filters.dialect import Dialect
from crm_kernel.filters.sql import Sql, compose, join

EQUAL = frozenset(set(Kind) - {Kind.LIST, Kind.OBJECT, Kind.JSON})
ORDERED = frozenset({Kind.INTEGER, Kind.NUMBER, Kind.DECIMAL, Kind.DATE, Kind.MOMENT, Kind.MONEY})
TEXTS = frozenset({Kind.TEXT, Kind.CHOICE})


class Operator(NamedTuple):
    """One operator. `words` is a template for people, {0} the field, {1} and {2} the operands."""

    symbol: str
    kinds: frozenset[Kind]
    sql: Callable[[Dialect, Sql, Sequence[Sql]], Sql]
    python: Callable[..., bool]
    words: str


def _infix(symbol: str) -> Callable[[Dialect, Sql, Sequence[Sql]], Sql]:
    return lambda _, left, values: compose(f"{{}} {symbol} {{}}", left, values[0])


def _template(template: str) -> Callable[[Dialect, Sql, Sequence[Sql]], Sql]:
    return lambda _, left, values: compose(template, left, *values)


def _in_sql(_: Dialect, left: Sql, values: Sequence[Sql]) -> Sql:
    return compose("{} IN {}", left, join("", values))


def _not_in_sql(_: Dialect, left: Sql, values: Sequence[Sql]) -> Sql:
    # NULL NOT IN (an empty list) is true in SQL.
    return compose("({0} IS NOT NULL AND {0} NOT IN {1})", left, join("", values))


def _not_in(value: Any, items: Any) -> bool:
    return value not in items


def _words_sql(dialect: Dialect, left: Sql, values: Sequence[Sql]) -> Sql:
    # The number of words shapes the statement, so they are constants here, not bind values yet.
    wanted, prefix = values[0].params[0], values[1].params[0]
    last = len(wanted) - 1
    tests = [dialect.word(left, word, prefix=prefix and i == last) for i, word in enumerate(wanted)]
    return join(" AND ", tests) if tests else compose("{} IS NOT NULL", left)


def has_words(text: str, wanted: Sequence[str], prefix: bool) -> bool:
    """Whether each wanted word occurs in a folded text as a word, with `prefix` the last as the beginning of one."""
    found = split_words(text)
    whole, last = (wanted[:-1], wanted[-1:]) if prefix else (wanted, ())
    return all(word in found for word in whole) and all(any(w.startswith(word) for w in found) for word in last)


def _table(*operators: Operator) -> Mapping[str, Operator]:
    return MappingProxyType({o.symbol: o for o in operators})


OPERATORS: Mapping[str, Operator] = _table(
    Operator("=", EQUAL, _infix("="), operator.eq, "{0} is {1}"),
    Operator("!=", EQUAL, _infix("<>"), operator.ne, "{0} is not {1}"),
    Operator("<", ORDERED, _infix("<"), operator.lt, "{0} is below {1}"),
    Operator("<=", ORDERED, _infix("<="), operator.le, "{0} is at most {1}"),
    Operator(">", ORDERED, _infix(">"), operator.gt, "{0} is above {1}"),
    Operator(">=", ORDERED, _infix(">="), operator.ge, "{0} is at least {1}"),
    Operator("in", EQUAL, _in_sql, lambda value, items: value in items, "{0} is one of {1}"),
    Operator("not in", EQUAL, _not_in_sql, _not_in, "{0} is none of {1}"),
    Operator(
        "between",
        ORDERED,
        _template("{0} BETWEEN {1} AND {2}"),
        lambda value, low, high: low <= value <= high,
        "{0} is between {1} and {2}",
    ),
    Operator("is null", frozenset(Kind), _template("{0} IS NULL"), lambda _: False, "{0} is empty"),
    Operator("is not null", frozenset(Kind), _template("{0} IS NOT NULL"), lambda _: True, "{0} is not empty"),
    Operator(
        "contains",
        TEXTS | {Kind.LIST},
        lambda dialect, left, values: dialect.contains(left, values[0]),
        lambda value, needle: needle in value,
        "{0} contains {1}",
    ),
    Operator(
        "starts with",
        TEXTS,
        lambda dialect, left, values: dialect.starts(left, values[0]),
        lambda value, needle: value.startswith(needle),
        "{0} starts with {1}",
    ),
    Operator(
        "ends with",
        TEXTS,
        lambda dialect, left, values: dialect.ends(left, values[0]),
        lambda value, needle: value.endswith(needle),
        "{0} ends with {1}",
    ),
    Operator("matches", TEXTS, _words_sql, has_words, "{0} has the words {1}"),
)
"""All operators that can be written."""

DERIVED: Mapping[str, Operator] = _table(
    Operator(
        "within",
        frozenset({Kind.MOMENT}),
        _template("({0} >= {1} AND {0} < {2})"),
        lambda value, low, high: low <= value < high,
        "",
    ),
    Operator(
        "outside",
        frozenset({Kind.MOMENT}),
        _template("({0} < {1} OR {0} >= {2})"),
        lambda value, low, high: value < low or value >= high,
        "",
    ),
)
"""What a day is turned into where a moment is compared with it."""


def operator_of(symbol: str) -> Operator:
    """The operator of a resolved test."""
    return OPERATORS.get(symbol) or DERIVED[symbol]
