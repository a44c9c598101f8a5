"""Loads the plugins of one app and leaves out what is faulty by itself (floor 6)."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from copy import copy
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import pluggy

from crm_kernel import hookspecs
from crm_kernel.deprecation import instead_of
from crm_kernel.errors import ConfigError, near
from crm_kernel.hook_call import HOOK, HookCall
from crm_kernel.hookspecs import PROJECT
from crm_kernel.manifest import Plugin
from crm_kernel.meter import Meter
from crm_kernel.plugin_claims import Claim, claim_fault, clashes
from crm_kernel.plugin_declarations import FORMATS, Declared, verified
from crm_kernel.plugin_fault import PluginFault, fault_of
from crm_kernel.plugin_finding import BASE, Found
from crm_kernel.plugin_order import plugin_order
from crm_kernel.plugin_verify import HOOKS, check_hooks, check_kernel, manifest_of, settings_for
from crm_kernel.plugin_words import HOOK as TRANSLATIONS
from crm_kernel.plugin_words import Messages, Words, messages_of, translated, words_of
from crm_kernel.settings import Settings

log = logging.getLogger("crm_kernel.plugins")

State = Literal["active", "disabled", "quarantined", "failed", "incompatible"]


class Loaded:
    """One plugin of an app: what was found, what became of it, what it declares."""

    def __init__(self, found: Found) -> None:
        self.found = found
        self.name = found.name
        self.state: State = "active" if found.enabled else "disabled"
        self.reason: str | None = None if found.enabled else "not enabled in crm.toml"
        self.manifest: Plugin | None = None
        self.module: ModuleType | None = None
        self.settings: Any = None
        self.hooks: dict[str, Any] = {}
        self.meters: dict[str, Meter] = {}
        self.calls: dict[str, Meter] = {}
        self.declared: dict[str, list[Any]] = {}
        self.documents: list[Declared] = []
        self.messages: Messages = {}
        self.order_because: list[str] = []
        self.deprecated: list[dict[str, str]] = []
        self.faults: list[dict[str, Any]] = []
        self.overruns: list[float] = []

    @property
    def sound(self) -> bool:
        """Whether it takes part: neither left out nor disabled."""
        return self.state in ("active", "quarantined")

    @property
    def folder(self) -> Path | None:
        """Where its code lies, as far as it is known."""
        file = getattr(self.module, "__file__", None)
        return self.found.folder or (Path(file).parent if file else None)

    @cached_property
    def code(self) -> str:
        """A digest of its version and its Python files."""
        digest = sha256(self.found.version.encode())
        for file in sorted(self.folder.rglob("*.py")) if self.folder else ():
            digest.update(file.read_bytes())
        return digest.hexdigest()

    @property
    def requires(self) -> Sequence[str]:
        """The plugins it cannot do without."""
        return self.manifest.requires if self.manifest else ()

    def again(self) -> Loaded:
        """The same as it was when it was loaded: without what became of it since."""
        fresh = copy(self)
        fresh.meters, fresh.calls = {hook: Meter() for hook in self.meters}, {}
        fresh.declared, fresh.documents, fresh.hooks = dict(self.declared), list(self.documents), dict(self.hooks)
        if fresh.state == "quarantined":
            fresh.state, fresh.reason = "active", None
        if fresh.sound:
            fresh.faults = []
        fresh.overruns = []
        return fresh

    def leave_out(self, fault: PluginFault) -> None:
        """Take it out, with the reason. Raises `ConfigError` for a plugin of the kernel: nothing works without."""
        if self.found.source == "builtin":
            raise ConfigError(f"The built-in plugin {self.name!r} is faulty: {fault.reason}") from fault
        self.state, self.reason = fault.state, fault.reason
        self.faults.append(fault.render())
        self.declared.clear()
        self.documents.clear()
        self.hooks.clear()
        log.warning("plugin %s is left out: %s", self.name, fault.reason)


def load(
    found: Iterable[Found], imports: AbstractContextManager[None], settings: Settings, version: str
) -> list[Loaded]:
    """All plugins, the sound ones first and in their order. `imports` is entered while modules are imported.

    Raises `ConfigError` for a cycle, for one name that two sound plugins claim, and for a fault in a built-in one.
    """
    plugins = [Loaded(f) for f in found]
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    with imports:
        for plugin in plugins:
            if plugin.state == "active":
                _try(plugin, lambda p=plugin: _verify(p, settings, version))
    leave_out_dependents(plugins)
    manifests = [p.manifest for p in plugins if p.sound and p.manifest]
    order, because = plugin_order(manifests, first=BASE)
    plugins.sort(key=lambda p: order.index(p.name) if p.sound else len(order))
    for plugin in plugins:
        if plugin.sound:
            plugin.order_because = because[plugin.name]
            _try(plugin, lambda p=plugin: _declare(p, manager))
            leave_out_dependents(plugins)
    _check_claims(plugins)
    return sorted(plugins, key=lambda p: not p.sound)


def leave_out_dependents(plugins: Sequence[Loaded]) -> None:
    """Leave out each plugin that requires one which does not take part, and those that require it."""
    while True:
        sound = {p.name for p in plugins if p.sound}
        unmet = next(((p, r) for p in plugins if p.sound for r in p.requires if r not in sound), None)
        if unmet is None:
            return
        plugin, required = unmet
        plugin.leave_out(_missing_requirement(required, plugins))


def _missing_requirement(required: str, plugins: Sequence[Loaded]) -> PluginFault:
    states = {p.name: p.state for p in plugins}
    if required in states:
        hint = "Enable it in crm.toml." if states[required] == "disabled" else f"Mend {required!r} first."
        return PluginFault(f"It requires {required!r}, which is {states[required]}.", hint=hint)
    guess = near(required, states).strip()
    return PluginFault(f"It requires {required!r}, which is not there.", hint=guess or f"Install {required!r}.")


def _try(plugin: Loaded, step: Any) -> None:
    try:
        step()
    except PluginFault as fault:
        plugin.leave_out(fault)


def _verify(plugin: Loaded, settings: Settings, version: str) -> None:
    """Import, manifest, kernel version, settings, hooks: in this order, the first fault counts."""
    found = plugin.found
    if found.fault is not None:
        raise found.fault
    plugin.module = _import(found)
    plugin.manifest = manifest_of(plugin.module, found.name)
    check_kernel(plugin.manifest, version)
    plugin.settings = settings_for(plugin.manifest, settings)
    check_hooks(plugin.module)


def _import(found: Found) -> ModuleType:
    token = HOOK.set(HookCall(found.name, amends=False))  # whatever it starts may do nothing later either
    try:
        return found.load()
    except (Exception, SystemExit) as error:
        raise fault_of(error, found.folder, "Importing it") from error
    finally:
        HOOK.reset(token)


def _declare(plugin: Loaded, manager: pluggy.PluginManager) -> None:
    """Register the module and call its `register_*` hooks, each metered and verified."""
    manager.register(plugin.module, plugin.name)
    for name in HOOKS:
        for impl in getattr(manager.hook, name).get_hookimpls():
            if impl.plugin_name == plugin.name:
                plugin.hooks[name] = impl.function
                plugin.meters[name] = Meter()
                _note_deprecated(plugin, name)
    words: list[Words] = []
    for name in [n for n in plugin.hooks if n.startswith("register_")]:
        given = _call(plugin, name)
        if name == TRANSLATIONS:
            words = words_of(given)
            continue
        items, documents = verified(plugin.name, name, given)
        plugin.declared[name] = items
        plugin.documents.extend(documents)
    if words:
        plugin.documents = translated(plugin.documents, words)
        plugin.messages = messages_of(words)


def _note_deprecated(plugin: Loaded, hook: str) -> None:
    instead = instead_of(HOOKS[hook])
    if instead is not None:
        plugin.deprecated.append({"hook": hook, "instead": instead})
        log.warning("plugin %s: hook %s is deprecated: %s", plugin.name, hook, instead)


def _call(plugin: Loaded, hook: str) -> Any:
    start = time.perf_counter()
    token = HOOK.set(HookCall(plugin.name, amends=False))
    try:
        return plugin.hooks[hook]()
    except (Exception, SystemExit) as error:
        plugin.meters[hook].errors += 1
        raise fault_of(error, plugin.folder, f"Hook {hook}", hook) from error
    finally:
        HOOK.reset(token)
        plugin.meters[hook].add(time.perf_counter() - start)


def _check_claims(plugins: Sequence[Loaded]) -> None:
    """Names of the kernel and of `base` first, so that who claims them is out before plugins are compared."""
    trusted = [d for p in plugins if p.name == BASE for d in p.documents]
    for plugin in plugins:
        fault = claim_fault(plugin.documents, [] if plugin.name == BASE else trusted)
        if plugin.sound and fault is not None:
            plugin.leave_out(fault)
    leave_out_dependents(plugins)
    sound = [p for p in plugins if p.sound]
    names = [(p.name, Claim("action", action)) for p in sound if p.manifest for action in p.manifest.actions]
    for hook, space in FORMATS.items():
        names += [(p.name, Claim(space, item.name)) for p in sound for item in p.declared.get(hook, ())]
    found = clashes([d for p in sound for d in p.documents], names)
    if found:
        raise ConfigError(found)
