"""Formulas and rollups that are new or were changed, computed for the records that are stored already (floor 7).

The database keeps which definition the stored values of each field are of. Where that is not the one in force, a job
goes through the records in batches; how far it is stands in the transaction of each batch. So whoever comes next, after
a kill too, goes on with it. Until it is done filters and sorts read what is stored.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

import msgspec

from crm_kernel.callers import system
from crm_kernel.clock import Clock
from crm_kernel.fields.moment import read_moment
from crm_kernel.operations.following import FOLLOW_SECONDS
from crm_kernel.operations.work import WriteWork
from crm_kernel.operations.write_computed import follow, recompute
from crm_kernel.registry import Registry
from crm_kernel.storage import jobs, meta, scan
from crm_kernel.storage.evolution import is_empty
from crm_kernel.storage.jobs import CANCELLED, DONE, QUEUED, RUNNING, StoredJob
from crm_kernel.storage.jsontext import from_json, to_json
from crm_kernel.storage.ports import Database, Reads, Tx
from crm_kernel.storage.store import Store

KIND = "recompute"
LOOK_SECONDS = 1.0
"""How often a process sees whether what it runs by was changed; there is no statement as long as it was not."""
SETTLE_SECONDS = 2 * FOLLOW_SECONDS
"""After so long no process writes by the former definitions any more."""
BATCH = 200
"""Records of one transaction at the most."""
ROOM = 0.03
"""Seconds of one transaction, for which another writer may have to wait: after a longer one the next is smaller."""
PAUSE = 0.005
"""Seconds between two transactions at the least; twice as long as one took, where that is more."""

_CLAIM = "crm:recompute"
"""What the process holds that computes."""
_LOCK = "crm:recompute-job"
"""What a transaction holds that makes or advances a job."""
_DIGESTS = "computed"


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a job is: `fields` are `entity.field` with the definition that is computed; of `entities` those before
    `at` are done, and of that one all records up to the id `after`; `last` is the last id there was when it was begun:
    what comes later is computed where it is written."""

    fields: dict[str, str]
    entities: list[str]
    at: int = 0
    after: str = ""
    last: str | None = None
    rows: int = 0
    done: int = 0
    updated: int = 0

    @classmethod
    def of(cls, stored: StoredJob) -> Progress:
        """What is stored of a job."""
        return msgspec.convert(stored.body, cls)

    @property
    def entity(self) -> str | None:
        """The entity whose records are next, None where all are done."""
        return self.entities[self.at] if self.at < len(self.entities) else None


