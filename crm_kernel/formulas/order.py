"""The order in which computed fields can be computed, and the circles among them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Node(NamedTuple):
    """A computed field."""

    entity: str
    field: str


Graph = Mapping[Node, frozenset[Node]]
"""Each computed field with the computed fields that it is computed from."""


def ordered(graph: Graph) -> tuple[list[Node], list[list[Node]]]:
    """(each field behind those that it is computed from, circles): a circle begins with its last declared field.

    The graph is in the order of declaration. What a circle holds up is not in the order.
    """
    waiting = {node: set(sources) for node, sources in graph.items()}
    found: list[Node] = []
    circles: list[list[Node]] = []
    while waiting:
        ready = [node for node, sources in waiting.items() if not sources]
        if not ready:
            circle = _circle(waiting, graph)
            circles.append(circle)
            _drop(waiting, circle[:1])
            continue
        found += ready
        _drop(waiting, ready)
    held_up = {node for circle in circles for node in circle}
    return [node for node in found if node not in held_up], circles


def _drop(waiting: dict[Node, set[Node]], nodes: Iterable[Node]) -> None:
    gone = set(nodes)
    for node in gone:
        del waiting[node]
    for sources in waiting.values():
        sources.difference_update(gone)


def _circle(waiting: Mapping[Node, set[Node]], graph: Graph) -> list[Node]:
    """One circle among fields that wait for each other."""
    walked: list[Node] = []
    node = next(iter(waiting))
    while node not in walked:
        walked.append(node)
        node = min(waiting[node])
    circle = walked[walked.index(node) :]
    places = {node: place for place, node in enumerate(graph)}
    last = max(range(len(circle)), key=lambda at: places[circle[at]])
    return circle[last:] + circle[:last]


def told(circle: list[Node]) -> str:
    """A circle in words: `total → tax → total`, with the entities where it goes through several."""
    several = len({node.entity for node in circle}) > 1
    names = [f"{node.entity}.{node.field}" if several else node.field for node in [*circle, circle[0]]]
    return " → ".join(names[:20] if len(names) <= 20 else [*names[:19], "…"])
