"""Of the kernel only public names, of plugins only those that are required."""

from __future__ import annotations

from collections.abc import Iterator

from crm_kernel.plugin_imports import PUBLIC, foreign_imports
from crm_kernel.plugin_rules.source import Breach, PluginSource


def imports(source: PluginSource) -> Iterator[Breach]:
    """No file imports another module of the kernel, or of a plugin that is not required."""
    if source.package is None:
        return
    for file, line, module in foreign_imports(source.package, source.packages):
        kernel = module.partition(".")[0] == "crm_kernel"
        hint = f"Public are {', '.join(PUBLIC)}." if kernel else "Name the plugin in requires of the manifest."
        yield source.breach("imports", f"It imports {module}.", file, line, hint)
