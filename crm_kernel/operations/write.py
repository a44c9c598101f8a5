"""The one door for writes: every change by anyone passes `Writer.write` (floor 7).

Steps, each over the whole batch: resolve entities → load current rows through the caller's row rules → merge → field
permissions → normalise and default → references → formulas → row rules on the new image → JSON Schema → pipelines →
`before_move`, `before_write` → what hooks amended or added passes the same rules with system rights → store, history
and outbox → `check_write` → rollups → commit → wake the dispatcher. Faults are collected per change; an answer tells
all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from crm_kernel.callers import Caller
from crm_kernel.clock import Clock
from crm_kernel.errors import Fault, winner
from crm_kernel.hook_call import refuse_inside_hook
from crm_kernel.operations.batch import Batch, Find
from crm_kernel.operations.changes import AnyChange
from crm_kernel.operations.hooks import HookRunner, hook_loop
from crm_kernel.operations.merges import fill, load_sources, mark, rewritten
from crm_kernel.operations.outcomes import Also, Finisher, Outcome, outcomes_of
from crm_kernel.operations.requests import (
    fresh_of,
    is_unchanged,
    keep_journal,
    numbered,
    sound_of,
    spread,
    told_of_cause,
)
from crm_kernel.operations.segments import segments
from crm_kernel.operations.work import Work, WriteWork
from crm_kernel.operations.write_computed import compute, new_image, roll_up
from crm_kernel.operations.write_load import check_action, check_version, load, merge, merge_ahead
from crm_kernel.operations.write_rules import check_new_image, check_schema, related_rules, set_stage
from crm_kernel.operations.write_store import store
from crm_kernel.operations.write_values import (
    check_references,
    check_unique,
    fill_owners,
    fill_teams,
)
from crm_kernel.operations.write_veil import veil
from crm_kernel.registry import Registry
from crm_kernel.storage.ports import Database, NotUnique, Tx
from crm_kernel.storage.records import unique_error
from crm_kernel.storage.store import Store

MAX_ROUNDS = 5
VALUED = ("create", "update", "move", "merge")
"""Kinds of changes that send values."""


class Refused(Exception):
    """Ends a transaction whose changes have faults; nothing of it is kept."""


class Writer:
    """The write door of one kernel."""

    def __init__(
        self,
        database: Database,
        store: Store,
        hooks: HookRunner,
        clock: Clock,
        registry: Callable[[], Registry],
        find: Find,
    ) -> None:
        self._database = database
        self._find = find
        self._store = store
        self._hooks = hooks
        self._clock = clock
        self._registry = registry
        self.committed: list[Callable[[], None]] = []
        """Called after each commit that wrote events (the dispatcher's alarm)."""

    async def write(
        self,
        requests: Sequence[AnyChange],
        caller: Caller,
        *,
        atomic: bool = True,
        dry_run: bool = False,
        groups: Sequence[int] | None = None,
        also: Also | None = None,
    ) -> list[Outcome]:
        """Do all `requests` in one transaction; one `Outcome` each, in order.

        Atomic: any fault raises one `Error` that names all faults of all rows, and nothing is written. Otherwise
        faulty rows are left out and told in their outcome; with `groups`, one number for each request, all of a group
        with a faulty one. A dry run checks everything and writes nothing. `also` runs
        at the end of the same transaction, with the outcomes, where something of the kernel must commit with them.
        """
        refuse_inside_hook()
        failed: dict[int, list[Fault]] = {}
        numbered(requests, atomic=atomic)
        while True:
            rows = [(n, c) for n, c in enumerate(requests, start=1) if n not in failed]
            finish = None if also is None else Finisher(also, requests, failed)
            done, faults = await self._attempt(rows, caller, dry_run, finish)
            if not faults:
                break
            if atomic:
                raise winner([f for found in faults.values() for f in found])
            failed.update(faults if groups is None else spread(faults, groups))
        told = None if finish is None else finish.outcomes
        return outcomes_of(requests, done, failed) if told is None else told

    def prepare(self, requests: Sequence[AnyChange], caller: Caller) -> None:
        """Do of a later `write` that is not atomic what takes neither transaction nor database."""
        work = Work(self._database, self._store, self._registry(), caller, self._clock.now())
        numbered(requests, atomic=False)
        for request in requests:
            if request.kind == "create" and work.access.knows(request.entity):
                request.trusted, request.locale = caller.system, caller.locale
                merge_ahead(work, request)

    def on(self, database: Database) -> Writer:
        """The same door to another database with the same tables; nobody is woken by what is written there."""
        return Writer(database, self._store, self._hooks, self._clock, self._registry, self._find)

    async def _attempt(
        self,
        rows: list[tuple[int, AnyChange]],
        caller: Caller,
        dry_run: bool,
        finish: Finisher | None,
        *,
        looks_up: bool = False,
    ) -> tuple[dict[int, AnyChange], dict[int, list[Fault]]]:
        """One transaction over the rows: the finished change of each, or the faults of each faulty one.

        A change that comes alone does not look up whether its values are taken, unless it `looks_up`: a unique index
        will tell. It tells of one value only, so then all is done again.
        """
        done: dict[int, AnyChange] = {}
        faults: dict[int, list[Fault]] = {}

        async def work(tx: Tx) -> None:
            done.clear()  # it may run again
            faults.clear()
            registry = self._registry()
            context = WriteWork(tx, self._store, registry, caller, self._clock.now())
            context.looks_up_taken = looks_up or dry_run
            for segment in segments(rows):
                fresh = [(n, fresh_of(change, caller)) for n, change in segment]
                changes = [c for _, c in fresh]
                run = self._merge if changes[0].kind == "merge" else self._run
                added = await run(context, changes)
                for number, change in fresh:
                    done[number] = change
                    veil(context, change)
                    if change.faults:
                        faults[number] = change.faults
                numbers = {id(change): number for number, change in fresh}
                for change in added:
                    veil(context, change)
                    if change.faults:
                        blamed, told = told_of_cause(change)
                        faults.setdefault(numbers.get(id(blamed), fresh[0][0]), []).extend(told)
            if faults or dry_run:
                raise Refused
            if finish is not None:
                await finish(tx, done)
            for wake in self.committed:
                tx.after_commit(wake)

        try:
            with suppress(Refused):
                await self._database.write(work)
        except NotUnique as taken:
            if not looks_up:
                return await self._attempt(rows, caller, dry_run, finish, looks_up=True)
            raise unique_error(self._registry().entities, taken, caller.locale) or taken from taken
        return done, faults

    async def run_inside(self, work: WriteWork, changes: list[AnyChange]) -> None:
        """All steps inside an open transaction (the application of a plan); faults stay on the changes."""
        await self._run(work, changes)

    async def _run(self, work: WriteWork, changes: list[AnyChange]) -> list[AnyChange]:
        """All steps for one segment; returns the changes that hooks added. Faulty changes stop where they stand."""
        await self._prepare(work, changes)
        return await self._carry_out(work, changes)

    async def _merge(self, work: WriteWork, changes: list[AnyChange]) -> list[AnyChange]:
        """All steps for a segment of merges: `before_merge`, what it adds, what is rewritten, then the merges."""
        await self._prepare(work, changes)
        await load_sources(work, sound_of(changes))
        merges = sound_of(changes)
        for change in merges:
            fill(change)
        await self._recheck(work, merges)
        batch = self._batch(work, sound_of(merges))
        keep_journal(batch)
        await self._hooks.run("before_merge", batch, len(merges))
        await self._recheck(work, [c for c in batch.journal.touched.values() if not c.faults])
        mark(merges, batch.added)
        beside = [*batch.added, *(await self._run(work, batch.added) if batch.added else ())]
        if len(sound_of(merges)) == len(merges) and not any(c.faults for c in beside):
            rewrites = await rewritten(work, merges, self._finder(work))
            beside += [*rewrites, *(await self._run(work, rewrites) if rewrites else ())]
        if any(c.faults for c in beside):
            return beside
        return [*beside, *await self._carry_out(work, changes)]

    async def _carry_out(self, work: WriteWork, changes: list[AnyChange]) -> list[AnyChange]:
        """The steps behind the checks of what was sent: hooks, rows, rollups; gives the changes that hooks added."""
        sound = [c for c in sound_of(changes) if not is_unchanged(c)]
        if not sound:
            return []
        added = await self._before(work, sound)
        sound = sound_of([*sound, *added])
        sound = [c for c in sound if not is_unchanged(c)]
        if len(sound) > 1 or work.looks_up_taken or (sound and not work.store.guards(sound[0].model)):
            await check_unique(work, sound)
            sound = sound_of(sound)
        await store(work, sound)
        after = self._batch(work, sound)
        keep_journal(after)
        await self._hooks.run("check_write", after, len(sound), amends=False)
        await roll_up(work, sound_of(sound))
        return added

    async def _prepare(self, work: WriteWork, changes: list[AnyChange]) -> None:
        """Everything up to the hooks, for changes as their callers sent them."""
        for change in changes:
            change.locale = work.caller.locale
            access = work.system_access if change.trusted else work.access
            if not access.knows(change.entity):
                change.fault("", "not_found", f"There is no entity {change.entity!r} for you.", status=404)
        await load(work, sound_of(changes))
        for change in sound_of(changes):
            check_version(change)
            check_action(work, change)
        found = [c for c in changes if not (c.faults and any(f.status == 404 for f in c.faults))]
        if not found:
            return
        for change in found:
            if change.kind in VALUED:
                merge(work, change)
                _name_record(work, change)
            else:
                change.new = dict(change.old or {})
        fill_owners(work, [c for c in found if c.kind == "create"])
        await self._check(work, found)

    async def _check(self, work: WriteWork, changes: list[AnyChange], *, amended: bool = False) -> None:
        """References, row rules, schema, pipelines: for what callers sent and for what hooks amended."""
        valued = [c for c in changes if c.kind in VALUED]
        await check_references(work, valued, amended=amended)
        if not amended:
            await fill_teams(work, [c for c in valued if c.old is None])
        for change in valued if work.registry.computed else ():
            compute(work, change)
        related = related_rules(work, valued)
        if related:
            await work.prefetch(related, [new_image(work, c) for c in valued])
        for change in valued:
            set_stage(work, change)
            check_new_image(work, change)
            check_schema(change)

    async def _before(self, work: WriteWork, changes: list[AnyChange]) -> list[AnyChange]:
        """`before_move` and `before_write`, and again for what hooks added, at most `MAX_ROUNDS` rounds."""
        added: list[AnyChange] = []
        fresh = changes
        work.added.update({c.new["id"]: c.entity for c in changes if c.old is None and c.new.get("id")})
        for _ in range(MAX_ROUNDS):
            current = self._batch(work, fresh)
            keep_journal(current)
            self._hooks.withhold(current)
            added_by_moves: list[AnyChange] = []
            if moving := [c for c in fresh if c.move_record and c.old]:
                moves = self._batch(work, moving)
                moves.journal = current.journal
                await self._hooks.run("before_move", moves, len(fresh))
                added_by_moves = moves.added
            await self._hooks.run("before_write", current, len(fresh))
            fresh = [*added_by_moves, *current.added]
            work.added.update({c.id: c.entity for c in fresh if c.kind == "create" and c.id})
            await self._recheck(work, [c for c in current.journal.touched.values() if not c.faults])
            if not fresh:
                return added
            added.extend(fresh)
            for change in fresh:
                change.row = None
            await self._prepare(work, fresh)
            fresh = sound_of(fresh)
        hook_loop(fresh, MAX_ROUNDS)
        return added

    async def _recheck(self, work: WriteWork, amended: list[AnyChange]) -> None:
        """What hooks amended passes the value and pipeline rules again, with system rights."""
        if not amended:
            return
        rights = [change.trusted for change in amended]
        for change in amended:
            change.trusted = True
        await self._check(work, amended, amended=True)
        for change, trusted in zip(amended, rights, strict=True):
            change.trusted = trusted

    def _batch(self, work: WriteWork, changes: list[AnyChange]) -> Batch:
        work.deadline = work.deadline or self._hooks.deadline()
        return Batch(
            changes,
            work.caller,
            self._finder(work),
            work.tx.lock,
            self._clock.now,
            work.deadline,
            new_id=work.store.new_id,
            pipelines=work.registry.pipelines,
        )

    def _finder(self, work: WriteWork) -> Find:
        async def find(
            entity: str, filter: str | None, *, as_actor: bool, params: dict[str, Any], **options: Any
        ) -> list[dict[str, Any]]:
            access = work.access if as_actor else work.system_access
            environment = work.with_params(params)
            return await self._find(entity, access, environment, filter, **options, reads=work.tx)

        return find


def _name_record(work: WriteWork, change: AnyChange) -> None:
    if change.old is None:
        change.new["id"] = change.id = change.new.get("id") or change.id or work.store.new_id()
