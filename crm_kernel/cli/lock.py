"""`crm.lock`: which plugins and which files were applied last (floor 10)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from crm_kernel.document_files import read_documents
from crm_kernel.errors import ConfigError
from crm_kernel.plugins import PluginHost
from crm_kernel.settings import Settings

FILE = "crm.lock"
_HEAD = "# What `crm apply` applied last. Made by it; keep it under git.\n"

Lock = Mapping[str, Mapping[str, str]]
"""`plugins`: name -> version, `documents`: `kind/name` -> SHA-256 of the file."""


def present(settings: Settings, plugins: PluginHost) -> Lock:
    """What an apply would apply now."""
    files, _ = read_documents(settings.documents, settings.folder)
    states = [state for state in plugins.states() if state["source"] != "builtin" and state["order"] is not None]
    return {
        "plugins": {state["name"]: str(state["version"]) for state in states},
        "documents": {f"{file.kind}/{file.name}": file.hash for file in files},
    }


def write_lock(settings: Settings, plugins: PluginHost) -> None:
    """Write `crm.lock` where it differs. Raises `ConfigError` where that is impossible."""
    lines = [_HEAD]
    for section, entries in present(settings, plugins).items():
        lines.append(f"\n[{section}]\n")
        lines += [f'"{name}" = "{value}"\n' for name, value in sorted(entries.items())]
    file, text = settings.folder / FILE, "".join(lines)
    try:
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"All is applied, but {file} cannot be written: {error.strerror}.") from error


def differences(settings: Settings, plugins: PluginHost) -> list[str]:
    """Where plugins and files are not what `crm.lock` says; one sentence where there is none."""
    file = settings.folder / FILE
    locked = _read(file)
    if locked is None:
        return [f"There is no {FILE}; `crm apply` writes it."]
    found: list[str] = []
    for section, now in present(settings, plugins).items():
        then = locked.get(section, {})
        for name in sorted(then.keys() | now.keys()):
            if then.get(name) != now.get(name):
                found.append(f"{FILE}: {_difference(section, name, then.get(name), now.get(name))}")
    return found


def _difference(section: str, name: str, then: str | None, now: str | None) -> str:
    what = f"{'plugin' if section == 'plugins' else 'document'} {name}"
    if then is None:
        return f"{what} is not in it."
    if now is None:
        return f"{what} is in it and not here."
    return f"{what} is {now} here, {then} was applied." if section == "plugins" else f"{what} has changed."


def _read(file: Path) -> Lock | None:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} cannot be read: {error}. Hint: remove it; `crm apply` writes it anew.") from error