class Recompute:
    """What one kernel does for definitions that have changed. `settle` are the seconds it waits for other processes."""

    def __init__(
        self,
        database: Database,
        store: Store,
        clock: Clock,
        registry: Callable[[], Registry],
        *,
        settle: float = SETTLE_SECONDS,
    ) -> None:
        self._database = database
        self._store = store
        self._clock = clock
        self._registry = registry
        self._settled = -1
        self._size = BATCH // 4
        self.settle = settle

    async def look(self) -> str | None:
        """Compute what is to be computed, unless another process does; the job that is left to it."""
        registry = self._registry()
        if registry.version == self._settled:
            return None
        id = await self.note()
        if id is None:
            self._settled = registry.version
            return None
        if not await self._database.claim(_CLAIM):
            return id
        await self._wait(id)
        while self._registry() is registry and await self._step(id, registry):
            pass
        return None

    async def finish(self) -> str | None:
        """Compute all that is to be computed now; the job that is left to another process."""
        while self._registry().version != self._settled:
            left = await self.look()
            if left is not None:
                return left
        return None

    async def note(self) -> str | None:
        """Let what the stored values are not of be a job; its id, None where there is nothing to do."""
        registry = self._registry()
        declared = _declared(registry)
        if await is_empty(self._database):
            return None
        if await _stored(self._database) == declared:
            return None
        return await self._database.write(lambda tx: self._noted(tx, registry, declared))

    async def _noted(self, tx: Tx, registry: Registry, declared: dict[str, str]) -> str | None:
        await tx.lock(_LOCK)
        stored = await _stored(tx)
        stale = {key: digest for key, digest in declared.items() if stored.get(key) != digest}
        names = {key.partition(".")[0] for key in stale}
        counts = {name: await scan.count_all(tx, registry.entities[name]) for name in sorted(names)}
        waiting = {key: digest for key, digest in stale.items() if counts[key.partition(".")[0]]}
        settled = {key: digest for key, digest in declared.items() if key not in waiting}
        # Of what waits none is kept: from now on some records are written by it, even if the former one comes back.
        if settled != stored:
            await meta.put(tx, _DIGESTS, to_json(settled) or "{}")
        return await self._job(tx, registry, waiting, counts)

    async def _job(self, tx: Tx, registry: Registry, waiting: dict[str, str], counts: Mapping[str, int]) -> str | None:
        """The job that computes `waiting`: the one that was begun, else a new one in place of any other."""
        fingerprint = hashlib.sha256((to_json(waiting) or "").encode()).hexdigest()
        now = self._clock.now_text()
        for job in await jobs.live(tx, KIND):
            if job.fingerprint == fingerprint and waiting:
                return job.id
            await jobs.advance(tx, job.id, state=CANCELLED, body=job.body, at=now)
        if not waiting:
            return None
        names = {key.partition(".")[0] for key in waiting}
        ordered = sorted(
            names, key=lambda name: (bool(registry.computed[name].rollups), name)
        )  # what is measured first
        progress = Progress(fields=waiting, entities=ordered, rows=sum(counts[name] for name in names))
        job = StoredJob(
            self._store.new_id(), KIND, QUEUED, fingerprint, None, msgspec.to_builtins(progress), now, now
        )  # fmt: skip
        await jobs.add(tx, job)
        return job.id

    async def _wait(self, id: str) -> None:
        """Until every process writes by the definitions in force."""
        stored = await jobs.get(self._database, id)
        if stored is not None and stored.state == QUEUED and self.settle:
            passed = (self._clock.now() - read_moment(stored.created_at)).total_seconds()
            await asyncio.sleep(min(self.settle, max(0.0, self.settle - passed)))

    async def _step(self, id: str, registry: Registry) -> bool:
        """One batch, and a pause for others; whether there is more."""
        begun = monotonic()
        more = await self._database.write(lambda tx: self._batch(tx, id, registry))
        took = max(monotonic() - begun, 0.001)
        self._size = max(1, min(BATCH, round(self._size * ROOM / took)))
        if more:
            await asyncio.sleep(max(PAUSE, 2 * took))
        return more

    async def _batch(self, tx: Tx, id: str, registry: Registry) -> bool:
        await tx.lock(_LOCK)
        stored = await jobs.get(tx, id)
        if stored is None or stored.state not in (QUEUED, RUNNING):
            return False
        progress = Progress.of(stored)
        if progress.entity is None:
            await self._end(tx, id, progress)
            return False
        if progress.entity not in registry.computed:
            return False  # documents were changed meanwhile, and with them the job will be
        model = registry.entities[progress.entity]
        last = await scan.last_id(tx, model) if progress.last is None else progress.last
        ids = await scan.ids_after(tx, model, progress.after, last, min(BATCH, self._size))
        if ids:
            work = WriteWork(tx, self._store, registry, system("job"), self._clock.now())
            written = await recompute(work, model.name, ids)
            await follow(work, {model.name: written} if written else {})
            progress = msgspec.structs.replace(
                progress,
                after=ids[-1],
                last=last,
                done=progress.done + len(ids),
                updated=progress.updated + len(written),
            )
        else:
            progress = msgspec.structs.replace(progress, at=progress.at + 1, after="", last=None)
        await jobs.advance(
            tx, id, state=RUNNING, body=msgspec.to_builtins(progress), at=self._clock.now_text()
        )  # fmt: skip
        return True

    async def _end(self, tx: Tx, id: str, progress: Progress) -> None:
        await meta.put(tx, _DIGESTS, to_json(await _stored(tx) | progress.fields) or "{}")
        body = msgspec.to_builtins(progress)
        await jobs.advance(tx, id, state=DONE, body=body, at=self._clock.now_text())


def answer(stored: StoredJob) -> dict[str, Any]:
    """The `job` of http-api.md."""
    progress = Progress.of(stored)
    counts = {"created": 0, "updated": progress.updated, "unchanged": progress.done - progress.updated}
    return {
        "id": stored.id,
        "kind": KIND,
        "state": stored.state,
        "rows": max(progress.rows, progress.done),
        "counts": {**counts, "skipped": 0, "refused": 0},
        "errors": [],
        "errors_url": None,
        "undo": "no",
        "entity": progress.entity or progress.entities[-1],
        "file": None,
        "dry_run": False,
        "done": progress.done,
        "fields": sorted(progress.fields),
    }


def _declared(registry: Registry) -> dict[str, str]:
    return {
        f"{entity}.{name}": digest
        for entity, computed in registry.computed.items()
        for name, digest in computed.digests.items()
    }


async def _stored(reads: Reads) -> dict[str, str]:
    return from_json(await meta.get(reads, _DIGESTS)) or {}
