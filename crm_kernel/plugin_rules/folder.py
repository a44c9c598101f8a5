"""What lies beside the code: a README, tests with the conformance class, locale files that can be read."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

from crm_kernel.plugin_rules.source import Breach, PluginSource


def readme(source: PluginSource) -> Iterator[Breach]:
    """There is a README."""
    if not any(source.folder.glob("README*")):
        yield source.breach("readme", "There is no README.", source.folder.name, hint="Say what it is for.")


def tests(source: PluginSource) -> Iterator[Breach]:
    """There are tests, and among them the conformance class."""
    files = [*source.folder.glob("tests/**/test_*.py"), *source.folder.glob("**/tests/test_*.py")]
    if not files:
        yield source.breach("tests", "There are no tests.", source.folder.name, hint="tests/test_conformance.py")
    elif not any("PluginConformance" in file.read_text("utf-8", "replace") for file in files):
        hint = "Subclass PluginConformance of crm_kernel.testing."
        yield source.breach("tests", "No test holds it to the contract.", "tests", hint=hint)


def locale(source: PluginSource) -> Iterator[Breach]:
    """Each file of `locale/` can be read."""
    for file in sorted((source.package or source.folder).glob("locale/**/*")):
        fault = _unreadable(file)
        if fault:
            yield source.breach("locale", f"It cannot be read: {fault}.", file)


def _unreadable(file: Path) -> str | None:
    readers = {".json": json.loads, ".toml": tomllib.loads}
    reader = readers.get(file.suffix)
    try:
        if reader is not None:
            reader(file.read_text("utf-8"))
    except ValueError as error:
        return str(error)
    return None
