"""What happened to one record and around it: activities, moves and changes in one order, newest first (floor 7)."""

from __future__ import annotations

from typing import Any

from crm_kernel.callers import Caller
from crm_kernel.errors import Error
from crm_kernel.operations.list_query import ListQuery
from crm_kernel.operations.record_reader import RecordReader

ACTIVITY = "activity"
_NEEDED = ("about", "created_at")
"""Fields of activities without which they cannot be told to belong to a record, and when."""


async def timeline(
    reader: RecordReader, entity: str, id: str, caller: Caller, *, limit: int, cursor: str | None
) -> dict[str, Any]:
    """A page of the timeline of a visible record, as many statements whatever is on it.

    Each item has `at`, `kind` (activity, move, change) and, of these, one with what there is to tell: `activity` as a
    list answers it, else `change` as history does. An activity stands at the moment it was recorded. Raises `Error`:
    not_found, bad_cursor.
    """
    _, readable, _ = await reader.in_hand(entity, id, caller)
    binding = ListQuery(filter=f"timeline of {id}", cursor=cursor)
    before, after = (None, None) if cursor is None else reader.cursors.read(caller.id, entity, binding, 2)
    entries = await reader.entries(entity, id, readable, caller, limit=limit + 1, before=before)
    activities = await _activities(reader, id, caller, limit + 1, after)
    items: list[tuple[dict[str, Any], Any, Any]] = []
    for entry in entries:
        kind = "move" if entry["move"] is not None else "change"
        items.append(({"at": entry["at"], "kind": kind, "activity": None, "change": entry}, entry["seq"], None))
    for activity in activities:
        place = [_key(activity["created_at"]), activity["id"]]
        items.append(
            ({"at": activity["created_at"], "kind": ACTIVITY, "activity": activity, "change": None}, None, place)
        )
    items.sort(key=lambda item: _key(item[0]["at"]), reverse=True)
    following = None
    if len(items) > limit:
        for _, seq, place in items[:limit]:
            before, after = seq or before, place or after
        following = reader.cursors.write(caller.id, entity, binding, [before, after])
    return {"items": [item for item, _, _ in items[:limit]], "next": following}


def _key(moment: str) -> str:
    """A moment as lists sort it: with its Z, a whole second would come behind its parts."""
    return moment.removesuffix("Z")


async def _activities(
    reader: RecordReader, id: str, caller: Caller, limit: int, after: list[str] | None
) -> list[dict[str, Any]]:
    """The activities about a record that the caller may read, behind a place; none where he may not know of them."""
    try:
        access = reader.access(caller, ACTIVITY)
    except Error:
        return []
    if not access.allows(ACTIVITY, "read") or not access.readable(ACTIVITY) >= set(_NEEDED):
        return []
    # Where it is hidden on a record when it was made, that record has no place in the order.
    query = ListQuery(filter=f"about = '{id}' and created_at is not null", sort="-created_at", limit=limit)
    if after is not None:
        cursor = reader.cursors.write(caller.id, ACTIVITY, query, after)
        query = ListQuery(filter=query.filter, sort=query.sort, limit=limit, cursor=cursor)
    return (await reader.list(ACTIVITY, caller, query)).items
