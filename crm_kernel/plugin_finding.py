"""Where plugins are found: built in, in a folder beside crm.toml, installed (floor 6)."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from importlib.metadata import EntryPoint, entry_points, version
from pathlib import Path
from types import ModuleType
from typing import Literal

import msgspec

from crm_kernel.documents import NAME_PATTERN
from crm_kernel.errors import ConfigError, near
from crm_kernel.plugin_fault import PluginFault
from crm_kernel.plugin_import import FolderImports, import_builtin, import_installed
from crm_kernel.settings import Settings
from crm_kernel.settings_rules import PLUGIN_KEYS

GROUP = "crm_kernel.plugins"
BASE = "base"
RESERVED = (BASE, "system", "kernel", *PLUGIN_KEYS)
"""Names that stand for something else: in history, in crm.toml."""

_NAME = re.compile(NAME_PATTERN.removesuffix("$"))

Source = Literal["entry_point", "folder", "builtin"]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin before it is loaded.

    `load` imports its module; `enabled` is false where crm.toml leaves it out. `fault` is set where it cannot even be
    tried. `folder` is the package's folder where it is known.
    """

    name: str
    source: Source
    load: Callable[[], ModuleType]
    version: str = ""
    enabled: bool = True
    folder: Path | None = None
    fault: PluginFault | None = None


def kernel_version() -> str:
    """The version of the installed crm-kernel."""
    return version("crm-kernel")


def builtin(name: str = BASE, module: str = "crm_kernel.base") -> Found:
    """A plugin of the kernel itself, loaded like any other."""
    return Found(name=name, source="builtin", version=kernel_version(), load=partial(import_builtin, module))


def find_plugins(settings: Settings) -> tuple[list[Found], FolderImports]:
    """All plugins of an app in order of their names, `base` first, and the imports of those in the folder.

    A folder plugin goes before an installed one of the same name. Raises `ConfigError` where crm.toml names a folder
    that is not there, disables `base`, or has a table for a plugin that nobody knows.
    """
    plugins = settings.plugins
    folders = list(_in_folder(plugins.path, plugins.disabled)) if plugins.path else []
    imports = FolderImports({f"crm_{f.name}": f.folder for f in folders if f.folder is not None})
    known = {f.name for f in folders}
    installed = [f for f in _installed(plugins.enabled, plugins.disabled) if f.name not in known]
    known.update(f.name for f in installed)
    missing = [_missing(name, known) for name in plugins.enabled if name not in known and name != BASE]
    others = [_checked(f) for f in sorted([*folders, *installed, *missing], key=lambda f: f.name)]
    problems = list(_problems(settings, {f.name for f in others} | {BASE}))
    if problems:
        raise ConfigError(problems)
    return [builtin(), *others], imports


def _in_folder(path: Path, disabled: tuple[str, ...]) -> Iterator[Found]:
    """One for each folder: a plugin is a package itself or holds `crm_<name>/`."""
    folders = [f for f in path.iterdir() if f.is_dir() and not f.name.startswith((".", "_"))] if path.is_dir() else []
    for folder in folders:
        name = folder.name
        package = next((p for p in (folder / f"crm_{name}", folder) if (p / "__init__.py").is_file()), None)
        fault = None
        if package is None:
            hint = f"Make {folder / f'crm_{name}' / '__init__.py'}, or move the folder away."
            fault = PluginFault("The folder is no package and holds none.", file=str(folder), hint=hint)
        yield Found(
            name=name,
            source="folder",
            version=_project_version(folder / "pyproject.toml"),
            enabled=name not in disabled,
            load=partial(import_installed, f"crm_{name}"),
            folder=package,
            fault=fault,
        )


def _installed(enabled: tuple[str, ...], disabled: tuple[str, ...]) -> Iterator[Found]:
    for name, point in _points(tuple(sys.path)).items():
        yield Found(
            name=name,
            source="entry_point",
            version=point.dist.version if point.dist else "",
            enabled=name in enabled and name not in disabled,
            load=partial(import_installed, point.module, folder_copy=False),
        )


@lru_cache(maxsize=8)
def _points(_: tuple[str, ...]) -> Mapping[str, EntryPoint]:
    """The entry points of what is installed in these folders: all distributions are opened for it (10 ms)."""
    seen: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP):
        # One distribution can be listed twice (a checkout on sys.path beside its installation): the first one counts.
        seen.setdefault(point.name, point)
    return seen


def _missing(name: str, known: set[str]) -> Found:
    cause = f"{name!r} is enabled, but no installed package and no folder has it;"
    guess = near(name, known) or " install it, or take it out of [plugins] enabled."
    fault = PluginFault(cause + guess, file="crm.toml")
    return Found(name=name, source="entry_point", load=partial(import_installed, name), fault=fault)


def _checked(found: Found) -> Found:
    """The same, with a fault where the name cannot be a plugin's."""
    if found.name in RESERVED:
        fault = PluginFault(f"The name {found.name!r} is the kernel's.", hint="Rename the plugin.")
    elif not _NAME.fullmatch(found.name) or len(found.name) > 48:
        hint = "Lower-case letters, digits and single underscores, beginning with a letter."
        fault = PluginFault(f"{found.name!r} is no name for a plugin.", hint=hint)
    else:
        return found
    return msgspec.structs.replace(found, fault=fault)


def _problems(settings: Settings, known: set[str]) -> Iterator[str]:
    plugins = settings.plugins
    if plugins.path is not None and not plugins.path.is_dir():
        yield settings.problem(("plugins", "path"), f"there is no folder {plugins.path}.").sentence()
    if BASE in plugins.disabled:
        yield settings.problem(("plugins", "disabled"), "the built-in plugin 'base' cannot be disabled.").sentence()
    for name in plugins.tables:
        if name not in known and name not in plugins.disabled:  # of one that was taken out they wait for it
            detail = f"settings for {name!r}, but there is no such plugin;{near(name, known) or ' remove the table.'}"
            yield settings.problem(("plugins", name), detail, key=True).sentence()
    for name in plugins.overrides:
        if name not in known:
            yield f"CRM_PLUGINS__{name.upper()}__…: there is no plugin {name!r};{near(name, known) or ' unset it.'}"


def _project_version(file: Path) -> str:
    """The version that the plugin's pyproject.toml states; "" where it states none."""
    try:
        project = tomllib.loads(file.read_text(encoding="utf-8")).get("project", {})
    except (OSError, ValueError):
        return ""
    return str(project.get("version", ""))
