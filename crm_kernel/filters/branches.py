"""Row rules as branches that an index finds each: `owner = @me or team in @my_teams` is one for each key."""

from __future__ import annotations

from collections.abc import Collection

from crm_kernel.filters.expression import All, Expression, Some, Test, Tree
from crm_kernel.filters.scope import Rows


def indexed_branches(rows: Rows, indexed: Collection[str]) -> list[Tree] | None:
    """The alternatives of `rows`, each with an equality on a field of `indexed`; None where one has none."""
    if not isinstance(rows, Expression):
        return None
    branches = _alternatives(rows.root)
    return branches if all(_is_found(branch, indexed) for branch in branches) else None


def _alternatives(tree: Tree) -> list[Tree]:
    if isinstance(tree, Some):
        return [branch for item in tree.items for branch in _alternatives(item)]
    return [tree]


def _is_found(tree: Tree, indexed: Collection[str]) -> bool:
    if isinstance(tree, All):
        return any(_is_found(item, indexed) for item in tree.items)
    if not isinstance(tree, Test) or tree.operator not in ("=", "in"):
        return False
    place = tree.place
    is_column = place.root == "record" and not (place.steps or place.member or place.money or place.limits)
    return is_column and place.mask is None and place.field in indexed
