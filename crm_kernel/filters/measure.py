"""What can be told of a resolved filter without running it: nesting, related records, variables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from crm_kernel.filters.expression import (
    BEFORE,
    All,
    AnyElement,
    AnyRow,
    Compared,
    Expression,
    Hop,
    Need,
    Negated,
    Place,
    Some,
    Step,
    Test,
    Tree,
)
from crm_kernel.filters.scope import Rows


def levels_of(tree: Tree) -> int:
    """How deep the subqueries of the tree nest, those of row rules and masks included."""
    match tree:
        case All() | Some():
            return max(map(levels_of, tree.items), default=0)
        case Negated():
            return levels_of(tree.item)
        case Test():
            return _place_levels(tree.place)
        case Compared():
            return max(_place_levels(tree.left), _place_levels(tree.right))
        case AnyElement():
            return max(_place_levels(tree.place), levels_of(tree.inner) + 1 + bool(tree.place.steps))
        case AnyRow():
            inside = max(_rows_levels(tree.mask), _rows_levels(tree.rows), levels_of(tree.inner))
            return max(_steps_levels(tree.steps), inside + 1)


def _place_levels(place: Place) -> int:
    return max(_steps_levels(place.steps), _rows_levels(place.mask) + bool(place.steps))


def _steps_levels(steps: tuple[Step, ...]) -> int:
    return max((1 + max(_rows_levels(s.mask), _rows_levels(s.rows)) for s in steps), default=0)


def _rows_levels(rows: Rows) -> int:
    return rows.levels if isinstance(rows, Expression) else 0


def needs_of(tree: Tree) -> tuple[Need, ...]:
    """Every way to related records that a predicate may take, each beginning of a way before the way itself."""
    return tuple(dict.fromkeys(_needs(tree, ())))


def _needs(tree: Tree, way: Need) -> Iterator[Need]:
    match tree:
        case All() | Some():
            for item in tree.items:
                yield from _needs(item, way)
        case Negated():
            yield from _needs(tree.item, way)
        case Test():
            yield from _place_needs(tree.place, way)
        case Compared():
            yield from _place_needs(tree.left, way)
            yield from _place_needs(tree.right, way)
        case AnyElement():
            yield from _place_needs(tree.place, way)
        case AnyRow():
            yield from _steps_needs(tree.steps, way)
            there = (*way, *_lookups(tree.steps), Hop("referring", tree.field, tree.target))
            yield there
            yield from _rows_needs((tree.mask, tree.rows), there)
            yield from _needs(tree.inner, there)


def _place_needs(place: Place, way: Need) -> Iterator[Need]:
    here = _rooted(place.root, way)
    yield from _steps_needs(place.steps, here)
    yield from _rows_needs((place.mask,), (*here, *_lookups(place.steps)))


def _steps_needs(steps: tuple[Step, ...], way: Need) -> Iterator[Need]:
    for step in steps:
        yield from _rows_needs((step.mask,), way)
        way = (*way, Hop("lookup", step.field, step.target))
        yield way
        yield from _rows_needs((step.rows,), way)


def _rows_needs(conditions: Iterable[Rows], way: Need) -> Iterator[Need]:
    for rows in conditions:
        if isinstance(rows, Expression):
            for need in rows.needs:
                yield (*way, *need)


def _lookups(steps: tuple[Step, ...]) -> Need:
    return tuple(Hop("lookup", step.field, step.target) for step in steps)


def _rooted(root: str, way: Need) -> Need:
    return (*way, BEFORE) if root == "before" else way


def variables_of(tree: Tree) -> frozenset[str]:
    """The variables of the row rules and masks in the tree, and what computed fields need."""
    return frozenset(_variables(tree))


def _variables(tree: Tree) -> Iterator[str]:
    match tree:
        case All() | Some():
            for item in tree.items:
                yield from _variables(item)
        case Negated():
            yield from _variables(tree.item)
        case Test():
            yield from _place_variables(tree.place)
        case Compared():
            yield from _place_variables(tree.left)
            yield from _place_variables(tree.right)
        case AnyElement():
            yield from _place_variables(tree.place)
            yield from _variables(tree.inner)
        case AnyRow():
            yield from _rows_variables(tree.mask, tree.rows, *(r for s in tree.steps for r in (s.mask, s.rows)))
            yield from _variables(tree.inner)


def _place_variables(place: Place) -> Iterator[str]:
    yield from _rows_variables(place.mask, *(rows for step in place.steps for rows in (step.mask, step.rows)))
    if place.limits is not None:
        yield "now"


def _rows_variables(*conditions: Rows) -> Iterator[str]:
    for rows in conditions:
        if isinstance(rows, Expression):
            yield from rows.variables
