"""What becomes of an unexpected fault of a hook: it is kept, and refuses the operation or not (floor 7)."""

from __future__ import annotations

import asyncio
import logging
from time import monotonic

from crm_kernel.errors import Error, Fault
from crm_kernel.operations.hook_steps import Cut
from crm_kernel.plugins import PluginHost

log = logging.getLogger("crm_kernel.hooks")


def is_refused(host: PluginHost, plugin: str, hook: str, error: BaseException) -> bool:
    """Whether the operation is refused for this fault of a hook, which is kept. The end of the operation goes on."""
    if isinstance(error, KeyboardInterrupt) or (isinstance(error, asyncio.CancelledError) and _is_cancelled()):
        raise error
    log.error("plugin %s failed in %s", plugin, hook, exc_info=error)
    host.note_fault(plugin, hook, error)
    if isinstance(error, Cut):
        host.note_overrun(plugin, hook, monotonic())
    return host.on_error(plugin) == "refuse"


def faults_of(plugin: str, hook: str, error: BaseException, outcome: str) -> list[Fault]:
    """What the caller is told of it: what the hook itself said, else whose it is. `outcome`: `nothing was written`."""
    if isinstance(error, Error) and error.faults:
        return list(error.faults)
    why = "took too long" if isinstance(error, Cut) else "failed"
    detail = f"The plugin {plugin!r} {why} in {hook}; {outcome}."
    return [Fault(pointer="", code="plugin_fault", detail=detail, hint="The log and GET /api/plugins say why.")]


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
