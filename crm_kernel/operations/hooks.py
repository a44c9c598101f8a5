"""Calls the plugins' hooks of a write, one after another in the declared order, and contains their faults."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from crm_kernel.errors import Error, Fault
from crm_kernel.operations.batch import Batch
from crm_kernel.operations.changes import AnyChange
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
        implementations = self._host.implementations(hook)
        if not implementations or not batch.changes:
            return
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._deadline + rows * 0.001
        token = INSIDE_HOOK.set(True)
        try:
            for plugin, call in implementations:
                batch.journal.plugin = plugin
                batch.settings = self._host.settings(plugin)
                await self._call(hook, plugin, call, batch, ends)
        finally:
            INSIDE_HOOK.reset(token)

    async def _call(
        self, hook: str, plugin: str, call: Callable[..., Awaitable[None]], batch: Batch, ends: float
    ) -> None:
        batch.journal.refused = False
        with self._host.metered(plugin, hook):
            try:
                async with asyncio.timeout_at(ends):
                    await call(batch=batch)
            except Exception as error:
                if isinstance(error, Error) and error.code not in ("invalid",):
                    raise
                log.exception("plugin %s failed in %s", plugin, hook)
                self._host.note_fault(plugin, hook, error)
                if isinstance(error, TimeoutError):
                    self._host.note_overrun(plugin, hook, asyncio.get_running_loop().time())
                if self._host.on_error(plugin) == "refuse":
                    _refuse_all(batch, plugin, hook, error)


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
