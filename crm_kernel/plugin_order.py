"""The order of plugins, from their manifests only (floor 6)."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from itertools import pairwise

from crm_kernel.errors import ConfigError
from crm_kernel.manifest import Plugin

Reasons = dict[str, dict[str, str]]
"""plugin → plugins that go before it → why."""


def plugin_order(manifests: Iterable[Plugin], first: str | None = None) -> tuple[list[str], dict[str, list[str]]]:
    """The names in order, and for each the sentences that say why it does not stand earlier.

    Stable: where nothing is said the names decide. `first` goes before all others. Names that are not there are
    passed over. Raises `ConfigError` naming the plugins of a cycle and what each says.
    """
    plugins = {m.name: m for m in manifests}
    reasons = _reasons(plugins, first)
    waiting = {name: set(before) for name, before in reasons.items()}
    ready = [name for name, before in waiting.items() if not before]
    heapq.heapify(ready)
    order: list[str] = []
    while ready:
        name = heapq.heappop(ready)
        order.append(name)
        del waiting[name]
        for other, before in waiting.items():
            if name in before:
                before.remove(name)
                if not before:
                    heapq.heappush(ready, other)
    if waiting:
        raise ConfigError(_cycle(waiting, reasons))
    return order, {name: [f"after {other}: {why}" for other, why in reasons[name].items()] for name in order}


def _reasons(plugins: Mapping[str, Plugin], first: str | None) -> Reasons:
    reasons: Reasons = {name: {} for name in sorted(plugins)}
    for name in reasons:
        if first in plugins and name != first:
            reasons[name][str(first)] = "it is built in"
        for member in ("requires", "after"):
            for other in getattr(plugins[name], member):
                if other in plugins:
                    reasons[name].setdefault(other, f"{name} says {member} {other}")
    for name in sorted(plugins):
        for other in plugins[name].before:
            if other in plugins:
                reasons[other].setdefault(name, f"{name} says before {other}")
    return reasons


def _cycle(waiting: Mapping[str, set[str]], reasons: Reasons) -> str:
    """Walk back from any plugin that waits until one comes again: those between are the cycle."""
    path = [min(waiting)]
    while path.count(path[-1]) == 1:
        path.append(min(waiting[path[-1]]))
    ring = path[path.index(path[-1]) :]
    said = "; ".join(reasons[name][before] for name, before in pairwise(ring))
    names = " and ".join(dict.fromkeys(repr(name) for name in ring))
    return f"The plugins {names} wait for each other: {said}. Hint: Take one of these out, or disable a plugin."
