"""Quarantines of plugins hold in all processes, until a reset or until the plugin's code changes (floor 7).

The process that finds a plugin at fault sets it aside at once and stores that; the others follow within a second. A
restart with the same code ends none: what blocked the server before would block it again.
"""

from __future__ import annotations

import asyncio
import logging
from contextvars import Context
from typing import Any

import msgspec

from crm_kernel.callers import Caller, read_only
from crm_kernel.errors import Error
from crm_kernel.operations.plugin_states import Services, plugin_states
from crm_kernel.storage import meta
from crm_kernel.storage.ports import Tx

log = logging.getLogger("crm_kernel.plugins")


class Stored(msgspec.Struct, frozen=True):
    """A quarantine as it is stored: why, since when, and of which code."""

    reason: str
    at: str
    code: str


class Quarantines:
    """The quarantines of one app, as one process knows them."""

    def __init__(self, services: Services) -> None:
        self.mark = 0
        """The number of those that are known here."""
        self._services = services
        self._unsaved: dict[str, str] = {}
        self._saving: asyncio.Task[None] | None = None
        services.plugins.on_quarantine = self._note

    def _note(self, plugin: str, reason: str) -> None:
        self._unsaved[plugin] = reason
        if self._saving is None or self._saving.done():
            # With a context of its own: what was found at fault may be the hook that runs now.
            loop = asyncio.get_running_loop()
            self._saving = loop.create_task(self._save_soon(), name="crm-quarantine", context=Context())

    async def _save_soon(self) -> None:
        try:
            await self.save()
        except Error as error:  # the database is away, locked or full
            log.warning("a quarantine is stored later: %s", error)

    async def save(self) -> None:
        """Store what is not stored yet. It holds in this process in any case."""
        for plugin, reason in list(self._unsaved.items()):
            stored = Stored(reason, self._services.clock.now_text(), self._services.plugins.code_of(plugin))
            value = msgspec.json.encode(stored).decode()
            await self._services.database.write(lambda tx, p=plugin, v=value: meta.put_quarantine(tx, p, v))
            self._unsaved.pop(plugin, None)

    async def load(self, mark: int) -> None:
        """Take those into force that are stored under this number, and end the others."""
        host = self._services.plugins
        found = await meta.quarantines(self._services.database)
        stored = {plugin: msgspec.json.decode(value, type=Stored) for plugin, value in found.items()}
        for name in host.names():
            held = stored.get(name)
            if held is not None and held.code == host.code_of(name):
                host.set_aside(name, held.reason)
            elif name not in self._unsaved:
                host.reset(name)
        self.mark = mark

    async def reset(self, plugin: str, caller: Caller) -> dict[str, Any]:
        """End the quarantine of a plugin, in all processes; its state then.

        Raises `Error`: forbidden, read_only_token, not_found. What was left out at the start stays so until the next.
        """
        if not caller.unrestricted:
            raise Error("forbidden", "The state of plugins is for administrators.")
        if caller.read_only:
            raise read_only()
        self._unsaved.pop(plugin, None)
        self._services.plugins.reset(plugin)

        async def work(tx: Tx) -> None:
            await meta.end_quarantine(tx, plugin)

        await self._services.database.write(work)
        log.warning("plugin %s was reset by %s", plugin, caller.login or caller.channel)
        return next(state for state in await plugin_states(self._services) if state["name"] == plugin)

    async def close(self) -> None:
        """Wait until all is stored."""
        if self._saving is not None:
            await asyncio.wait([self._saving])
