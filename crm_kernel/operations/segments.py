"""Cuts a batch where a later row may meet a record that an earlier one wrote, or refer to one that came back."""

from __future__ import annotations

from typing import Any

from crm_kernel.operations.changes import AnyChange


def segments(rows: list[tuple[int, AnyChange]]) -> list[list[tuple[int, AnyChange]]]:
    """Rows cut before each that may name a record a second time: a later row meets the earlier one as stored.

    Merges stand apart from other changes, and restored records from those that may refer to them.
    """
    found: list[list[tuple[int, AnyChange]]] = []
    seen: set[Any] = set()
    last = ""
    manner: tuple[str, ...] | None = None  # how the segment names records: by id, or by which key
    for number, change in rows:
        names = _names_of(change)
        how = _MERGE if change.kind == "merge" else change.on
        kind = change.kind if change.kind in _APART else ""
        if not found or kind != last or (names and (not seen.isdisjoint(names) or manner not in (None, how))):
            found.append([])
            seen, manner, last = set(), None, kind
        if names:
            seen.update(names)
            manner = how
        found[-1].append((number, change))
    return found


_APART = ("merge", "restore")
"""Kinds of changes that are in segments of their own."""
_MERGE = ("", "merge")
"""The manner in which merges name records: they are in segments of their own."""


def _names_of(change: AnyChange) -> list[Any]:
    """What names the records of a change; of a merge all that it is about."""
    name = _name_of(change)
    return [] if name is None else [name, *((change.entity, id.lower()) for id in change.sources)]


def _name_of(change: AnyChange) -> Any:
    """What names the record of a change: its id, or its values of the key; None for a create without id."""
    if change.on:
        return (change.entity, *(repr(change.values.get(name)) for name in change.on))
    id = change.id or change.values.get("id")
    return None if id is None else (change.entity, str(id).lower())
