"""Delivers events to listeners after the commit: at least once, in order per (listener, record), with retries.

One task of the server reads the outbox behind each listener's position. What fails is tried again with growing pauses
and holds back later events of the same record for that listener; after `MAX_ATTEMPTS` it is dead until replayed.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from crm_kernel.callers import Caller
from crm_kernel.clock import Clock, moment_text
from crm_kernel.events import Event
from crm_kernel.filters.to_predicate import to_predicate
from crm_kernel.operations.images import event_of
from crm_kernel.registry import BoundListener, Registry
from crm_kernel.storage import delivery, outbox
from crm_kernel.storage.delivery import DEAD, RETRY, Pending
from crm_kernel.storage.outbox import OutboxEvent
from crm_kernel.storage.ports import Database, Tx
from crm_kernel.storage.store import Store

log = logging.getLogger("crm_kernel.deliver")

BATCH = 200
MAX_ATTEMPTS = 8
MAX_DEPTH = 5
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 600.0
POLL = 1.0
"""Seconds after which the outbox is looked at without an alarm: other processes write to it too."""


class Dispatcher:
    """Feeds listeners from the outbox. `crm_for(caller, key)` makes what a listener works with."""

    def __init__(
        self,
        database: Database,
        store: Store,
        clock: Clock,
        registry: Callable[[], Registry],
        crm_for: Callable[[Caller, str], Any],
    ) -> None:
        self._database = database
        self._store = store
        self._clock = clock
        self._registry = registry
        self._crm_for = crm_for
        self._alarm = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Something was committed."""
        self._alarm.set()

    async def start(self) -> None:
        """Begin to deliver; a listener seen for the first time begins with what happens from now on."""
        await self.adopt()
        self._task = asyncio.create_task(self._run(), name="crm-deliver")

    async def adopt(self) -> None:
        """Give new listeners their position."""
        known = await delivery.positions(self._database)
        new = [bound.name for bound in self._registry().listeners if bound.name not in known]
        if new:
            last = await outbox.last_seq(self._database)

            async def work(tx: Tx) -> None:
                for name in new:
                    await delivery.advance(tx, name, last)

            await self._database.write(work)

    async def stop(self) -> None:
        """Finish the delivery at hand and stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        while True:
            self._alarm.clear()
            try:
                busy = await self.deliver_once()
            except Exception:
                log.exception("delivery stopped for a moment")
                busy = False
            if not busy:
                try:
                    async with asyncio.timeout(POLL):
                        await self._alarm.wait()
                except TimeoutError:
                    continue

    async def deliver_all(self) -> int:
        """Deliver until nothing is due; how many events were handled (tests and `crm deliver`)."""
        total = 0
        while handled := await self.deliver_once():
            total += handled
        return total

    async def deliver_once(self) -> int:
        """One round over all listeners: what is due again, then the next events; how many deliveries were looked at."""
        listeners = self._registry().listeners
        if not listeners:
            return 0
        positions = await delivery.positions(self._database)
        handled = 0
        for bound in listeners:
            handled += await self._retry(bound)
            handled += await self._advance(bound, positions.get(bound.name, 0))
        return handled

    async def _advance(self, bound: BoundListener, position: int) -> int:
        events = await outbox.after(self._database, position, BATCH)
        if not events:
            return 0
        held = await delivery.held_back(self._database, bound.name)
        failed: list[Pending] = []
        for event in events:
            if not _is_for(bound, event):
                continue
            place = (event.entity, event.record)
            if place in held:
                failed.append(Pending(bound.name, event.seq, *place))
                continue
            pending = await self._deliver(bound, event, attempts=0)
            if pending is not None:
                held.add(place)
                failed.append(pending)

        async def work(tx: Tx) -> None:
            if failed:
                await delivery.put(tx, failed)
            await delivery.advance(tx, bound.name, events[-1].seq)

        await self._database.write(work)
        return len(events)

    async def _retry(self, bound: BoundListener) -> int:
        due = await delivery.due(self._database, bound.name, self._clock.now_text())
        if not due:
            return 0
        events: Mapping[int, OutboxEvent] = {
            e.seq: e for e in await outbox.by_seq(self._database, [p.seq for p in due])
        }
        for pending in due:
            event = events.get(pending.seq)
            again = None if event is None else await self._deliver(bound, event, attempts=pending.attempts)
            await self._settle(pending, again)
        return len(due)

    async def _settle(self, pending: Pending, again: Pending | None) -> None:
        async def work(tx: Tx) -> None:
            if again is None:
                await delivery.done(tx, pending.listener, pending.seq)
            else:
                await delivery.put(tx, [again])

        await self._database.write(work)

    async def _deliver(self, bound: BoundListener, stored: OutboxEvent, *, attempts: int) -> Pending | None:
        """Tell one listener of one event; what is left to do where that failed."""
        if stored.depth >= MAX_DEPTH:
            log.warning("event %s is not told to %s: more than %s causes deep", stored.id, bound.name, MAX_DEPTH)
            return None
        try:
            model = self._registry().entities.get(stored.entity)
            if model is None:
                return None
            event = await event_of(self._database, self._store, model, stored, attempts + 1)
            if not await self._fits(bound, event):
                return None
            caller = Caller(
                channel="plugin",
                system=True,
                plugin=bound.plugin,
                cause={"event": stored.id, "listener": bound.name},
                depth=stored.depth + 1,
            )
            await bound.listener.handle(event, self._crm_for(caller, f"{stored.id}:{bound.name}"))
        except Exception as error:
            log.exception("listener %s failed on event %s", bound.name, stored.id)
            return self._failed(bound, stored, attempts + 1, error)
        return None

    def _failed(self, bound: BoundListener, stored: OutboxEvent, attempts: int, error: Exception) -> Pending:
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempts - 1)) * random.uniform(0.8, 1.2)  # noqa: S311
        state = DEAD if attempts >= MAX_ATTEMPTS else RETRY
        next_at = moment_text(self._clock.now() + timedelta(seconds=pause))
        text = f"{type(error).__name__}: {error}"[:500]
        return Pending(bound.name, stored.seq, stored.entity, stored.record, state, attempts, next_at, text)

    async def _fits(self, bound: BoundListener, event: Event) -> bool:
        """Whether the listener's condition holds on the record's new image and the event."""
        if bound.where is None or event.after is None:
            return bound.where is None
        registry = self._registry()
        environment = registry.environment(Caller(channel="job", system=True), self._clock.now())
        if bound.where.uses_related:
            environment = await self._store.lookups.prefetch(
                self._database, registry.entities, [bound.where], [dict(event.after)], environment
            )
        environment = msgspec.structs.replace(environment, event=_members(event), before=event.before)
        return to_predicate(bound.where)(event.after, environment)


def _is_for(bound: BoundListener, event: OutboxEvent) -> bool:
    """Whether type and entity fit, before any image is loaded."""
    return bound.listener.event == event.type and bound.listener.entity in (None, event.entity)


def _members(event: Event) -> dict[str, Any]:
    changed: Sequence[str] = event.changed
    return {
        "type": event.type,
        "from": event.from_,
        "to": event.to,
        "reason": event.reason,
        "actor": event.actor,
        "changed": list(changed),
    }
