"""What crm.toml and the environment may say (floor 6)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from ipaddress import ip_network
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, cast
from zoneinfo import available_timezones

import phonenumbers

from crm_kernel.clock import is_timezone
from crm_kernel.errors import near
from crm_kernel.fields.currencies import CURRENCIES
from crm_kernel.problems import Problem
from crm_kernel.source_toml import TomlText

PREFIX = "CRM_"
PLUGIN_KEYS = ("enabled", "disabled", "path", "deadline_ms", "route_deadline_ms", "call_deadline_ms")
SECTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "app": ("name", "locale", "timezone", "currency", "region"),
        "database": ("url",),
        "plugins": PLUGIN_KEYS,
        "documents": ("path",),
        "imports": ("max_megabytes",),
        "server": ("trusted_proxies",),
        "sessions": ("idle_minutes", "lifetime_days"),
    }
)
"""The tables of crm.toml and their keys; a further table of `plugins` belongs to the plugin of that name."""

MIN_SECRET = 16

_LOCALE = re.compile(r"[a-z]{2,3}([-_][A-Z][a-z]{3})?([-_]([A-Z]{2}|\d{3}))?")

Report = Callable[[str], Problem]
"""Makes the problem of a setting from a sentence: it knows where the setting stands."""


class Rule(NamedTuple):
    """What one setting may be: in words, as a test, and the values to choose from where they are a closed list."""

    expected: str
    holds: Callable[[Any], bool]
    known: Callable[[], Collection[str]] | None = None


def unknown_keys(source: TomlText) -> list[Problem]:
    """Tables and keys that no setting has, each with the nearest name that one has."""
    problems: list[Problem] = []
    for section, table in source.data.items():
        if section not in SECTIONS:
            hint = near(section, SECTIONS) or f" known are {', '.join(SECTIONS)}."
            problems.append(source.problem((section,), f"unknown table [{section}];{hint}", key=True))
        elif not isinstance(table, dict):
            problems.append(source.problem((section,), f"{section!r} is {table!r}, expected a table [{section}]."))
        else:
            problems += [
                _unknown(source, section, key) for key, value in table.items() if _is_unknown(section, key, value)
            ]
    return problems


def _is_unknown(section: str, key: str, value: Any) -> bool:
    return key not in SECTIONS[section] and not (section == "plugins" and isinstance(value, dict))


def _unknown(source: TomlText, section: str, key: str) -> Problem:
    known = SECTIONS[section]
    hint = near(key, known) or f" known are {', '.join(known)}."
    return source.problem((section, key), f"unknown key {key!r} in [{section}];{hint}", key=True)


def environment_values(
    environ: Mapping[str, str],
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, str]], list[Problem]]:
    """What `CRM_SECTION__KEY` variables say: settings, keys of plugins' tables as text, and problems.

    Lists are given as TOML (`["a", "b"]`) or with commas (`a,b`).
    """
    values: dict[str, dict[str, Any]] = {}
    overrides: dict[str, dict[str, str]] = {}
    problems: list[Problem] = []
    for variable in sorted(v for v in environ if v.startswith(PREFIX) and "__" in v):
        section, *rest = variable.removeprefix(PREFIX).lower().split("__")
        if section == "plugins" and len(rest) == 2:
            overrides.setdefault(rest[0], {})[rest[1]] = environ[variable]
            continue
        key = rest[0]
        if len(rest) != 1 or key not in SECTIONS.get(section, ()):
            known = [f"{PREFIX}{s}__{k}".upper() for s, keys in SECTIONS.items() for k in keys]
            problems.append(Problem(file=variable, detail=f"there is no such setting;{near(variable, known)}"))
            continue
        value = _of_text(section, key, environ[variable])
        problems += problem_of_value(section, key, value, _reporter(variable))
        values.setdefault(section, {})[key] = value
    if 0 < len(environ.get("CRM_SECRET", "")) < MIN_SECRET:
        problems.append(Problem(file="CRM_SECRET", detail=f"shorter than {MIN_SECRET} characters."))
    return values, overrides, problems


def _reporter(variable: str) -> Report:
    return lambda detail: Problem(file=variable, detail=detail)


def _of_text(section: str, key: str, text: str) -> Any:
    """A value of the environment as crm.toml would give it."""
    if (section, key) in _LISTS:
        return _words(text)
    return int(text) if (section, key) in _NUMBERS and text.isascii() and text.isdigit() else text


def _words(text: str) -> list[str]:
    if text.lstrip().startswith("["):
        try:
            return tomllib.loads(f"v = {text}")["v"]
        except tomllib.TOMLDecodeError:
            return [text]
    return [word.strip() for word in text.split(",") if word.strip()]


def problem_of_value(section: str, key: str, value: Any, report: Report) -> list[Problem]:
    """What is wrong with the value of one known setting: [] or one problem."""
    rule = _RULES[section, key]
    if rule.holds(value):
        return []
    guess = near(str(value), rule.known()) if rule.known else ""
    return [report(f"{section}.{key} is {value!r}, expected {rule.expected}{';' + guess if guess else '.'}")]


def sqlite_path(url: str) -> Path | None:
    """The file of a `sqlite:///…` URL, as written; None for another engine."""
    return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:") else None


def database_url_problem(url: str) -> str | None:
    """What is wrong with a URL that `[database] url` might have."""
    rule = _RULES["database", "url"]
    return None if rule.holds(url) else f"expected {rule.expected}."


def _is_url(value: object) -> bool:
    if not isinstance(value, str):
        return False
    file = value.removeprefix("sqlite:///")
    return (file != value and file not in ("", ":memory:")) or bool(re.match(r"postgres(ql)?://[^/]", value))


def _is_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) and v for v in value)


def _is_networks(value: object) -> bool:
    try:
        return _is_names(value) and all(ip_network(network) for network in cast("list[str]", value))
    except ValueError:
        return False


def _is_locale(value: object) -> bool:
    return isinstance(value, str) and _LOCALE.fullmatch(value) is not None


def _one_of(expected: str, known: Callable[[], Collection[str]]) -> Rule:
    return Rule(expected, lambda value: isinstance(value, str) and value in known(), known)


def _is_timezone(value: object) -> bool:
    return isinstance(value, str) and is_timezone(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _whole(most: int) -> Rule:
    """A whole number from 1 on."""
    return Rule(
        f"a whole number from 1 to {most}",
        lambda value: isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most,
    )


_NUMBERS = frozenset({("imports", "max_megabytes"), ("sessions", "idle_minutes"), ("sessions", "lifetime_days")})


def _is_milliseconds(value: object) -> bool:
    text = str(value)  # of an integer, or from the environment
    return not isinstance(value, bool) and text.isdecimal() and text.isascii() and 1 <= int(text[:6]) <= 60_000


_LISTS = frozenset({("plugins", "enabled"), ("plugins", "disabled"), ("server", "trusted_proxies")})

_RULES: Mapping[tuple[str, str], Rule] = MappingProxyType(
    {
        ("app", "name"): Rule("a text", _is_text),
        ("app", "locale"): Rule("a language like 'lv' or 'pt-BR'", _is_locale),
        ("app", "timezone"): Rule("an IANA time zone like 'Europe/Riga'", _is_timezone, available_timezones),
        ("app", "currency"): _one_of("an ISO 4217 currency like 'EUR'", lambda: CURRENCIES),
        ("app", "region"): _one_of("an ISO 3166 region like 'LV'", lambda: phonenumbers.SUPPORTED_REGIONS),
        ("database", "url"): Rule("'sqlite:///FILE' (relative to crm.toml) or 'postgresql://…'", _is_url),
        ("plugins", "enabled"): Rule("a list of plugin names", _is_names),
        ("plugins", "disabled"): Rule("a list of plugin names", _is_names),
        ("plugins", "path"): Rule("a folder", _is_text),
        ("plugins", "deadline_ms"): Rule("milliseconds from 1 to 60000", _is_milliseconds),
        ("plugins", "route_deadline_ms"): Rule("milliseconds from 1 to 60000", _is_milliseconds),
        ("plugins", "call_deadline_ms"): Rule("milliseconds from 1 to 60000", _is_milliseconds),
        ("documents", "path"): Rule("a folder", _is_text),
        ("imports", "max_megabytes"): _whole(10_000),
        ("server", "trusted_proxies"): Rule("a list of addresses and networks like '10.0.0.0/8'", _is_networks),
        ("sessions", "idle_minutes"): _whole(527_040),
        ("sessions", "lifetime_days"): _whole(366),
    }
)
