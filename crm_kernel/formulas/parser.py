"""Reads a formula's text: the grammar of filters with sums, products and functions."""

from __future__ import annotations

from collections.abc import Callable

from crm_kernel.filters.faults import bad, too_much, unknown
from crm_kernel.filters.parser import Parser
from crm_kernel.filters.syntax import Literal
from crm_kernel.filters.tokens import Token, tokenize
from crm_kernel.formulas.syntax import Call, Choice, Node, Operation

FUNCTIONS = ("round", "abs", "min", "max", "coalesce", "concat", "lower", "upper", "length", "date_diff", "if")
MAX_OPERATIONS = 200

_VALUE = "a value ('text', number, true, false), a field, a function or '('"


def parse_formula(text: str) -> Node:
    """The tree of a formula. Raises `Error("bad_filter")` with the column where it cannot be read."""
    return _FormulaParser(tokenize(text, arithmetic=True)).formula()


class _FormulaParser(Parser):
    def __init__(self, tokens: list[Token]) -> None:
        super().__init__(tokens)
        self._operations = 0

    def formula(self) -> Node:
        node = self._sum()
        if self._next.kind != "end":
            raise bad(self._next.at, self._next.words, "one of + - * /, or the end")
        return node

    def _sum(self) -> Node:
        return self._chain(("+", "-"), self._term)

    def _term(self) -> Node:
        return self._chain(("*", "/"), self._factor)

    def _chain(self, operators: tuple[str, str], part: Callable[[], Node]) -> Node:
        node = part()
        while self._next.kind == "symbol" and self._next.text in operators:
            operator = self._take()
            self._count(operator)
            right = part()
            node = Operation(at=node.at, end=self._end, left=node, operator=operator.text, right=right)
        return node

    def _count(self, token: Token) -> None:
        self._operations += 1
        if self._operations > MAX_OPERATIONS:
            raise too_much(token.at, f"more than {MAX_OPERATIONS} operations")

    def _factor(self) -> Node:
        token = self._next
        if self._symbol("("):
            node = self._deeper(token.at, self._sum)
            self._need_symbol(")")
            return node
        following = self._tokens[self._position + 1 : self._position + 2]
        if token.text == "-" and following and following[0].kind != "number":
            self._take()
            return Call(at=token.at, name="-", arguments=(self._deeper(token.at, self._factor),), end=self._end)
        if token.kind == "name" and following and following[0].text == "(":
            return self._deeper(token.at, self._call)
        if token.kind == "name" and not token.keyword:
            return self._path(_VALUE)
        return self._literal()

    def _literal(self) -> Literal:
        token = self._next
        if token.kind not in ("text", "number") and token.text != "-" and token.keyword not in ("true", "false"):
            variable = token.kind == "variable"
            expected = f"{_VALUE}; it is computed when a record is written, for everybody alike" if variable else _VALUE
            raise bad(token.at, token.words, expected)
        found = self._value()
        if not isinstance(found, Literal):
            raise bad(token.at, token.words, _VALUE)
        return found

    def _call(self) -> Node:
        name = self._take()
        if name.text not in FUNCTIONS:
            raise unknown("function", name.text, name.at, FUNCTIONS)
        self._count(name)
        self._need_symbol("(")
        if name.text == "if":
            return self._choice(name)
        arguments = [self._sum()]
        while self._symbol(","):
            arguments.append(self._sum())
        self._need_symbol(")")
        return Call(at=name.at, end=self._end, name=name.text, arguments=tuple(arguments))

    def _choice(self, name: Token) -> Node:
        condition = self._or()
        self._need_symbol(",")
        then = self._sum()
        self._need_symbol(",")
        otherwise = self._sum()
        self._need_symbol(")")
        return Choice(at=name.at, end=self._end, condition=condition, then=then, otherwise=otherwise)
