"""What `crm plugin check` asks of a plugin's files: a function a rule, none of which changes anything (floor 6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from crm_kernel.plugin_rules.at_import import at_import
from crm_kernel.plugin_rules.blocking import blocking
from crm_kernel.plugin_rules.folder import locale, readme, tests
from crm_kernel.plugin_rules.hooks import hooks
from crm_kernel.plugin_rules.imports import imports
from crm_kernel.plugin_rules.loads import loads
from crm_kernel.plugin_rules.manifest import kernel_range, manifest
from crm_kernel.plugin_rules.source import Breach, PluginSource
from crm_kernel.plugin_rules.words import words

RULES: tuple[Callable[[PluginSource], Iterator[Breach]], ...] = (
    manifest,
    kernel_range,
    imports,
    hooks,
    blocking,
    at_import,
    words,
    readme,
    tests,
    locale,
    loads,
)
"""All rules; the last one imports the plugin, the others only read it."""


def check_plugin(folder: Path) -> list[Breach]:
    """All breaches of the plugin in a folder, by file and line; what loading it says where nothing else was found."""
    source = PluginSource(folder)
    found = [breach for rule in RULES if rule is not loads for breach in rule(source)]
    found = found or list(loads(source))
    return sorted(found, key=lambda breach: (breach.file, breach.line or 0, breach.code))
