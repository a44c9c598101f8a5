"""Reads a filter's text into syntax nodes: recursive descent, one method a rule of the grammar.

A value is read by `_value` and by nothing else, so arithmetic has one place to grow from.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

import msgspec

from crm_kernel.filters import syntax
from crm_kernel.filters.faults import bad, too_much, unknown
from crm_kernel.filters.tokens import Token, tokenize, unquoted

N = TypeVar("N")
MAX_DEPTH = 32
MAX_COMPARISONS = 200
MAX_LIST_VALUES = 1000
MOMENTS = ("now", "today", "week_start", "month_start", "quarter_start", "year_start")
VARIABLES = ("me", "my_team", "my_teams")
UNITS = "hdwmy"
MAX_AMOUNT = 1_000_000
MAX_DIGITS = 100

_COMPARE = ("=", "!=", "<", "<=", ">", ">=")
_OPERATORS = "an operator (=, !=, <, <=, >, >=, in, between, is null, contains, starts with, ends with or matches)"
_VALUE = "a value ('text', number, true, false or @variable)"


def parse(text: str) -> syntax.Node:
    """The tree of a filter. Raises `Error("bad_filter")` with the column where it cannot be read."""
    return Parser(tokenize(text)).whole()


def parse_path(text: str) -> syntax.Path:
    """A path on its own. Raises `Error("bad_filter")` with the column where it cannot be read."""
    return Parser(tokenize(text)).only_path()


class Parser:
    """Reads the tokens of one text. Formulas add arithmetic to it."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._position = 0
        self._depth = 0
        self._comparisons = 0

    def whole(self) -> syntax.Node:
        """The tree of all that is there."""
        node = self._or()
        if self._next.kind != "end":
            raise bad(self._next.at, self._next.words, "'and', 'or' or the end")
        return node

    def only_path(self) -> syntax.Path:
        """The path that all is."""
        path = self._path("a field name")
        if self._next.kind != "end":
            raise bad(self._next.at, self._next.words, "the end of the path")
        return path

    # ---- tokens -------------------------------------------------------------------------------------------------
    @property
    def _next(self) -> Token:
        return self._tokens[self._position]

    @property
    def _end(self) -> int:
        return self._tokens[self._position - 1].end

    def _take(self) -> Token:
        token = self._next
        self._position += 1
        return token

    def _symbol(self, text: str) -> bool:
        if self._next.kind == "symbol" and self._next.text == text:
            self._position += 1
            return True
        return False

    def _keyword(self, word: str) -> bool:
        if self._next.keyword == word:
            self._position += 1
            return True
        return False

    def _need_symbol(self, text: str) -> None:
        if not self._symbol(text):
            raise bad(self._next.at, self._next.words, f"'{text}'")

    def _need_keyword(self, word: str) -> None:
        if not self._keyword(word):
            raise bad(self._next.at, self._next.words, f"'{word}'")

    # ---- logic --------------------------------------------------------------------------------------------------
    def _or(self) -> syntax.Node:
        items = self._several("or", self._and)
        return items[0] if len(items) == 1 else syntax.Or(at=items[0].at, end=self._end, items=items)

    def _and(self) -> syntax.Node:
        items = self._several("and", self._not)
        return items[0] if len(items) == 1 else syntax.And(at=items[0].at, end=self._end, items=items)

    def _several(self, word: str, rule: Callable[[], syntax.Node]) -> tuple[syntax.Node, ...]:
        items = [rule()]
        while self._keyword(word):
            items.append(rule())
        return tuple(items)

    def _not(self) -> syntax.Node:
        at = self._next.at
        if not self._keyword("not"):
            return self._primary()
        item = self._deeper(at, self._not)
        return syntax.Not(at=at, end=self._end, item=item)

    def _primary(self) -> syntax.Node:
        token = self._next
        if self._symbol("("):
            node = self._deeper(token.at, self._or)
            self._need_symbol(")")
            return node
        if token.keyword in ("any", "none"):
            self._take()
            return self._deeper(token.at, lambda: self._quantified(token))
        return self._comparison()

    def _quantified(self, token: Token) -> syntax.Node:
        self._need_symbol("(")
        path = self._path("the name of records that refer back, or of a list")
        self._need_symbol(",")
        inner = self._or()
        self._need_symbol(")")
        return syntax.Quantified(at=token.at, end=self._end, path=path, inner=inner, negated=token.keyword == "none")

    def _deeper(self, at: int, rule: Callable[[], N]) -> N:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise too_much(at, f"nested deeper than {MAX_DEPTH}")
        node = rule()
        self._depth -= 1
        return node

    # ---- comparisons --------------------------------------------------------------------------------------------
    def _comparison(self) -> syntax.Node:
        token = self._next
        self._comparisons += 1
        if self._comparisons > MAX_COMPARISONS:
            raise too_much(token.at, f"more than {MAX_COMPARISONS} comparisons")
        left: syntax.Path | syntax.Everything
        if self._symbol("*"):
            left = syntax.Everything(at=token.at, end=token.end)
            if self._next.keyword != "matches":
                raise bad(self._next.at, self._next.words, "'matches' after *")
        else:
            left = self._path("a field name")
        operator_at = self._next.at
        operator, operands = self._operation()
        return syntax.Comparison(
            at=token.at, end=self._end, left=left, operator=operator, operator_at=operator_at, operands=operands
        )

    def _operation(self) -> tuple[str, tuple[syntax.Value | syntax.Path, ...]]:
        token = self._take()
        if token.kind == "symbol" and token.text in _COMPARE:
            return token.text, (self._value_or_path(),)
        match token.keyword:
            case "in":
                return "in", self._list()
            case "not":
                self._need_keyword("in")
                return "not in", self._list()
            case "between":
                low = self._value()
                self._need_keyword("and")
                return "between", (low, self._value())
            case "is":
                negated = self._keyword("not")
                self._need_keyword("null")
                return ("is not null" if negated else "is null"), ()
            case "contains" | "matches" as word:
                return word, (self._value(),)
            case "starts" | "ends" as word:
                self._need_keyword("with")
                return f"{word} with", (self._value(),)
            case _:
                raise bad(token.at, token.words, _OPERATORS)

    def _list(self) -> tuple[syntax.Value, ...]:
        token = self._next
        if not self._symbol("("):
            value = self._value() if token.kind == "variable" else None
            if isinstance(value, syntax.Variable):
                return (msgspec.structs.replace(value, listed=True),)
            raise bad(token.at, token.words, "a list in parentheses, or a @variable that is a list")
        values = [self._value()]
        while self._symbol(","):
            if len(values) == MAX_LIST_VALUES:
                raise too_much(self._next.at, f"more than {MAX_LIST_VALUES:,} values in a list")
            values.append(self._value())
        self._need_symbol(")")
        return tuple(values)

    def _path(self, expected: str) -> syntax.Path:
        first = self._next
        if first.kind != "name" or first.keyword:
            raise bad(first.at, first.words, expected)
        parts = [self._take()]
        while self._symbol("."):
            if self._next.kind != "name":
                raise bad(self._next.at, self._next.words, "a name after '.'")
            parts.append(self._take())
        names, columns = tuple(p.text for p in parts), tuple(p.at for p in parts)
        return syntax.Path(at=first.at, end=self._end, names=names, columns=columns)

    # ---- values -------------------------------------------------------------------------------------------------
    def _value_or_path(self) -> syntax.Value | syntax.Path:
        if self._next.kind == "name" and not self._next.keyword:
            return self._path(_VALUE)
        return self._value()

    def _value(self) -> syntax.Value:
        token = self._take()
        if token.kind == "text":
            return syntax.Literal(at=token.at, end=token.end, value=unquoted(token))
        if token.kind == "number" or (token.text == "-" and self._next.kind == "number"):
            return self._number(token)
        if token.kind == "variable":
            return self._variable(token)
        if token.keyword in ("true", "false"):
            return syntax.Literal(at=token.at, end=token.end, value=token.keyword == "true")
        if token.keyword == "null":
            raise bad(token.at, token.words, f"{_VALUE}; for empty fields write 'is null' or 'is not null'")
        raise bad(token.at, token.words, _VALUE)

    def _number(self, token: Token) -> syntax.Value:
        number = token if token.kind == "number" else self._take()
        if len(number.text) > MAX_DIGITS:
            raise too_much(number.at, f"a number of more than {MAX_DIGITS} digits")
        value = Decimal(number.text)
        return syntax.Literal(at=token.at, end=number.end, value=value if token is number else value.copy_negate())

    def _variable(self, token: Token) -> syntax.Value:
        name, dot, rest = token.text[1:].partition(".")
        if name == "param" and rest:
            return syntax.Variable(at=token.at, end=token.end, name="param", parameter=rest)
        if dot or name not in (*VARIABLES, *MOMENTS):
            known = [f"@{v}" for v in (*VARIABLES, *MOMENTS, "param.NAME")]
            raise unknown("variable", token.text, token.at, known)
        if name in VARIABLES:
            return syntax.Variable(at=token.at, end=token.end, name=name)
        return self._moment(token, name)

    def _moment(self, token: Token, name: str) -> syntax.Value:
        sign = -1 if self._symbol("-") else 1 if self._symbol("+") else 0
        if not sign:
            return syntax.Moment(at=token.at, end=token.end, name=name)
        duration = self._take()
        digits, unit = duration.text[:-1], duration.text[-1:]
        if duration.kind != "duration" or unit not in UNITS or not digits.isdecimal():
            raise bad(duration.at, duration.words, "a number with h, d, w, m or y, like 30d")
        if len(digits) > 6:
            raise bad(duration.at, duration.words, f"less than {MAX_AMOUNT:,}{unit}")
        amount = sign * int(digits)
        return syntax.Moment(at=token.at, end=duration.end, name=name, amount=amount, unit=unit)  # type: ignore[arg-type]
