"""How far listeners are behind the events, for whoever looks after the app (floor 7)."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from crm_kernel.clock import Clock
from crm_kernel.fields.moment import read_moment
from crm_kernel.registry import Registry
from crm_kernel.storage import delivery, outbox
from crm_kernel.storage.delivery import CUT, DEAD, RETRY
from crm_kernel.storage.ports import Reads

COUNTED = 1000
"""More events than these are not counted."""


class Lag(msgspec.Struct, frozen=True, kw_only=True):
    """How far one listener is behind.

    `events`: how many wait for it (at most `COUNTED`); `seconds`: since when the oldest of them does; `retry`, `dead`,
    `cut`: its deliveries that are to be tried again, were given up, or were cut.
    """

    plugin: str
    events: int = 0
    seconds: float = 0.0
    retry: int = 0
    dead: int = 0
    cut: int = 0


async def lags(reads: Reads, registry: Registry, clock: Clock) -> Mapping[str, Lag]:
    """The lag of each listener by its name; one that nobody has told anything yet waits for nothing."""
    positions = await delivery.positions(reads)
    states = await delivery.counts(reads)
    newest = await outbox.newest(reads)
    found: dict[str, Lag] = {}
    for bound in registry.listeners:
        events, since = 0, None
        position = positions.get(bound.name, newest)
        if position < newest:
            told = bound.listener
            events, since = await outbox.waiting(reads, position, COUNTED, type=told.event, entity=told.entity)
        seconds = 0.0 if since is None else max(0.0, (clock.now() - read_moment(since)).total_seconds())
        count = {state: states.get((bound.name, state), 0) for state in (RETRY, DEAD, CUT)}
        found[bound.name] = Lag(plugin=bound.plugin, events=events, seconds=round(seconds, 3), **count)
    return found
