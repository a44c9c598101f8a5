"""The plugins of an app with their figures, jobs, data migrations, and how far their listeners are behind (floor 7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import msgspec

from crm_kernel.clock import Clock
from crm_kernel.operations.lag import lags
from crm_kernel.operations.migrations import Migrations
from crm_kernel.operations.schedule import Schedule
from crm_kernel.plugins import PluginHost
from crm_kernel.registry import Registry
from crm_kernel.storage.evolution import is_empty
from crm_kernel.storage.ports import Database


class Services(Protocol):
    """What this needs of its kernel."""

    @property
    def plugins(self) -> PluginHost: ...
    @property
    def database(self) -> Database: ...
    @property
    def registry(self) -> Registry: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def schedule(self) -> Schedule: ...
    @property
    def migrations(self) -> Migrations: ...


async def plugin_states(services: Services) -> list[dict[str, Any]]:
    """The `items` of `GET /api/plugins`. Times and counts are those of this process, all else is of the app."""
    jobs, migrations = await services.schedule.states(), await services.migrations.states()
    found = (
        {} if await is_empty(services.database) else await lags(services.database, services.registry, services.clock)
    )
    listeners = [{"listener": name, **msgspec.structs.asdict(lag)} for name, lag in found.items()]
    return [
        {**s, "jobs": _of(s, jobs), "migrations": _of(s, migrations), "listeners": _of(s, listeners)}
        for s in services.plugins.states()
    ]


def _of(state: Mapping[str, Any], items: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What belongs to one plugin, without its name."""
    return [{k: v for k, v in item.items() if k != "plugin"} for item in items if item["plugin"] == state["name"]]
