"""Filters as trees of plain tuples: written as text for the app, and judged here, by nothing of the app.

A tree is `("test", path, operator, value)`, `("null", path, is_null)`, `("any", reverse, tree)`, `("not", tree)`,
`("and" | "or", tree, tree)`. A path is a dotted name, a value a constant or a variable (`"@me"`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

Tree = tuple[Any, ...]
Values = Callable[[str], Any]
"""The value at a path of the record in question."""
Referring = Callable[[str], Iterator[Values]]
"""The records that a reverse name stands for, each by its values."""


def text(tree: Tree) -> str:
    """The filter as the app reads it."""
    match tree:
        case ("test", path, operator, values) if operator in ("in", "not in"):
            shown = values if isinstance(values, str) else f"({', '.join(map(_literal, values))})"
            return f"{path} {operator} {shown}"
        case ("test", path, operator, value):
            return f"{path} {operator} {_literal(value)}"
        case ("null", path, is_null):
            return f"{path} is {'' if is_null else 'not '}null"
        case ("any", name, inner):
            return f"any({name}, {text(inner)})"
        case ("not", item):
            return f"not ({text(item)})"
        case (word, left, right):
            return f"({text(left)} {word} {text(right)})"
    raise AssertionError(tree)


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    return value if value.startswith("@") else "'" + value.replace("'", "''") + "'"


def folded(value: str) -> str:
    """Without case and accents."""
    marks = unicodedata.normalize("NFKD", value)
    return "".join(c for c in marks if not unicodedata.combining(c)).casefold()


def holds(tree: Tree, values: Values, referring: Referring, variables: dict[str, Any]) -> bool:
    """Whether it holds: a comparison with an empty operand is false."""

    def known(value: Any) -> Any:
        return variables[value] if isinstance(value, str) and value.startswith("@") else value

    match tree:
        case ("test", path, operator, operand):
            return _compared(values(path), operator, known(operand))
        case ("null", path, is_null):
            return (values(path) is None) is is_null
        case ("any", name, inner):
            return any(holds(inner, row, referring, variables) for row in referring(name))
        case ("not", item):
            return not holds(item, values, referring, variables)
        case ("and", left, right):
            return holds(left, values, referring, variables) and holds(right, values, referring, variables)
        case ("or", left, right):
            return holds(left, values, referring, variables) or holds(right, values, referring, variables)
    raise AssertionError(tree)


def _compared(value: Any, operator: str, operand: Any) -> bool:
    if value is None or operand is None:
        return False
    match operator:
        case "=":
            return bool(value == operand)
        case "!=":
            return bool(value != operand)
        case "<":
            return bool(value < operand)
        case ">=":
            return bool(value >= operand)
        case "in":
            return value in operand
        case "not in":
            return value not in operand
        case "contains":
            return operand in value if isinstance(value, list) else folded(operand) in folded(value)
    raise AssertionError(operator)
