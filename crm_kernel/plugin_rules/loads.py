"""It loads as an app would load it, and all that it declares fits."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path

from crm_kernel.errors import ConfigError
from crm_kernel.fields.base import ValueContext
from crm_kernel.model import Source
from crm_kernel.plugin_finding import GROUP, Found, builtin
from crm_kernel.plugin_import import FolderImports, import_installed
from crm_kernel.plugin_rules.source import Breach, PluginSource
from crm_kernel.plugins import PluginHost
from crm_kernel.registry import Declaration, Registry
from crm_kernel.registry_build import build_registry
from crm_kernel.settings import load_settings

_PLACE = re.compile(r"^(?P<file>/.*?):(?P<line>\d+): ")


def loads(source: PluginSource) -> Iterator[Breach]:
    """Imported beside `base` and what it requires it is left out for nothing, and no document of it is broken."""
    if source.package is None or source.manifest is None:
        return
    index = source.package / "__init__.py"
    try:
        host = _host(source)
    except ConfigError as error:
        yield from (source.breach("loads", problem, index) for problem in error.problems)
        return
    state = next(state for state in host.states() if state["name"] == source.name)
    if state["state"] != "active":
        reason = str(state["reason"])
        found = _PLACE.match(reason)
        file = Path(found["file"]) if found else index
        yield source.breach("loads", _PLACE.sub("", reason), file, int(found["line"]) if found else None)
        return
    for broken in _registry(host).broken:
        if broken.source.name == source.name:
            faults = "; ".join(f"{fault.pointer or '/'}: {fault.detail}" for fault in broken.faults)
            yield source.breach("loads", f"The {broken.kind} {broken.name!r} does not fit: {faults}", index)


def _host(source: PluginSource) -> PluginHost:
    """A host of the plugin, of those it requires that are installed, and of `base`."""
    package = f"crm_{source.name}"
    own = Found(name=source.name, source="folder", load=partial(import_installed, package), folder=source.package)
    points = {point.name: point for point in entry_points(group=GROUP)}
    found = [builtin(), own]
    wanted = [str(name) for name in source.said("requires") or ()]
    while wanted:
        name = wanted.pop()
        if name in points and name not in [f.name for f in found]:
            load = partial(import_installed, points[name].module)
            module = load()
            found.append(Found(name=name, source="entry_point", load=load))
            wanted += list(getattr(getattr(module, "plugin", None), "requires", ()))
    imports = nullcontext() if source.package is None else FolderImports({package: source.package})
    with tempfile.TemporaryDirectory() as folder, imports:
        (Path(folder) / "crm.toml").write_text("")
        return PluginHost(load_settings(Path(folder), {}), found)


def _registry(host: PluginHost) -> Registry:
    declared = [
        Declaration(Source("builtin" if d.plugin == "base" else "plugin", d.plugin), d.kind, d.name, d.body, d.cls)
        for d in host.documents()
    ]
    return build_registry(declared, host.listeners(), ValueContext(), host.restrictions(), host.actions())
