"""crm.toml and the environment as frozen settings (floor 6)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal

import msgspec

from crm_kernel.errors import ConfigError
from crm_kernel.problems import Problem
from crm_kernel.settings_rules import (
    PLUGIN_KEYS,
    SECTIONS,
    environment_values,
    problem_of_value,
    sqlite_path,
    unknown_keys,
)
from crm_kernel.source_toml import TomlFault, TomlText

FILE = "crm.toml"


class AppSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[app]: what the app is called, and how it reads and writes values."""

    name: str = "CRM"
    locale: str = "en"
    timezone: str = "UTC"
    currency: str = "EUR"
    region: str = "US"


class DatabaseSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[database]: `path` is the absolute file of SQLite, None with PostgreSQL."""

    url: str
    engine: Literal["sqlite", "postgresql"]
    path: Path | None


class PluginSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[plugins]: which are loaded.

    `deadline`: seconds for all hooks of one operation; `call_deadline`: for a call of a listener, a check, `on_start`.

    `route_deadline`: seconds for a request to a plugin's route. `tables` holds [plugins.NAME], `overrides` the same
    keys from the environment.
    """

    enabled: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()
    path: Path | None = None
    deadline: float = 0.25
    call_deadline: float = 30.0
    route_deadline: float = 10.0
    tables: Mapping[str, Mapping[str, Any]] = {}
    overrides: Mapping[str, Mapping[str, str]] = {}


class ImportSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[imports]: how large a file may be that is sent to be imported."""

    max_megabytes: int = 256


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[server]: the addresses and networks of proxies that are believed when they name the client."""

    trusted_proxies: tuple[str, ...] = ()


class SessionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """[sessions]: a session ends when it was not used for so many minutes, and so many days after the log-in."""

    idle_minutes: int = 720
    lifetime_days: int = 7

    @property
    def idle(self) -> timedelta:
        """A session that was not used for so long has ended."""
        return timedelta(minutes=self.idle_minutes)

    @property
    def lifetime(self) -> timedelta:
        """A session ends so long after the log-in, however it is used."""
        return timedelta(days=self.lifetime_days)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings of one app. Paths are absolute; `documents` need not exist; `secret` is CRM_SECRET or None."""

    folder: Path
    app: AppSettings
    database: DatabaseSettings
    plugins: PluginSettings
    documents: Path
    imports: ImportSettings = ImportSettings()
    server: ServerSettings = ServerSettings()
    sessions: SessionSettings = SessionSettings()
    secret: str | None = None
    source: TomlText | None = None

    def problem(self, path: tuple[str, ...], detail: str, hint: str | None = None, *, key: bool = False) -> Problem:
        """A fault of one setting that is found later, with its place in crm.toml."""
        if self.source is None:
            return Problem(file=FILE, detail=detail, hint=hint)
        return self.source.problem(path, detail, hint, key=key)


def load_settings(folder: Path, environ: Mapping[str, str]) -> Settings:
    """The settings of the app folder, overridden by `CRM_<SECTION>__<KEY>` of `environ`.

    Raises `ConfigError` with every fault at once, each a sentence with file, line and column; `usage` where there is
    no readable crm.toml.
    """
    folder = folder.resolve()
    file = folder / FILE
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        hint = "Name the app folder with --app or CRM_APP; `crm new DIR` makes one."
        raise ConfigError(f"{file} cannot be read: {error.strerror}. Hint: {hint}", usage=True) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{FILE} is not UTF-8.", usage=True) from error
    try:
        source = TomlText(FILE, text)
    except TomlFault as fault:
        raise ConfigError(fault.problem.sentence()) from fault
    return settings_of(source, folder, environ)


def settings_of(source: TomlText, folder: Path, environ: Mapping[str, str]) -> Settings:
    """The settings that a text of crm.toml and the environment give. Raises `ConfigError` like `load_settings`."""
    problems = unknown_keys(source)
    values, overrides, faults = environment_values(environ)
    problems += faults
    found: dict[str, dict[str, Any]] = {}
    for section, keys in SECTIONS.items():
        given = source.data.get(section)
        found[section] = {k: v for k, v in given.items() if k in keys} if isinstance(given, dict) else {}
        for key, value in found[section].items():
            problems += problem_of_value(section, key, value, partial(source.problem, (section, key)))
        found[section] |= values.get(section, {})
    if problems:
        raise ConfigError([p.sentence() for p in problems])
    url = str(found["database"].get("url", "sqlite:///data/crm.db"))
    path = sqlite_path(url)
    plugins = found["plugins"]
    tables = source.data.get("plugins", {})
    return Settings(
        folder=folder,
        app=AppSettings(**found["app"]),
        database=DatabaseSettings(
            url=url,
            engine="postgresql" if path is None else "sqlite",
            path=None if path is None else folder / path,
        ),
        plugins=PluginSettings(
            enabled=tuple(plugins.get("enabled", ())),
            disabled=tuple(plugins.get("disabled", ())),
            path=folder / plugins["path"] if "path" in plugins else None,
            deadline=int(plugins.get("deadline_ms", 250)) / 1000,
            call_deadline=int(plugins.get("call_deadline_ms", 30_000)) / 1000,
            route_deadline=int(plugins.get("route_deadline_ms", 10_000)) / 1000,
            tables={name: table for name, table in tables.items() if name not in PLUGIN_KEYS},
            overrides=overrides,
        ),
        documents=folder / found["documents"].get("path", "documents"),
        imports=ImportSettings(**found["imports"]),
        server=ServerSettings(trusted_proxies=tuple(found["server"].get("trusted_proxies", ()))),
        sessions=SessionSettings(**found["sessions"]),
        secret=environ.get("CRM_SECRET"),
        source=source,
    )
