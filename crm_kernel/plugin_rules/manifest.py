"""There is a manifest, and folder, entry point and manifest have one name."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from crm_kernel.plugin_finding import kernel_version
from crm_kernel.plugin_rules.source import Breach, PluginSource


def manifest(source: PluginSource) -> Iterator[Breach]:
    """The module of the package holds `plugin = Plugin(name=…, title=…, kernel=…)`."""
    if source.package is None:
        hint = f"Make crm_{source.name}/__init__.py, or crm plugin new {source.name}."
        yield source.breach("manifest", "The folder holds no package of a plugin.", source.folder.name, hint=hint)
        return
    index = source.package / "__init__.py"
    if source.manifest is None:
        hint = f'Write plugin = Plugin(name="{source.name}", title="…", kernel=">=0.1,<1").'
        yield source.breach("manifest", "There is no manifest named plugin.", index, 1, hint)
        return
    line = source.manifest.lineno
    for member in ("name", "title", "kernel"):
        if source.said(member) is None:
            yield source.breach("manifest", f"The manifest does not say {member}.", index, line)
    name = source.said("name") or source.name
    if name != source.name:
        yield source.breach("name", f"The manifest says {name!r}, entry point or folder {source.name!r}.", index, line)
    for point, module in source.entry_points.items():
        if module.partition(".")[0] != source.package.name:
            detail = f"The entry point {point!r} leads to {module!r}, the package is {source.package.name!r}."
            yield source.breach("name", detail, source.folder / "pyproject.toml")


def kernel_range(source: PluginSource) -> Iterator[Breach]:
    """The range of kernels is one, has an upper end, and holds the kernel that asks."""
    given = source.said("kernel")
    if source.package is None or source.manifest is None or given is None:
        return
    where = (source.package / "__init__.py", source.manifest.lineno)
    hint = 'Write it like ">=0.1,<1".'
    try:
        specifiers = SpecifierSet(str(given))
    except InvalidSpecifier:
        yield source.breach("kernel_range", f"kernel={given!r} is no range of versions.", *where, hint)
        return
    if not specifiers.contains(kernel_version(), prereleases=True):
        detail = f"kernel={given!r} does not hold {kernel_version()}, which is installed."
        yield source.breach("kernel_range", detail, *where, hint)
    if not any(s.operator in ("<", "<=", "==", "~=") for s in specifiers):
        yield source.breach("kernel_range", f"kernel={given!r} has no upper end.", *where, hint)
