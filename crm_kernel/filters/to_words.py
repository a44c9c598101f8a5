"""A filter in words, for people: labels instead of names, words instead of symbols."""

from __future__ import annotations

from crm_kernel.filters import syntax
from crm_kernel.filters.expression import Expression
from crm_kernel.filters.operators import OPERATORS

_VARIABLES = {
    "me": "me",
    "my_team": "my team",
    "my_teams": "my teams",
    "now": "now",
    "today": "today",
    "week_start": "the start of this week",
    "month_start": "the start of this month",
    "quarter_start": "the start of this quarter",
    "year_start": "the start of this year",
}
_UNITS = {"h": "hour", "d": "day", "w": "week", "m": "month", "y": "year"}


def to_words(expression: Expression) -> str:
    """The filter as an English sentence without a full stop: `Stage is 'won' and Amount is above 1000`."""
    return _Words(expression.labels).node(expression.written)


class _Words:
    def __init__(self, labels: dict[int, str]) -> None:
        self._labels = labels

    def node(self, node: syntax.Node) -> str:
        match node:
            case syntax.And():
                return " and ".join(self._inside(item) for item in node.items)
            case syntax.Or():
                return " or ".join(self._inside(item) for item in node.items)
            case syntax.Not():
                return f"not {self._inside(node.item)}"
            case syntax.Quantified():
                some = "no" if node.negated else "some"
                return f"{some} {self._path(node.path)} where {self._inside(node.inner)}"
            case syntax.Comparison():
                return self._comparison(node)

    def _inside(self, node: syntax.Node) -> str:
        words = self.node(node)
        return f"({words})" if isinstance(node, syntax.And | syntax.Or | syntax.Quantified) else words

    def _comparison(self, node: syntax.Comparison) -> str:
        left = self._path(node.left) if isinstance(node.left, syntax.Path) else "Anything"
        operands = [self._operand(operand) for operand in node.operands]
        if node.operator in ("in", "not in"):
            operands = [", ".join(operands)]
        return OPERATORS[node.operator].words.format(left, *operands)

    def _path(self, path: syntax.Path) -> str:
        return self._labels.get(path.at, path.dotted)

    def _operand(self, operand: syntax.Value | syntax.Path) -> str:
        match operand:
            case syntax.Path():
                return self._path(operand)
            case syntax.Literal(value=bool()):
                return "yes" if operand.value else "no"
            case syntax.Literal(value=str()):
                return f"'{operand.value}'"
            case syntax.Literal():
                return f"{operand.value:f}"
            case syntax.Variable(name="param"):
                return f"the parameter {operand.parameter}"
            case syntax.Variable():
                return _VARIABLES[operand.name]
            case syntax.Moment():
                return _moment(operand)


def _moment(moment: syntax.Moment) -> str:
    base = _VARIABLES[moment.name]
    if moment.unit is None:
        return base
    count = abs(moment.amount)
    unit = _UNITS[moment.unit] + ("" if count == 1 else "s")
    return f"{count} {unit} {'before' if moment.amount < 0 else 'after'} {base}"
