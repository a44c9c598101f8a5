"""Says which parts of a filter hold for a record, and the values they looked at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from crm_kernel.filters import syntax
from crm_kernel.filters.environment import Environment, Row
from crm_kernel.filters.expression import (
    All,
    AnyElement,
    AnyRow,
    Compared,
    Expression,
    Leaf,
    Negated,
    Place,
    Some,
    Step,
    Test,
    Tree,
    conditions,
)
from crm_kernel.filters.to_predicate import reader_of, to_predicate


class Part(NamedTuple):
    """One part of a filter: its own text, whether it held, and the values by path that it looked at."""

    expression: str
    held: bool
    values: dict[str, Any]


def explain(expression: Expression, record: Row, environment: Environment) -> list[Part]:
    """The parts that `and` joins (the whole where nothing is joined), each with its outcome.

    Whether the caller may see the expression and its values is for him to ask who shows them (`Expression.paths`).
    """
    parts: list[Part] = []
    for node, tree in _joined(expression.written, expression.root):
        part = msgspec.structs.replace(expression, root=tree, written=node)
        values = {_name(place): reader_of(place)(record, environment) for place in _places(tree)}
        text = expression.text[node.at - 1 : node.end - 1]
        parts.append(Part(text, to_predicate(part)(record, environment), values))
    return parts


def reads_all(expression: Expression) -> bool:
    """Whether an expression resolved in a caller's scope reads every row and field it names, whatever the record.

    Then the values it looks at may be shown to him; otherwise some may be of rows that are hidden from him.
    """
    return not any(_limited(leaf) for leaf in _leaves(expression.root))


def _leaves(tree: Tree) -> Iterator[Leaf]:
    match tree:
        case All() | Some():
            for item in tree.items:
                yield from _leaves(item)
        case Negated():
            yield from _leaves(tree.item)
        case _:
            yield tree


def _limited(leaf: Leaf) -> bool:
    if isinstance(leaf, AnyRow):
        return bool(conditions(leaf.mask, leaf.rows)) or _stepping(leaf.steps)
    places = (leaf.left, leaf.right) if isinstance(leaf, Compared) else (leaf.place,)
    return any(bool(conditions(place.mask)) or _stepping(place.steps) for place in places)


def _stepping(steps: tuple[Step, ...]) -> bool:
    return any(conditions(step.mask, step.rows) for step in steps)


def _joined(node: syntax.Node, tree: Tree) -> Iterator[tuple[syntax.Node, Tree]]:
    if isinstance(node, syntax.And) and isinstance(tree, All):
        for item, part in zip(node.items, tree.items, strict=True):
            yield from _joined(item, part)
    else:
        yield node, tree


def _places(tree: Tree) -> Iterator[Place]:
    match tree:
        case All() | Some():
            for item in tree.items:
                yield from _places(item)
        case Negated():
            yield from _places(tree.item)
        case Test() | AnyElement():
            yield tree.place
        case Compared():
            yield tree.left
            yield tree.right
        case AnyRow():
            return


def _name(place: Place) -> str:
    root = () if place.root == "record" else (place.root,)
    return ".".join((*root, *(step.field for step in place.steps), place.field, *place.member))
