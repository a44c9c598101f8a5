"""Row rules as branches that an index finds each: `owner = @me or team in @my_teams` is one for each key."""

from __future__ import annotations

from collections.abc import Callable, Collection

import msgspec

from crm_kernel.filters.expression import All, Expression, Some, Test, Tree
from crm_kernel.filters.scope import Rows

ID = "id"
"""Found by the primary key: of a list of ids as many records as it has, and no more."""

_SERVED = frozenset({"=", "in", "<", "<=", ">", ">=", "between", "within"})
"""Tests that an index on the field can serve."""


def indexed_branches(rows: Rows, indexed: Collection[str]) -> list[Tree] | None:
    """The alternatives of `rows`, each with an equality on a field of `indexed`; None where one has none."""
    if not isinstance(rows, Expression):
        return None
    return _found_branches(rows.root, lambda branch: _is_found(branch, indexed))


def single_keys(rows: Rows, fields: Collection[str]) -> list[tuple[str, Tree]] | None:
    """The alternatives of `rows`, each with one value of one of `fields`, or a list of ids, beside that field; None
    where one has not."""
    if not isinstance(rows, Expression):
        return None
    branches = _found_branches(rows.root, lambda branch: bool(_keys(branch, fields)))
    return None if branches is None else [key for branch in branches for key in _keys(branch, fields)]


def _keys(tree: Tree, fields: Collection[str]) -> list[tuple[str, Tree]]:
    """A condition once for each value of one of `fields`, where it asks for its equality, alone or among others."""
    if isinstance(tree, All):
        for place, item in enumerate(tree.items):
            if keys := _keys(item, fields):
                return [(field, All((key, *_others(tree, place)))) for field, key in keys]
        return []
    if not isinstance(tree, Test) or not _is_column(tree) or tree.place.field not in fields:
        return []
    if tree.listed:
        return [(ID, tree)] if tree.place.field == ID and tree.operator == "in" else []
    if tree.operator == "=":
        return [(tree.place.field, tree)]
    if tree.operator != "in":
        return []
    return [(tree.place.field, msgspec.structs.replace(tree, operator="=", values=(value,))) for value in tree.values]


def equal_fields(root: Tree) -> frozenset[str] | None:
    """The fields of a filter that only says which value each has; None for any other filter."""
    items = root.items if isinstance(root, All) else (root,)
    fields = [i.place.field for i in items if isinstance(i, Test) and i.operator == "=" and _is_column(i)]
    return frozenset(fields) if len(set(fields)) == len(items) else None


def tested_fields(root: Tree) -> tuple[str, ...]:
    """The fields of the record itself that each record found must pass a test of which an index could serve."""
    items = root.items if isinstance(root, All) else (root,)
    found = [i.place.field for i in items if isinstance(i, Test) and i.operator in _SERVED and _is_own(i)]
    return tuple(dict.fromkeys(found))


def _found_branches(tree: Tree, is_found: Callable[[Tree], bool]) -> list[Tree] | None:
    """The alternatives of a condition, each found; of one that is narrowed those of a part, each narrowed so."""
    if is_found(tree):
        return [tree]
    if isinstance(tree, Some):
        found = [_found_branches(item, is_found) for item in tree.items]
        return None if None in found else [branch for branches in found if branches for branch in branches]
    if isinstance(tree, All):
        for place, item in enumerate(tree.items):
            branches = _found_branches(item, is_found)
            if branches is not None:
                return [All((branch, *_others(tree, place))) for branch in branches]
    return None


def _others(tree: All, place: int) -> tuple[Tree, ...]:
    return tree.items[:place] + tree.items[place + 1 :]


def _is_found(tree: Tree, indexed: Collection[str]) -> bool:
    if isinstance(tree, All):
        return any(_is_found(item, indexed) for item in tree.items)
    return isinstance(tree, Test) and tree.operator in ("=", "in") and _is_column(tree) and tree.place.field in indexed


def _is_own(test: Test) -> bool:
    place = test.place
    return place.root == "record" and not (place.steps or place.limits or (place.member and not place.money))


def _is_column(test: Test) -> bool:
    """Whether a column of the record itself is tested, which he may read on every row."""
    place = test.place
    return (
        place.root == "record"
        and place.mask is None
        and not (place.steps or place.member or place.money or place.limits)
    )
