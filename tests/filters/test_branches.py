"""Which row rules an index can find."""

from __future__ import annotations

from typing import Any

import pytest

from crm_kernel.filters.branches import indexed_branches
from crm_kernel.filters.resolver import resolve
from crm_kernel.filters.scope import NOTHING

INDEXED = {"owner", "kind", "name"}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("owner = @me", 1),
        ("kind in ('big', 'small') or owner = @me", 2),
        ("owner = @me or (kind = 'big' or kind = 'small')", 3),
        ("owner = @me and count > 3", 1),
        ("(owner = @me or kind = 'big') and count > 3", 2),
        ("count > 3 and (owner = @me or kind = 'big') and (count > 4 or count < 9)", 2),
        ("(owner = @me or count = 1) and count > 3", None),
        ("owner = @me or count > 3", None),
        ("owner != @me", None),
        ("not (owner = @me)", None),
        ("owner.name = 'anna'", None),
        ("count = 1", None),
    ],
)
def test_each_alternative_needs_an_equality(world: Any, text: str, count: int | None) -> None:
    found = indexed_branches(resolve(text, "deal", world.model), INDEXED)
    assert (None if found is None else len(found)) == count


def test_rules_that_are_no_expression_have_no_branches() -> None:
    assert indexed_branches(None, INDEXED) is None
    assert indexed_branches(NOTHING, INDEXED) is None
