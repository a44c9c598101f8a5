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
from crm_kernel.operations.outcomes import LEFT_OUT, Also, Finisher, Outcome, outcomes_of
from crm_kernel.operations.segments import segments
from crm_kernel.operations.work import Work, WriteWork
from crm_kernel.operations.write_computed import compute, new_image, roll_up
from crm_kernel.operations.write_load import check_action, check_version, load, merge, merge_ahead
from crm_kernel.operations.write_rules import check_new_image, check_schema, rule_expressions, set_stage
from crm_kernel.operations.write_store import store
from crm_kernel.operations.write_values import (
    changed_names,
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
        _number(requests, atomic=atomic)
        while True:
            rows = [(n, c) for n, c in enumerate(requests, start=1) if n not in failed]
            finish = None if also is None else Finisher(also, requests, failed)
            done, faults = await self._attempt(rows, caller, dry_run, finish)
            if not faults:
                break
            if atomic:
                raise winner([f for found in faults.values() for f in found])
            failed.update(faults if groups is None else _spread(faults, groups))
        told = None if finish is None else finish.outcomes
        return outcomes_of(requests, done, failed) if told is None else told

    def prepare(self, requests: Sequence[AnyChange], caller: Caller) -> None:
        """Do of a later `write` that is not atomic what takes neither transaction nor database."""
        work = Work(self._database, self._store, self._registry(), caller, self._clock.now())
        _number(requests, atomic=False)
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
                fresh = [(n, _fresh(change, caller)) for n, change in segment]
                changes = [c for _, c in fresh]
                added = await self._run(context, changes)
                for number, change in fresh:
                    done[number] = change
                    veil(context, change)
                    if change.faults:
                        faults[number] = change.faults
                numbers = {id(change): number for number, change in fresh}
                for change in added:
                    veil(context, change)
                    if change.faults:
                        blamed, told = _told_of_cause(change)
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
            raise unique_error(self._registry().entities, taken) or taken from taken
        return done, faults

    async def run_inside(self, work: WriteWork, changes: list[AnyChange]) -> None:
        """All steps inside an open transaction (the application of a plan); faults stay on the changes."""
        await self._run(work, changes)

    async def _run(self, work: WriteWork, changes: list[AnyChange]) -> list[AnyChange]:
        """All steps for one segment; returns the changes that hooks added. Faulty changes stop where they stand."""
        await self._prepare(work, changes)
        sound = [c for c in _sound(changes) if not _is_unchanged(c)]
        added = await self._before(work, sound)
        sound = _sound([*sound, *added])
        sound = [c for c in sound if not _is_unchanged(c)]
        if len(sound) > 1 or work.looks_up_taken or (sound and not work.store.guards(sound[0].model)):
            await check_unique(work, sound)
            sound = _sound(sound)
        await store(work, sound)
        after = self._batch(work, sound)
        _keep_journal(after)
        await self._hooks.run("check_write", after, len(sound), amends=False)
        await roll_up(work, _sound(sound))
        return added

    async def _prepare(self, work: WriteWork, changes: list[AnyChange]) -> None:
        """Everything up to the hooks, for changes as their callers sent them."""
        for change in changes:
            change.locale = work.caller.locale
            access = work.system_access if change.trusted else work.access
            if not access.knows(change.entity):
                change.fault("", "not_found", f"There is no entity {change.entity!r} for you.", status=404)
        await load(work, _sound(changes))
        for change in _sound(changes):
            check_version(change)
            check_action(work, change)
        found = [c for c in changes if not (c.faults and any(f.status == 404 for f in c.faults))]
        for change in found:
            if change.kind in ("create", "update", "move"):
                merge(work, change)
                _name_record(work, change)
            else:
                change.new = dict(change.old or {})
        fill_owners(work, [c for c in found if c.kind == "create"])
        await self._check(work, found)

    async def _check(self, work: WriteWork, changes: list[AnyChange], *, amended: bool = False) -> None:
        """References, row rules, schema, pipelines: for what callers sent and for what hooks amended."""
        valued = [c for c in changes if c.kind in ("create", "update", "move")]
        await check_references(work, valued, amended=amended)
        if not amended:
            await fill_teams(work, [c for c in valued if c.old is None])
        for change in valued if work.registry.computed else ():
            compute(work, change)
        related = [e for e in rule_expressions(work, valued) if e.uses_related]
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
        for _ in range(MAX_ROUNDS):
            current = self._batch(work, fresh)
            _keep_journal(current)
            moving = [c for c in fresh if c.move_record and c.old]
            moves = self._batch(work, moving)
            moves.journal = current.journal
            self._hooks.withhold(current)
            await self._hooks.run("before_move", moves, len(fresh))
            await self._hooks.run("before_write", current, len(fresh))
            fresh = [*moves.added, *current.added]
            work.added.update({c.id: c.entity for c in fresh if c.kind == "create" and c.id})
            await self._recheck(work, [c for c in current.journal.touched.values() if not c.faults])
            if not fresh:
                return added
            added.extend(fresh)
            for change in fresh:
                change.row = None
            await self._prepare(work, fresh)
            fresh = _sound(fresh)
        hook_loop(fresh, MAX_ROUNDS)
        return added

    async def _recheck(self, work: WriteWork, amended: list[AnyChange]) -> None:
        """What hooks amended passes the value and pipeline rules again, with system rights."""
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
            entity: str, filter: str | None, *, sort: str | None, limit: int, as_actor: bool, params: dict[str, Any]
        ) -> list[dict[str, Any]]:
            access = work.access if as_actor else work.system_access
            environment = work.with_params(params)
            return await self._find(entity, access, environment, filter, sort=sort, limit=limit, reads=work.tx)

        return find


def _spread(faults: dict[int, list[Fault]], groups: Sequence[int]) -> dict[int, list[Fault]]:
    """The faults of each row, and for the sound ones of its group that they are left out with it."""
    faulty = {groups[row - 1] for row in faults}
    rows = [row for row, group in enumerate(groups, start=1) if group in faulty]
    return {row: faults.get(row) or [LEFT_OUT] for row in rows}


def _number(requests: Sequence[AnyChange], *, atomic: bool) -> None:
    for number, request in enumerate(requests, start=1):
        request.row = number if len(requests) > 1 or not atomic else None


def _fresh(request: AnyChange, caller: Caller) -> AnyChange:
    """A change to work on: a transaction may run more than once, so the request itself stays as it is."""
    change: AnyChange = type(request)(
        request.kind,
        request.entity,
        id=request.id,
        values=request.values,
        version=request.version,
        on=request.on,
        row=request.row,
        found=request.found,
        sparse=request.sparse,
    )
    change.trusted = caller.system
    change.merged = request.merged
    return change


def _told_of_cause(change: AnyChange) -> tuple[AnyChange, list[Fault]]:
    """The change that is to blame for one that a hook added, and the faults as they are told of that one."""
    faults = change.faults
    while change.cause is not None:
        change, pointer = change.cause
        faults = [f.at(row=change.row, prefix=pointer) for f in faults]
    return change, faults


def _keep_journal(batch: Batch) -> None:
    for change in batch.changes:
        change.journal = batch.journal


def _sound(changes: list[AnyChange]) -> list[AnyChange]:
    return [c for c in changes if not c.faults]


def _is_unchanged(change: AnyChange) -> bool:
    if change.kind not in ("update", "move"):
        return False
    change.changed = changed_names(change)
    return change.model.computed.issuperset(change.changed)


def _name_record(work: WriteWork, change: AnyChange) -> None:
    if change.old is None:
        change.new["id"] = change.id = change.new.get("id") or change.id or work.store.new_id()
