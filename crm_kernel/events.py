"""What can have happened to a record, as listeners are told (floor 1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

EventType = Literal[
    "record.created", "record.updated", "record.deleted", "record.restored", "record.moved", "record.merged"
]
"""The names of the events that are told of records. A move that changes other fields too is also an update."""

EVENT_TYPES: tuple[EventType, ...] = (
    "record.created",
    "record.updated",
    "record.deleted",
    "record.restored",
    "record.moved",
    "record.merged",
)


class Event(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """Something that happened to one record, told at least once to every listener it fits.

    `record` is the id; `before` and `after` are the record's images (None where there is none), `changed` the names
    of the fields that differ. `actor` is the id of the user, None for the system; `at` canonical UTC text; `attempt`
    counts from 1; `depth` is how many events led to this one. `from_`, `to` and `reason` are those of a move.
    """

    id: str
    type: EventType
    entity: str
    record: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    changed: tuple[str, ...] = ()
    actor: str | None = None
    at: str
    attempt: int = 1
    depth: int = 0
    from_: str | None = None
    to: str | None = None
    reason: str | None = None
