"""The plugins of one app: found, ordered, verified, metered, quarantined (floor 6).

Each kernel owns its `PluginHost`; nothing is shared between two of them but the imported modules.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any, Literal, NamedTuple

from crm_kernel.entities import entity_name
from crm_kernel.errors import Error, near
from crm_kernel.fields.base import FieldType
from crm_kernel.fields.plugin_type import plugin_type
from crm_kernel.manifest import CONCERNS, Check, Job, Listener, Migration, Restriction
from crm_kernel.meter import Meter
from crm_kernel.plugin_declarations import (
    CHECKS,
    FIELD_TYPES,
    JOBS,
    LISTENERS,
    MIGRATIONS,
    RESTRICTIONS,
    Declared,
)
from crm_kernel.plugin_fault import PluginFault, fault_of
from crm_kernel.plugin_finding import Found, find_plugins, kernel_version
from crm_kernel.plugin_loading import Loaded, leave_out_dependents, load
from crm_kernel.plugin_verify import HOOKS
from crm_kernel.plugin_words import Messages
from crm_kernel.settings import Settings

log = logging.getLogger("crm_kernel.plugins")

KEPT_FAULTS = 20
OVERRUNS = 3
OVERRUN_SECONDS = 600.0
RULES = ("before_", "check_")
"""How the names of the hooks begin that may refuse a write."""

Implementation = Callable[..., Coroutine[Any, Any, None]]


class Hooked(NamedTuple):
    """One plugin's function of a hook, with its settings and its meter."""

    plugin: str
    call: Implementation
    settings: Any
    meter: Meter
    messages: Messages
    about: frozenset[str] | None
    """The entities that it concerns, None: all."""


