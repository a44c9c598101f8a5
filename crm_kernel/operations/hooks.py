"""Calls the plugins' hooks of a write, one after another in the declared order, and contains their faults."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Generator
from contextvars import ContextVar
from functools import partial
from time import perf_counter
from types import coroutine
from typing import Any

from crm_kernel.errors import Error, Fault
from crm_kernel.operations.batch import Batch
from crm_kernel.operations.changes import AnyChange
from crm_kernel.operations.deadline import Deadline
from crm_kernel.plugins import PluginHost

log = logging.getLogger("crm_kernel.hooks")

INSIDE_HOOK: ContextVar[bool] = ContextVar("inside_hook", default=False)
"""Whether the running task is inside a hook: kernel operations refuse to run there (`nested_operation`)."""


def refuse_inside_hook() -> None:
    """Raise where a hook calls a kernel operation other than `batch.*`."""
    if INSIDE_HOOK.get():
        detail = "A hook may use only batch.find, batch.lock and batch.add; start other operations in a listener."
        fault = Fault(pointer="", code="nested_operation", detail=detail)
        raise Error("invalid", detail, faults=[fault])


class HookRunner:
    """Runs `before_move`, `before_write` and `check_write`, metered and with one deadline for all of an operation."""

    def __init__(self, host: PluginHost, deadline: float = 0.25) -> None:
        self._host = host
        self._deadline = deadline

    async def run(self, hook: str, batch: Batch, rows: int = 0) -> None:
        """Call every plugin's `hook`. Refusals land on the changes; an unexpected fault follows `on_error`."""
        hooked = self._host.hooked(hook)
        if not hooked or not batch.changes:
            return
        deadline = batch.deadline = Deadline(self._deadline + rows * 0.001)
        token = INSIDE_HOOK.set(True)
        start, before = perf_counter(), self._host.statements()
        try:
            for one in hooked:
                batch.journal.plugin, batch.journal.refused, batch.settings = one.plugin, False, one.settings
                batch.messages = one.messages
                try:
                    # Nearly all hooks end without waiting for anything: a timer for each took a fifth of a create.
                    running = one.call(batch=batch)
                    waiting = _begin(running)
                    if waiting is not _ENDED:
                        await deadline.cut(_rest(running, waiting))
                except Exception as error:
                    self._failed(hook, one.plugin, batch, error)
                finally:
                    end, after = perf_counter(), self._host.statements()
                    one.meter.add(end - start, after - before)
                    start, before = end, after
        finally:
            INSIDE_HOOK.reset(token)

    def withhold(self, batch: Batch) -> None:
        """Refuse what a quarantined plugin's rules would have to be asked about: changes of its own entities."""
        if not self._host.withheld:
            return
        for change in batch.changes:
            plugin = self._host.withheld.get(change.entity)
            if plugin is not None:
                detail = f"The plugin {plugin!r} is quarantined; without its rules no {change.entity} is written."
                change.fault("", "plugin_fault", detail, hint="GET /api/plugins says why; a restart ends it.")

    def _failed(self, hook: str, plugin: str, batch: Batch, error: Exception) -> None:
        """Contain an unexpected fault; refusals of the kernel itself go on."""
        if isinstance(error, Error) and error.code not in ("invalid",):
            raise error
        log.error("plugin %s failed in %s", plugin, hook, exc_info=error)
        self._host.note_fault(plugin, hook, error)
        if isinstance(error, TimeoutError):
            self._host.note_overrun(plugin, hook, asyncio.get_running_loop().time())
        if self._host.on_error(plugin) == "refuse":
            _refuse_all(batch, plugin, hook, error)


_ENDED = object()


def _begin(running: Coroutine[Any, Any, None]) -> Any:
    """Run a hook until it waits for something: what that is, `_ENDED` where it came to its end."""
    try:
        return running.send(None)
    except StopIteration:
        return _ENDED


@coroutine
def _rest(running: Coroutine[Any, Any, None], waiting: Any) -> Generator[Any, Any, None]:
    """What is left of a hook that waits for something."""
    while True:
        try:
            yield waiting
        except BaseException as error:  # a cancellation: the deadline's, or that of the whole operation
            step = partial(running.throw, error)
        else:
            step = partial(running.send, None)
        try:
            waiting = step()
        except StopIteration:
            return


def _refuse_all(batch: Batch, plugin: str, hook: str, error: BaseException) -> None:
    changes = batch.changes
    if isinstance(error, Error) and error.faults:
        changes[0].faults.extend(error.faults)
        return
    if batch.journal.refused:
        return
    why = "took too long" if isinstance(error, TimeoutError) else "failed"
    detail = f"The plugin {plugin!r} {why} in {hook}; nothing was written."
    changes[0].fault("", "plugin_fault", detail, hint="The log and GET /api/plugins say why.")


def hook_loop(changes: list[AnyChange], rounds: int) -> Any:
    """Mark changes that hooks kept adding after the allowed rounds."""
    for change in changes:
        detail = f"Hooks added changes in more than {rounds} rounds (last by plugin {change.plugin!r})."
        change.fault("", "hook_loop", detail)
