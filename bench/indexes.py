"""Whether both sides have the same indexes: without that a ratio says nothing."""

from __future__ import annotations

from collections.abc import Iterable

from bench.stores import Store


def plain(indexes: Iterable[tuple[str, ...]]) -> set[tuple[str, ...]]:
    """Indexes by columns; a folded column counts as the text it is made of."""
    return {tuple(column.removesuffix("__fold") for column in columns) for columns in indexes}


def differences(floor: Store, framework: Store) -> list[str]:
    """What only one side has, as lines for the reader of the table."""
    ours, theirs = plain(framework.indexes("e_contact")), plain(floor.indexes("contact"))
    only = [("framework", ours - theirs), ("floor", theirs - ours)]
    return [f"only the {side} has an index on {', '.join(columns)}" for side, few in only for columns in sorted(few)]
