"""Delivers events to listeners after the commit: at least once, in order per (listener, record), with retries.

One task of the server reads the outbox behind each listener's position. What fails is tried again with growing pauses
and holds back later events of the same record for that listener; after fifteen attempts it is dead until replayed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from time import monotonic
from typing import Any, NamedTuple, cast

import msgspec

from crm_kernel.callers import system
from crm_kernel.clock import Clock
from crm_kernel.errors import Error
from crm_kernel.events import Event
from crm_kernel.filters.to_predicate import to_predicate
from crm_kernel.operations.calls import Calls, Overrun
from crm_kernel.operations.deliver_faults import MAX_DEPTH, cut, failed
from crm_kernel.operations.images import Images, event_of, load_images
from crm_kernel.registry import BoundListener, Registry
from crm_kernel.storage import delivery, outbox
from crm_kernel.storage.delivery import CUT, Pending
from crm_kernel.storage.outbox import OutboxEvent
from crm_kernel.storage.ports import Database, Tx
from crm_kernel.storage.store import Store

log = logging.getLogger("crm_kernel.deliver")

BATCH = 200
POLL = 1.0
"""Seconds after which the outbox is looked at without an alarm: other processes write to it too."""
REST = 0.1
"""Seconds from one round to the next while nothing is found for anybody: a busy server commits all the time."""
UNSAVED = 1000
"""Events that a position in memory may be ahead of the stored one, where none of them was for the listener."""
SETTLING = 0.005
"""Seconds between two looks whether the events up to the newest are complete."""
REST_AFTER_OVERRUN = 10
"""A listener that was cut rests for so many times as long: others wait for it for a tenth of the time at most."""
GRACE = 10.0
"""Seconds that the delivery at hand may still take when the app stops."""


class Cause(NamedTuple):
    """Why a listener runs: the event's id, the listener's name, and how many events led there."""

    event: str
    listener: str
    depth: int


class Dispatcher:
    """Feeds listeners from the outbox.

    `crm_for(plugin, cause)` makes what a listener works with; the listeners of a plugin that is not `is_active` wait.
    """

    def __init__(
        self,
        database: Database,
        store: Store,
        clock: Clock,
        registry: Callable[[], Registry],
        crm_for: Callable[[str, Cause], Any],
        is_active: Callable[[str], bool],
        calls: Calls,
    ) -> None:
        self._database = database
        self._store = store
        self._clock = clock
        self._registry = registry
        self._crm_for = crm_for
        self._is_active = is_active
        self._calls = calls
        self._resting: dict[str, float] = {}
        self._alarm = asyncio.Event()
        self._round = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._positions: dict[str, int] = {}
        self._stored: dict[str, int] = {}
        self._claims: dict[str, int] = {}

    def wake(self) -> None:
        """Something was committed."""
        self._alarm.set()

    async def start(self) -> None:
        """Begin to deliver; a listener seen for the first time begins with what happens from now on."""
        await self.adopt()
        self._stopping = False
        self._task = asyncio.create_task(self._run(), name="crm-deliver")

    async def adopt(self) -> None:
        """Know the position of every listener; a new one begins behind the last event."""
        names = [bound.name for bound in self._registry().listeners if bound.name not in self._positions]
        if not names:
            return
        self._stored = await delivery.positions(self._database)
        last = await outbox.last_seq(self._database)
        self._positions.update({name: self._stored.get(name, last) for name in names})
        await self._save(lambda behind: behind is None)

    async def stop(self) -> None:
        """Finish the delivery at hand and stop."""
        if self._task is None:
            return
        self._stopping = True
        self._alarm.set()
        done, _ = await asyncio.wait([self._task], timeout=GRACE)
        if not done:
            log.warning("a listener was cut after %s s; it gets its event again", GRACE)
            self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None
        await self._save(lambda behind: behind != 0)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._stopping:
            self._alarm.clear()
            begun = loop.time()
            try:
                busy = await self.deliver_once()
            except Error as error:  # the database is away, locked or full
                log.warning("delivery stopped for a moment: %s", error)
                busy = 0
            except Exception:
                log.exception("delivery stopped for a moment")
                busy = 0
            if not busy and not self._stopping:
                try:
                    async with asyncio.timeout(POLL):
                        await self._alarm.wait()
                except TimeoutError:
                    continue
                await asyncio.sleep(REST - (loop.time() - begun))

    async def deliver_all(self) -> int:
        """Deliver until nothing is due, at least what was committed before; how many deliveries were tried."""
        newest = await outbox.newest(self._database)
        # Another write may still come before it, and nobody tells when it has ended.
        while await outbox.last_seq(self._database) < newest:  # noqa: ASYNC110
            await asyncio.sleep(SETTLING)
        total = 0
        while tried := await self.deliver_once():
            total += tried
        return total

    async def deliver_once(self) -> int:
        """One round over all listeners: what is due again, then the next events; how many deliveries were tried."""
        async with self._round:
            await self.adopt()
            active = [bound for bound in self._registry().listeners if self._may_run(bound)]
            last = await outbox.last_seq(self._database)
            waiting = await delivery.waiting(self._database)
            kinds = await self._kinds(active, last)
            tried = 0
            for bound in active:
                if bound.name in waiting:
                    tried += await self._retry(bound)
                position = self._positions[bound.name]
                if position in kinds and not _concerns(bound, kinds[position]):
                    self._positions[bound.name] = last
                else:
                    tried += await self._advance(bound, last, waits=bound.name in waiting)
            await self._save(lambda behind: behind is None or behind >= UNSAVED)
            return tried

    def _may_run(self, bound: BoundListener) -> bool:
        """Whether a listener takes part now: its plugin does, and it does not rest."""
        return self._is_active(bound.plugin) and self._resting.get(bound.name, 0.0) <= monotonic()

    async def _kinds(self, active: Sequence[BoundListener], last: int) -> dict[int, set[tuple[str, str]]]:
        """By each position of listeners: (type, entity) of the events from there to `last`.

        Nearly all listeners are at one position, and few events concern any of them: one statement tells.
        """
        behind = {position for bound in active if (position := self._positions[bound.name]) < last}
        return {position: await outbox.kinds(self._database, position, until=last) for position in behind}

    async def _advance(self, bound: BoundListener, last: int, *, waits: bool) -> int:
        """Tell one listener of the next events up to `last` that are for it; `waits`: some wait."""
        position, listener = self._positions[bound.name], bound.listener
        if position >= last:
            return 0
        events = await outbox.after(
            self._database, position, BATCH, until=last, type=listener.event, entity=listener.entity
        )
        if not events:
            self._positions[bound.name] = last
            return 0
        if not await self._is_ours(bound.name):
            return 0
        if self._positions[bound.name] != position:  # it was another's until now
            return await self._advance(bound, last, waits=waits)
        images = await self._images(events)
        held = await delivery.held_back(self._database, bound.name) if waits else set[tuple[str, str]]()
        failed: list[Pending] = []
        tried = 0
        for event in events:
            if self._stopping or not self._may_run(bound):
                break
            place = (event.entity, event.record)
            pending: Pending | None = Pending(bound.name, event.seq, *place)
            if place not in held:
                pending = await self._deliver(bound, event, images.get(event.seq), attempts=0)
            if pending is not None:
                failed.append(pending)
                if pending.state != CUT:
                    held.add(place)
            tried += 1
        if tried:
            await self._reach(bound.name, last if tried == len(events) < BATCH else events[tried - 1].seq, failed)
        return tried

    async def _is_ours(self, listener: str) -> bool:
        """Whether this process delivers to a listener, and no other: so its events stay in order.

        Where another does, or did until now, this one goes on behind what that one has delivered.
        """
        claim = await self._database.claim(f"crm:listener:{listener}")
        if claim and claim == self._claims.get(listener):
            return True
        self._claims[listener] = claim
        self._stored = await delivery.positions(self._database)
        self._positions[listener] = max(self._positions[listener], self._stored.get(listener, 0))
        return bool(claim)

    async def _reach(self, listener: str, seq: int, failed: Sequence[Pending]) -> None:
        async def work(tx: Tx) -> None:
            if failed:
                await delivery.put(tx, failed)
            await delivery.advance(tx, listener, seq)

        await self._database.write(work)
        self._positions[listener] = self._stored[listener] = seq

    async def _save(self, due: Callable[[int | None], bool]) -> None:
        """Store the positions in memory that are `due`, by how far the stored one is behind (None: none is stored)."""
        behind = {n: seq - self._stored[n] if n in self._stored else None for n, seq in self._positions.items()}
        unsaved = {name: self._positions[name] for name, events in behind.items() if due(events)}
        if not unsaved:
            return

        async def work(tx: Tx) -> None:
            for name, seq in unsaved.items():
                await delivery.advance(tx, name, seq)

        await self._database.write(work)
        self._stored.update(unsaved)

    async def _retry(self, bound: BoundListener) -> int:
        if not await self._is_ours(bound.name):
            return 0
        due = await delivery.due(self._database, bound.name, self._clock.now_text())
        events = {e.seq: e for e in await outbox.by_seq(self._database, [p.seq for p in due])}
        images = await self._images(list(events.values()))
        for tried, pending in enumerate(due):
            if self._stopping or not self._may_run(bound):
                return tried
            event = events.get(pending.seq)
            again = None
            if event is not None:
                again = await self._deliver(bound, event, images.get(event.seq), attempts=pending.attempts)
            await self._settle(pending, again)
        return len(due)

    async def _settle(self, pending: Pending, again: Pending | None) -> None:
        async def work(tx: Tx) -> None:
            if again is None:
                await delivery.done(tx, pending.listener, pending.seq)
            else:
                await delivery.put(tx, [again])

        await self._database.write(work)

    async def _images(self, events: Sequence[OutboxEvent]) -> Mapping[int, Images]:
        return await load_images(self._database, self._store, self._registry(), events)

    async def _deliver(
        self, bound: BoundListener, stored: OutboxEvent, images: Images | None, *, attempts: int
    ) -> Pending | None:
        """Tell one listener of one event; what is left to do where that failed. Without images its entity is gone."""
        if images is None or not _concerns(bound, {(stored.type, stored.entity)}):  # a replay names events of all kinds
            return None
        try:
            event = event_of(stored, images, attempts + 1)
            if not await self._fits(bound, event):
                return None
            if stored.depth > MAX_DEPTH:
                return cut(bound.name, stored)
            crm = self._crm_for(bound.plugin, Cause(stored.id, bound.name, stored.depth + 1))
            work = cast("Coroutine[Any, Any, None]", bound.listener.handle(event, crm))
            returned: object = await self._calls.run(bound.plugin, f"listener {bound.listener.label}", work)
            if returned is not None:
                log.warning("listener %s returned %.80r, expected None", bound.name, returned)
        except Exception as error:
            log.exception("listener %s failed on event %s", bound.name, stored.id)
            if isinstance(error, Overrun):
                self._resting[bound.name] = monotonic() + REST_AFTER_OVERRUN * self._calls.seconds
            return failed(bound.name, stored, attempts + 1, error, self._clock.now())
        return None

    async def _fits(self, bound: BoundListener, event: Event) -> bool:
        """Whether the listener's condition holds on the record's new image and the event. It holds on no purged one."""
        if bound.where is None or event.after is None:
            return bound.where is None
        registry = self._registry()
        caller = system("job", timezone=registry.value_context.timezone)
        environment = msgspec.structs.replace(
            registry.environment(caller, self._clock.now()), event=_members(event), before=event.before
        )
        if bound.where.uses_related:
            environment = await self._store.lookups.prefetch(
                self._database, registry.entities, [bound.where], [event.after], environment
            )
        return to_predicate(bound.where)(event.after, environment)


def _concerns(bound: BoundListener, kinds: set[tuple[str, str]]) -> bool:
    wanted = bound.listener
    return any(wanted.event == type and wanted.entity in (None, entity) for type, entity in kinds)


def _members(event: Event) -> dict[str, Any]:
    return {
        "type": event.type,
        "from": event.from_,
        "to": event.to,
        "reason": event.reason,
        "actor": event.actor,
        "changed": list(event.changed),
    }
