"""Cuts a batch where a later row may meet a record that an earlier one wrote, or refer to one that came back."""

from __future__ import annotations

from typing import Any

from crm_kernel.operations.changes import AnyChange


def segments(rows: list[tuple[int, AnyChange]]) -> list[list[tuple[int, AnyChange]]]:
    """Rows cut before each that may name a record a second time: a later row meets the earlier one as stored.

    Merges stand apart from other changes, and restored records from those that refer to them.
    """
    if len(rows) == 1:
        return [rows]
    found: list[list[tuple[int, AnyChange]]] = []
    seen: set[Any] = set()
    restored: set[str] = set()
    manner: tuple[str, ...] | None = None  # how the segment names records: by id, or by which key
    for number, change in rows:
        names = _names_of(change)
        how = _MERGE if change.kind == "merge" else change.on
        other = bool(found) and (found[-1][-1][1].kind == "merge") is not (change.kind == "merge")
        again = bool(names) and (not seen.isdisjoint(names) or manner not in (None, how))
        if not found or other or again or _refers_to(change, restored):
            found.append([])
            seen, manner, restored = set(), None, set()
        if names:
            seen.update(names)
            manner = how
        if change.kind == "restore":
            restored.add(str(change.id).lower())
        found[-1].append((number, change))
    return found


_MERGE = ("", "merge")
"""The manner in which merges name records: they are in segments of their own."""


def _refers_to(change: AnyChange, ids: set[str]) -> bool:
    """Whether a value of the change names one of these records."""
    if not ids:
        return False
    values = [one for value in change.values.values() for one in (value if isinstance(value, list) else (value,))]
    return any(isinstance(one, str) and one.lower() in ids for one in values)


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