class PluginHost:
    """What the plugins of one app declare and implement, and how they fare."""

    def __init__(self, settings: Settings, found: Sequence[Found] | None = None) -> None:
        """Find (unless `found` is given), import, order and verify the plugins; call their `register_*` hooks.

        A plugin that is faulty by itself is left out with those that require it. Raises `ConfigError` where two sound
        plugins clash, where plugins wait for each other, or where crm.toml names what is not there.
        """
        all_found, imports = (found, nullcontext()) if found is not None else find_plugins(settings)
        self._host(load(all_found, imports, settings, kernel_version()))

    def again(self) -> PluginHost:
        """Another host of the same plugins, which fared nowhere yet: nothing is imported or verified again."""
        host = object.__new__(PluginHost)
        host._host([plugin.again() for plugin in self._plugins])
        return host

    def _host(self, plugins: list[Loaded]) -> None:
        self._plugins = plugins
        self._by_name: dict[str, Loaded] = {}
        for plugin in self._plugins:
            self._by_name.setdefault(plugin.name, plugin)
        self._running: dict[str, tuple[Hooked, ...]] = {}
        self._field_types: dict[type[FieldType], type[FieldType]] = {}
        self.withheld: dict[str, str] = {}
        """Entity -> its quarantined plugin, where that refuses rather than lets a write pass its rules by."""
        self.statements: Callable[[], int] = lambda: 0
        self.on_quarantine: Callable[[str, str], None] = lambda _, __: None
        """Told which plugin was found at fault here, and why."""

    # What plugins bring ---------------------------------------------------------------------------------------------

    def declared(self, hook: str) -> list[tuple[str, Any]]:
        """What a `register_*` hook gave: (plugin, item) in plugin order, items as the plugins gave them.

        Raises `KeyError` for a hook that the contract does not have.
        """
        _known(hook)
        return [(p.name, item) for p in self._plugins if p.sound for item in p.declared.get(hook, ())]

    def documents(self) -> list[Declared]:
        """All declared documents in plugin order: those of classes, dicts and files alike."""
        return [document for p in self._plugins if p.sound for document in p.documents]

    def listeners(self) -> list[tuple[str, Listener]]:
        """(plugin, listener) in plugin order, those of quarantined plugins too: ask `is_active` before a delivery."""
        return self.declared(LISTENERS)

    def checks(self) -> list[tuple[str, Check]]:
        """(plugin, check) in plugin order."""
        return self.declared(CHECKS)

    def jobs(self) -> list[tuple[str, Job]]:
        """(plugin, job) in plugin order, those of quarantined plugins too: ask `is_active` before one is begun."""
        return self.declared(JOBS)

    def migrations(self) -> list[tuple[str, Migration]]:
        """(plugin, migration) in plugin order, as listed."""
        return self.declared(MIGRATIONS)

    def restrictions(self) -> list[tuple[str, Restriction]]:
        """(plugin, restriction) in plugin order, those of quarantined plugins too: what they narrow stays narrow."""
        return self.declared(RESTRICTIONS)

    def field_types(self) -> list[type[FieldType]]:
        """The field types of plugins, in plugin order, each a kernel's one that asks the plugin's."""
        for plugin, declared in self.declared(FIELD_TYPES):
            if declared not in self._field_types:
                self._field_types[declared] = plugin_type(declared, partial(self.note_fault, plugin, FIELD_TYPES))
        return [self._field_types[declared] for _, declared in self.declared(FIELD_TYPES)]

    def actions(self) -> list[str]:
        """The actions that plugins have beside the kernel's, in plugin order."""
        return [action for p in self._plugins if p.sound and p.manifest for action in p.manifest.actions]

    def implementations(self, hook: str) -> tuple[tuple[str, Implementation], ...]:
        """The async hook's functions in plugin order, without those of quarantined plugins."""
        return tuple((one.plugin, one.call) for one in self.hooked(hook))

    def hooked(self, hook: str) -> tuple[Hooked, ...]:
        """The same with all that a call takes, for who calls often."""
        if hook not in self._running:
            _known(hook)
            self._running[hook] = tuple(
                Hooked(p.name, p.hooks[hook], p.settings, p.meters[hook], p.messages, _about(p.hooks[hook]))
                for p in self._plugins
                if p.state == "active" and hook in p.hooks
            )
        return self._running[hook]

    def is_active(self, name: str) -> bool:
        """Whether the plugin takes part and is not quarantined: its listeners may run."""
        plugin = self._by_name.get(name)
        return plugin is not None and plugin.state == "active"

    def settings(self, name: str) -> Any:
        """The plugin's settings as an instance of its class, None where it has none."""
        return self._plugin(name).settings

    def messages(self, name: str) -> Messages:
        """The plugin's messages by language."""
        return self._plugin(name).messages

    def names(self) -> list[str]:
        """All plugins, those that are left out too."""
        return list(self._by_name)

    def code_of(self, name: str) -> str:
        """What tells the code of a plugin from an earlier or later state of it."""
        return self._plugin(name).code

    def on_error(self, name: str) -> Literal["refuse", "skip"]:
        """What an unexpected fault in one of its hooks does."""
        manifest = self._plugin(name).manifest
        return manifest.on_error if manifest else "refuse"

    # How they fare --------------------------------------------------------------------------------------------------

    def count_statements(self, counter: Callable[[], int]) -> None:
        """Tell where the number of SQL statements so far can be read, once there is a database."""
        self.statements = counter

    def call_meter(self, name: str, call: str) -> Meter:
        """The figures of what a plugin is called for: a hook by its name, a listener, a check by words of their own."""
        plugin = self._plugin(name)
        return plugin.meters.get(call) or plugin.calls.setdefault(call, Meter())

    def note_fault(self, name: str, hook: str, error: BaseException) -> None:
        """Count an unexpected fault of a hook and keep it for `states`."""
        plugin = self._plugin(name)
        if hook in plugin.meters:
            plugin.meters[hook].errors += 1
        self.keep_fault(name, hook, error)

    def keep_fault(self, name: str, hook: str, error: BaseException) -> None:
        """Keep an unexpected fault for `states`, the last 20 of a plugin."""
        plugin = self._plugin(name)
        what = f"Hook {hook}" if hook in HOOKS else f"{hook[:1].upper()}{hook[1:]}"
        fault = fault_of(error, plugin.folder, what, hook)
        plugin.faults = [*plugin.faults, fault.render()][-KEPT_FAULTS:]

    def note_overrun(self, name: str, hook: str, at: float) -> None:
        """Count a call that was cut or blocked (`at` of a steady clock): the third in ten minutes is a quarantine."""
        plugin = self._plugin(name)
        plugin.overruns = [moment for moment in plugin.overruns if at - moment < OVERRUN_SECONDS] + [at]
        if len(plugin.overruns) >= OVERRUNS:
            self.quarantine(name, f"took too long {OVERRUNS} times within ten minutes, last in {hook}")

    def quarantine(self, name: str, reason: str) -> None:
        """Set a plugin aside that was found at fault here, and tell so."""
        if self._plugin(name).state == "active":
            self.set_aside(name, reason)
            self.on_quarantine(name, reason)

    def set_aside(self, name: str, reason: str) -> None:
        """Call none of its hooks any more, until `reset`. What it declared stays. Only an active plugin can be.

        Its own entities are not written meanwhile where `on_error` is `refuse` and it has hooks of writes.
        """
        plugin = self._plugin(name)
        if plugin.state == "active":
            plugin.state, plugin.reason = "quarantined", reason
            if self.on_error(name) == "refuse" and any(hook.startswith(RULES) for hook in plugin.hooks):
                own = [d.name for d in plugin.documents if d.kind == "entity"]
                self.withheld.update(dict.fromkeys(own, name))
            self._running.clear()
            log.error("plugin %s is quarantined: %s", name, reason)

    def reset(self, name: str) -> dict[str, Any]:
        """End its quarantine and forget its faults; its state then. Raises `Error("not_found")` for an unknown name.

        What was left out at the start stays so until the next one.
        """
        plugin = self._plugin(name)
        if plugin.state == "quarantined":
            plugin.state, plugin.reason = "active", None
            plugin.faults, plugin.overruns = [], []
            self.withheld = {entity: by for entity, by in self.withheld.items() if by != name}
            self._running.clear()
        return next(state for state in self.states() if state["name"] == name)

    def leave_out(self, name: str, cause: str, *, hook: str | None = None, hint: str | None = None) -> None:
        """Leave out a plugin whose declarations turn out faulty once all are put together, and its dependents."""
        self._plugin(name).leave_out(PluginFault(cause, hook=hook, hint=hint))
        leave_out_dependents(self._plugins)
        self._running.clear()

    def faulty(self) -> list[str]:
        """A sentence for each plugin that is left out or quarantined: for the log, `crm check`, `--strict`."""
        out = [p for p in self._plugins if p.state in ("failed", "incompatible", "quarantined")]
        return [f"The plugin {p.name!r} is {p.state}: {p.reason}" for p in out]

    def states(self) -> list[dict[str, Any]]:
        """The `items` of `GET /api/plugins`: the sound ones in order, then the others by name."""
        order = {p.name: number for number, p in enumerate((p for p in self._plugins if p.sound), start=1)}
        positions = self._positions()
        return [_render(p, order.get(p.name) if p.sound else None, positions) for p in self._plugins]

    def _positions(self) -> dict[tuple[str, str], int]:
        """(plugin, hook) → the place in the order in which the hook's implementations are called."""
        found: dict[tuple[str, str], int] = {}
        for hook in HOOKS:
            having = [p.name for p in self._plugins if hook in p.hooks]
            found.update({(name, hook): number for number, name in enumerate(having, start=1)})
        return found

    def _plugin(self, name: str) -> Loaded:
        plugin = self._by_name.get(name)
        if plugin is None:
            raise Error("not_found", f"There is no plugin {name!r};{near(name, self._by_name) or ' see crm plugins.'}")
        return plugin


def _known(hook: str) -> None:
    if hook not in HOOKS:
        raise KeyError(f"there is no hook {hook!r};{near(hook, HOOKS)}")


def _about(function: Implementation) -> frozenset[str] | None:
    """The entities that a hook says it concerns."""
    classes = getattr(function, CONCERNS, None)
    return None if classes is None else frozenset(map(entity_name, classes))


def _render(plugin: Loaded, order: int | None, positions: dict[tuple[str, str], int]) -> dict[str, Any]:
    manifest = plugin.manifest
    return {
        "name": plugin.name,
        "title": manifest.title if manifest else plugin.name,
        "version": plugin.found.version,
        "source": plugin.found.source,
        "state": plugin.state,
        "reason": plugin.reason,
        "order": order,
        "deprecated": plugin.deprecated if plugin.sound else [],
        "order_because": plugin.order_because if plugin.sound else [],
        "requires": list(plugin.requires),
        "on_error": manifest.on_error if manifest else "refuse",
        "hooks": [
            {"hook": hook, "order": positions[plugin.name, hook], **plugin.meters[hook].render()}
            for hook in plugin.hooks
        ],
        "calls": [{"call": name, **meter.render()} for name, meter in plugin.calls.items()],
        "faults": plugin.faults,
    }
