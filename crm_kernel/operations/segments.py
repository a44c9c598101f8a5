"""Cuts a batch where a later row may meet a record that an earlier one wrote."""

from __future__ import annotations

from typing import Any

from crm_kernel.operations.changes import AnyChange


def segments(rows: list[tuple[int, AnyChange]]) -> list[list[tuple[int, AnyChange]]]:
    """Rows cut before each that may name a record a second time: a later row meets the earlier one as stored."""
    found: list[list[tuple[int, AnyChange]]] = []
    seen: set[Any] = set()
    manner: tuple[str, ...] | None = None  # how the segment names records: by id, or by which key
    for number, change in rows:
        name = _name_of(change)
        if not found or (name is not None and (name in seen or manner not in (None, change.on))):
            found.append([])
            seen, manner = set(), None
        if name is not None:
            seen.add(name)
            manner = change.on
        found[-1].append((number, change))
    return found


def _name_of(change: AnyChange) -> Any:
    """What names the record of a change: its id, or its values of the key; None for a create without id."""
    if change.on:
        return (change.entity, *(repr(change.values.get(name)) for name in change.on))
    id = change.id or change.values.get("id")
    return None if id is None else (change.entity, str(id).lower())
