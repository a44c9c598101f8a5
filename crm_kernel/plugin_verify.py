"""What must hold for one plugin by itself, before anything it declares is looked at (floor 6)."""

from __future__ import annotations

import inspect
import re
import tomllib
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import msgspec
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from crm_kernel import hookspecs, start_hookspecs
from crm_kernel.entities import is_entity
from crm_kernel.errors import near
from crm_kernel.hookspecs import PROJECT
from crm_kernel.manifest import CONCERNS, Plugin
from crm_kernel.plugin_fault import PluginFault
from crm_kernel.schema.describe import ACTIONS
from crm_kernel.settings import Settings

HOOKS: Mapping[str, Callable[..., Any]] = {
    name: spec
    for module in (start_hookspecs, hookspecs)
    for name, spec in vars(module).items()
    if hasattr(spec, f"{PROJECT}_spec")
}
"""Every hook of the contract, in the order of the source."""

_MARK = f"{PROJECT}_impl"
_REFUSED_OPTIONS = ("tryfirst", "trylast", "wrapper", "hookwrapper")
_ACTION = re.compile("[a-z][a-z0-9_]{0,47}")
_IN_PATH = re.compile(r"\$\.([A-Za-z_]\w*)")


def manifest_of(module: ModuleType, name: str) -> Plugin:
    """The manifest of a plugin's module, its members of the declared types. Raises `PluginFault`."""
    given = getattr(module, "plugin", None)
    file = getattr(module, "__file__", None)
    if not isinstance(given, Plugin):
        got = "there is none" if given is None else f"got {type(given).__name__}"
        hint = 'Write plugin = Plugin(name="…", title="…", kernel=">=0.1,<1").'
        raise PluginFault(f"The module {module.__name__} needs a manifest named 'plugin'; {got}.", file=file, hint=hint)
    try:
        manifest = msgspec.convert(msgspec.structs.asdict(given), Plugin)
    except msgspec.ValidationError as error:
        raise PluginFault(f"The manifest is wrong: {error}.", file=file) from error
    if manifest.name != name:
        hint = "Name, folder and entry point are the same."
        raise PluginFault(f"The manifest says name={manifest.name!r}, expected {name!r}.", file=file, hint=hint)
    if name in (*manifest.requires, *manifest.before, *manifest.after):
        raise PluginFault(f"{name!r} names itself in requires, before or after.", file=file)
    for action in manifest.actions:
        if not _ACTION.fullmatch(action):
            raise PluginFault(f"The action {action!r} is no name.", file=file, hint='Write it like "publish".')
        if action in ACTIONS:
            raise PluginFault(f"The action {action!r} is the kernel's.", file=file, hint="Choose another name.")
    return manifest


def check_kernel(manifest: Plugin, version: str) -> None:
    """Raises `PluginFault` (incompatible) where the kernel's version is none that the plugin works with."""
    try:
        specifiers = SpecifierSet(manifest.kernel)
    except InvalidSpecifier as error:
        detail = f"The manifest says kernel={manifest.kernel!r}, which is no version range."
        raise PluginFault(detail, hint='Write it like ">=0.1,<1".') from error
    if not specifiers.contains(version, prereleases=True):
        detail = f"It works with crm-kernel {manifest.kernel}; installed is {version}."
        raise PluginFault(detail, hint="Install a fitting version of either.", state="incompatible")


