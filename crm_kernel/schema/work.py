"""How much work a schema that refers to parts of itself makes of a value, told before any value comes.

`$ref` lets a small document ask for the same thing a million times: each of forty definitions that asks twice for the
next, or a definition that is applied twice to each part of a value. Such a schema is refused. A schema without
references is a tree: it takes no more work than it has keywords.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, cast

from crm_kernel.errors import Fault
from crm_kernel.schema.walk import Path, parts, pointer

MOST = 10_000
"""Schemas that one value may be held to, those of its parts not counted."""
MOST_IN_DEPTH = 100_000
"""Schemas that a value and one of its parts, one of the parts of that … may be held to together."""
DEPTH = 64
"""How deep values are nested."""
BUDGET = 40_000
"""Steps that may be taken to find it out."""

_SKIPPED = ("$defs", "definitions", "propertyNames", "contentSchema")
_ITEMS = ("items", "contains", "unevaluatedItems")

Find = Callable[[Path, str], "tuple[Path, Any] | None"]
"""(base, reference) → path and schema it leads to, None where that is not within the document."""


class Node(NamedTuple):
    """A schema: those applied to the same value, and those applied to its parts, by which parts."""

    same: list[Path]
    inner: list[tuple[Any, Path]]


class Overdone(Exception):
    """A schema that asks for too much, with the path of where and a sentence."""

    def __init__(self, path: Path, detail: str, code: str = "limit") -> None:
        self.fault = Fault(pointer=pointer(path), code=code, detail=detail)
        super().__init__(detail)


def work_faults(root: dict[str, Any], find: Find) -> Iterator[Fault]:
    """The fault of a document whose references lead round in a circle, or make too much work of a value."""
    try:
        nodes = _nodes(root, find)
        held = _Held(nodes)
        entries = {path for node in nodes.values() for _, path in node.inner}
        _in_depth({path: held.steps(path) for path in ({(), *entries})}, held)
    except Overdone as overdone:
        yield overdone.fault


def _nodes(root: dict[str, Any], find: Find) -> dict[Path, Node]:
    """All schemas that can be reached, by path."""
    nodes: dict[Path, Node] = {}
    pending: list[tuple[Path, Path, Any]] = [((), (), root)]
    while pending:
        path, base, schema = pending.pop()
        if path in nodes:
            continue
        node = nodes[path] = Node([], [])
        if not isinstance(schema, dict):
            continue
        members = cast("dict[str, Any]", schema)
        base = path if "$id" in members else base
        for step, part, same in parts(members):
            whole = path + step
            pending.append((whole, base, part))
            if same:
                node.same.append(whole)
            elif step[0] not in _SKIPPED:
                node.inner.append((_which(step), whole))
        for keyword in ("$ref", "$dynamicRef"):
            found = find(base, members[keyword]) if isinstance(members.get(keyword), str) else None
            if found is not None:
                node.same.append(found[0])
                pending.append((found[0], base, found[1]))
    return nodes


def _which(step: Path) -> Any:
    """Which parts of a value a keyword is about: a member or place, or None for any."""
    if step[0] in ("properties", "prefixItems"):
        return step[1]
    return _ITEMS if step[0] in _ITEMS else None


class _Held:
    """What each value is held to besides a schema, by the schema."""

    def __init__(self, nodes: Mapping[Path, Node]) -> None:
        self._nodes = nodes
        self._budget = BUDGET
        self.counts: dict[Path, int] = {}
        for path in nodes:
            self._count(path)

    def _count(self, start: Path) -> None:
        """How many schemas a value is held to where it is held to this one. Goes without recursion."""
        open_: dict[Path, Iterator[Path]] = {}
        stack = [start] if start not in self.counts else []
        while stack:
            path = stack[-1]
            if path not in open_:
                open_[path] = iter(self._nodes[path].same)
            following = next((p for p in open_[path] if p not in self.counts), None)
            if following is None:
                stack.pop()
                del open_[path]
                self.counts[path] = 1 + sum(self.counts[p] for p in self._nodes[path].same)
                if self.counts[path] > MOST:
                    raise Overdone(path, f"It holds one value to more than {MOST} schemas by its references.")
            elif following in open_:
                detail = "Its references lead back to itself, so there is no end to it."
                raise Overdone(following, detail, "reference")
            else:
                stack.append(following)

    def steps(self, start: Path) -> list[Counter[Path]]:
        """Which schemas the parts of a value are held to, where the value is held to this one: those of one part each,
        and how often."""
        found: dict[Any, Counter[Path]] = {}
        pending = Counter({start: 1})
        while pending:
            path, times = pending.popitem()
            node = self._nodes[path]
            self._budget -= 1 + len(node.same) + len(node.inner)
            if self._budget < 0:
                raise Overdone(start, "It refers to itself in too many places to be judged.")
            for which, inner in node.inner:
                found.setdefault(which, Counter())[inner] += times
            for other in node.same:
                pending[other] += times
        anywhere, items = found.pop(None, Counter()), found.pop(_ITEMS, Counter())
        named = [c + (items if isinstance(which, int) else anywhere) for which, c in found.items()]
        return [c for c in (*named, anywhere, items) if c]


def _in_depth(steps: Mapping[Path, list[Counter[Path]]], held: _Held) -> None:
    """Raises `Overdone` where the work grows out of bounds with the depth of a value."""
    work = {path: held.counts[path] for path in steps}
    for _ in range(DEPTH):
        deeper = {
            path: held.counts[path] + max((sum(n * work[p] for p, n in c.items()) for c in found), default=0)
            for path, found in steps.items()
        }
        for path, total in deeper.items():
            if total > MOST_IN_DEPTH:
                detail = "It holds the parts of a value to itself more than once: a deep value would never be judged."
                raise Overdone(path, detail)
        if deeper == work:
            return
        work = deeper
