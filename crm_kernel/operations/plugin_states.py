"""The plugins of an app with their figures, and how far their listeners are behind (floor 7)."""

from __future__ import annotations

from typing import Any

import msgspec

from crm_kernel.clock import Clock
from crm_kernel.operations.lag import lags
from crm_kernel.plugins import PluginHost
from crm_kernel.registry import Registry
from crm_kernel.storage.evolution import is_empty
from crm_kernel.storage.ports import Database


async def plugin_states(host: PluginHost, database: Database, registry: Registry, clock: Clock) -> list[dict[str, Any]]:
    """The `items` of `GET /api/plugins`. Times and counts are those of this process, lags those of the app."""
    found = {} if await is_empty(database) else await lags(database, registry, clock)
    states = host.states()
    for state in states:
        told = [(name, lag) for name, lag in found.items() if lag.plugin == state["name"]]
        state["listeners"] = [{"listener": name, **_figures(msgspec.structs.asdict(lag))} for name, lag in told]
    return states


def _figures(lag: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in lag.items() if name != "plugin"}
