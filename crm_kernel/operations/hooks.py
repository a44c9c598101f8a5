"""Calls the plugins' hooks of a write, one after another in the declared order, and contains their faults."""

from __future__ import annotations

import logging
from time import perf_counter, thread_time
from typing import Any

from crm_kernel.errors import Error
from crm_kernel.hook_call import HOOK, HookCall
from crm_kernel.operations.batch import Batch
from crm_kernel.operations.changes import AnyChange
from crm_kernel.operations.deadline import Deadline
from crm_kernel.operations.hook_faults import faults_of, is_refused
from crm_kernel.operations.hook_steps import Steps
from crm_kernel.operations.watchdog import Watchdog
from crm_kernel.plugins import Hooked, PluginHost

log = logging.getLogger("crm_kernel.hooks")

A_ROW = 0.001
"""Seconds that hooks are given for each row, beside what they have for the whole operation."""


class HookRunner:
    """Runs `before_*` and `check_write`, metered, watched, and with one deadline for all of an operation."""

    def __init__(self, host: PluginHost, watch: Watchdog, seconds: float = 0.25) -> None:
        self._host = host
        self._watch = watch
        self._seconds = seconds

    def deadline(self) -> Deadline:
        """The time that all hooks of one operation have."""
        return Deadline(self._seconds)

    async def run(self, hook: str, batch: Batch, rows: int = 0, *, amends: bool = True) -> None:
        """Call every plugin's `hook` that concerns the batch.

        Refusals land on the changes; an unexpected fault follows `on_error`.

        `rows`: how many rows the operation has; `amends`: whether the hook may amend and add, or only refuse.
        """
        if not batch.changes:
            return
        hooked = [one for one in self._host.hooked(hook) if one.about is None or batch.touches(one.about)]
        if not hooked:
            return
        deadline, journal, watch, statements = batch.deadline, batch.journal, self._watch, self._host.statements
        allowed = self._seconds + rows * A_ROW
        watch.start()
        deadline.begin(rows * A_ROW)
        token = HOOK.set(None)
        cpu, start, before = thread_time(), perf_counter(), statements()
        try:
            for one in hooked:
                error: BaseException | None = None
                blocked = False
                journal.call = call = HookCall(one.plugin, amends)
                HOOK.set(call)
                batch.settings, batch.messages = one.settings, one.messages
                watch.of, watch.allowed, watch.step = (one.plugin, hook), allowed, call
                try:
                    # Nearly all hooks end without waiting for anything: a timer for each took a fifth of a create.
                    running = one.call(batch=batch)
                    waiting = running.send(None)
                except StopIteration as done:
                    returned = done.value
                except BaseException as raised:  # SystemExit too: a plugin does not end the server
                    returned, error = None, raised
                else:
                    watch.step = None
                    blocked = thread_time() - cpu > allowed
                    steps = Steps(running, deadline, watch, (one.plugin, hook), allowed)
                    returned, error = await self._rest(hook, one, steps, waiting)
                    blocked = blocked or steps.blocked
                    cpu = thread_time()  # others had the thread as well
                watch.step = None
                end, after = perf_counter(), statements()
                one.meter.add(end - start, after - before)
                if returned is not None:
                    error = TypeError(f"{hook} returned {returned!r:.80}, expected None")
                if end - start > allowed and (blocked or watch.blocked is call or thread_time() - cpu > allowed):
                    self._host.quarantine(one.plugin, f"blocked the event loop in {hook} for {end - start:.2f} s")
                if fault := batch.failure or error:
                    self._failed(hook, one, batch, call, fault)
                start, before = end, after
        finally:
            watch.step = journal.call = None
            deadline.end()
            HOOK.reset(token)

    async def _rest(self, hook: str, one: Hooked, steps: Steps, waiting: Any) -> tuple[Any, BaseException | None]:
        """What is left of a hook that waits: what it returned, or its fault."""
        try:
            return await steps.rest(waiting), None
        except BaseException as error:
            return None, error
        finally:
            if steps.foreign and not one.meter.waits:
                log.warning("plugin %s waits in %s for something else than batch.*: it will be cut", one.plugin, hook)
            one.meter.waits += steps.foreign

    def withhold(self, batch: Batch) -> None:
        """Refuse what a quarantined plugin's rules would have to be asked about: changes of its own entities."""
        if not self._host.withheld:
            return
        for change in batch.changes:
            plugin = self._host.withheld.get(change.entity)
            if plugin is not None:
                detail = f"The plugin {plugin!r} is quarantined; without its rules no {change.entity} is written."
                change.fault("", "plugin_fault", detail, hint="GET /api/plugins says why; a reset ends it.")

    def _failed(self, hook: str, one: Hooked, batch: Batch, call: HookCall, error: BaseException) -> None:
        """Contain an unexpected fault; refusals of the kernel itself go on."""
        if isinstance(error, Error) and error.code != "invalid":
            raise error
        refused = is_refused(self._host, one.plugin, hook, error)
        if not refused and batch.failure is None:  # nothing goes on after that
            return
        if call.refused and not (isinstance(error, Error) and error.faults):
            return
        # All of the changes, lest those that may stand alone be tried one by one.
        faults = faults_of(one.plugin, hook, error, "nothing was written")
        for change in batch.changes:
            change.faults.extend(fault.at(row=change.row) for fault in faults)


def hook_loop(changes: list[AnyChange], rounds: int) -> Any:
    """Mark changes that hooks kept adding after the allowed rounds."""
    for change in changes:
        detail = f"Hooks added changes in more than {rounds} rounds (last by plugin {change.plugin!r})."
        change.fault("", "hook_loop", detail)
