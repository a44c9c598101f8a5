"""What an expression is evaluated in: who asks, when, and where related records come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

Row = Mapping[str, Any]


def _nobody(entity: str, id: str) -> Row | None:  # noqa: ARG001 - the shape of `lookup`
    return None


def _none_refer(entity: str, field: str, id: str) -> Sequence[Row]:  # noqa: ARG001 - the shape of `referring`
    return ()


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """The variables of a filter, and for predicates the related records.

    `now` is aware; `zone` an IANA name; `params` are JSON values by name. `lookup(entity, id)` gives a stored record
    (deleted ones may be given, they count as absent), `referring(entity, field, id)` the records of `entity` whose
    `field` refers to `id`. `event` holds type, from, to, reason, actor, changed; `before` the record before it.
    """

    now: datetime = msgspec.field(default_factory=lambda: datetime.now(UTC))
    zone: str = "UTC"
    me: str | None = None
    my_team: str | None = None
    my_teams: Sequence[str] = ()
    shared: Sequence[Sequence[str]] = ()
    params: Mapping[str, Any] = {}
    lookup: Callable[[str, str], Row | None] = _nobody
    referring: Callable[[str, str, str], Sequence[Row]] = _none_refer
    event: Mapping[str, Any] | None = None
    before: Row | None = None