def settings_for(manifest: Plugin, settings: Settings) -> Any:
    """The plugin's settings as an instance of its class, None where it has no class. Raises `PluginFault`."""
    name, cls = manifest.name, manifest.settings
    table = dict(settings.plugins.tables.get(name, {}))
    texts = settings.plugins.overrides.get(name, {})
    if cls is None:
        if table or texts:
            raise _setting_fault(settings, name, None, f"the plugin {name!r} takes no settings.", at_key=True)
        return None
    if not (isinstance(cls, type) and issubclass(cls, msgspec.Struct)):
        raise PluginFault(f"The manifest says settings={cls!r}, expected a class derived from msgspec.Struct.")
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(cls)}
    for key in [*table, *texts]:
        if key not in fields:
            hint = near(key, fields) or f" known are {', '.join(fields) or 'none'}."
            raise _setting_fault(settings, name, key, f"unknown setting {key!r};{hint}", at_key=True)
    table |= {key: _from_text(text, fields[key]) for key, text in texts.items()}
    try:
        return msgspec.convert(table, cls)
    except msgspec.ValidationError as error:
        found = _IN_PATH.search(str(error))
        raise _setting_fault(settings, name, found[1] if found else None, f"{error}.") from error


def _setting_fault(settings: Settings, name: str, key: str | None, detail: str, *, at_key: bool = False) -> PluginFault:
    if key is not None and key in settings.plugins.overrides.get(name, {}):
        return PluginFault(detail, file=f"CRM_PLUGINS__{name}__{key}".upper())
    path = ("plugins", name) if key is None else ("plugins", name, key)
    problem = settings.problem(path, detail, key=at_key)
    return PluginFault(f"[plugins.{name}] {msgspec.structs.replace(problem, file='crm.toml').sentence()}")


def _from_text(text: str, kind: Any) -> Any:
    """A value of the environment as the type the plugin wants; the text itself where it fits neither way."""
    try:
        return msgspec.convert(text, kind, strict=False)
    except msgspec.ValidationError:
        try:
            return tomllib.loads(f"v = {text}")["v"]
        except tomllib.TOMLDecodeError:
            return text


def check_hooks(module: ModuleType) -> None:
    """Raises `PluginFault` for the first hook implementation of the module that the contract does not know so."""
    for name, value in vars(module).items():
        options = getattr(value, _MARK, None)
        if isinstance(options, dict):
            _check_hook(options.get("specname") or name, value, options)
        elif name in HOOKS and inspect.isfunction(value):
            raise _hook_fault(name, value, "it is not marked, so it would never be called", "Put @hookimpl above it.")


def _check_hook(hook: str, function: Any, options: dict[str, Any]) -> None:
    spec = HOOKS.get(hook)
    if spec is None:
        hint = (near(hook, HOOKS) or f" known are {', '.join(HOOKS)}.").strip()
        raise _hook_fault(hook, function, "there is no such hook", hint[0].upper() + hint[1:])
    for option in _REFUSED_OPTIONS:
        if options.get(option):
            hint = "Order comes from requires, before and after of the manifest."
            raise _hook_fault(hook, function, f"{option} is not allowed", hint)
    expected = list(inspect.signature(spec).parameters)
    got = list(inspect.signature(function).parameters)
    if got != expected:
        raise _hook_fault(hook, function, f"got arguments ({', '.join(got)}), expected ({', '.join(expected)})", None)
    about = getattr(function, CONCERNS, None)
    if about is not None and expected != ["batch"]:
        raise _hook_fault(hook, function, "@concerns is for the hooks that are given a batch", None)
    if about is not None and (not about or not all(map(is_entity, about))):
        detail = f"@concerns got {about!r:.200}, expected classes of entities"
        raise _hook_fault(hook, function, detail, "A hook about entities that have no class goes without it.")
    wanted = inspect.iscoroutinefunction(spec)
    if inspect.iscoroutinefunction(function) is not wanted:
        words = ("def", "async def") if wanted else ("async def", "def")
        raise _hook_fault(hook, function, f"got '{words[0]}', expected '{words[1]}'", None)


def _hook_fault(hook: str, function: Any, what: str, hint: str | None) -> PluginFault:
    code = getattr(function, "__code__", None)
    file = f"{code.co_filename}:{code.co_firstlineno}" if code else None
    return PluginFault(f"Hook {hook}: {what}.", hint=hint, file=file, hook=hook)
