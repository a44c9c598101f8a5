"""crm.toml and the environment."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from crm_kernel.errors import ConfigError
from crm_kernel.settings import Settings, load_settings

WHOLE = """
[app]
name = "Riga Homes"
locale = "lv"
timezone = "Europe/Riga"
currency = "EUR"
region = "LV"
[database]
url = "sqlite:///data/crm.db"
[plugins]
enabled = ["real_estate"]
disabled = ["old"]
path = "plugins"
[plugins.real_estate]
viewing_notice_hours = 24
[documents]
path = "documents"
"""


def load(folder: Path, text: str = "", **environ: str) -> Settings:
    (folder / "crm.toml").write_text(text, encoding="utf-8")
    return load_settings(folder, environ)


def problems(folder: Path, text: str = "", **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        load(folder, text, **environ)
    assert not refused.value.usage
    return refused.value.problems


@pytest.mark.contract("documents.md#toml-app")
def test_a_whole_file(tmp_path: Path) -> None:
    settings = load(tmp_path, WHOLE)
    app = settings.app
    assert (app.name, app.locale, app.timezone, app.currency, app.region) == (
        "Riga Homes",
        "lv",
        "Europe/Riga",
        "EUR",
        "LV",
    )
    assert settings.plugins.enabled == ("real_estate",)
    assert settings.plugins.disabled == ("old",)
    assert settings.plugins.path == tmp_path / "plugins"
    assert settings.plugins.tables == {"real_estate": {"viewing_notice_hours": 24}}
    assert settings.documents == tmp_path / "documents"
    assert settings.secret is None


@pytest.mark.contract("documents.md#toml-database")
@pytest.mark.parametrize(
    ("url", "expected"),
    [("sqlite:///data/crm.db", "{app}/data/crm.db"), ("sqlite:////srv/crm.db", "/srv/crm.db")],
)
def test_a_relative_database_lies_beside_the_file(tmp_path: Path, url: str, expected: str) -> None:
    database = load(tmp_path, f'[database]\nurl = "{url}"').database
    assert str(database.path) == expected.format(app=tmp_path)
    assert database.engine == "sqlite"


def test_postgresql_has_no_file(tmp_path: Path) -> None:
    database = load(tmp_path, '[database]\nurl = "postgresql://crm@localhost/crm"').database
    assert (database.engine, database.path) == ("postgresql", None)


def test_an_empty_file_has_all_defaults(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert (settings.app.currency, settings.app.timezone) == ("EUR", "UTC")
    assert settings.database.path == tmp_path / "data" / "crm.db"
    assert settings.plugins.path is None


@pytest.mark.contract("documents.md#toml-environment")
def test_the_environment_overrides_every_setting(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        WHOLE,
        CRM_APP__NAME="Other",
        CRM_APP__CURRENCY="PLN",
        CRM_DATABASE__URL="sqlite:///other.db",
        CRM_PLUGINS__ENABLED="a, b",
        CRM_PLUGINS__DISABLED='["c"]',
        CRM_PLUGINS__PATH="more",
        CRM_DOCUMENTS__PATH="docs",
        CRM_IMPORTS__MAX_MEGABYTES="7",
        CRM_SESSIONS__IDLE_MINUTES="30",
        CRM_PLUGINS__REAL_ESTATE__VIEWING_NOTICE_HOURS="48",
        CRM_SECRET="0123456789abcdef",
        CRM_APP="/srv/app",
        PATH="/bin",
    )
    assert (settings.app.name, settings.app.currency, settings.app.locale) == ("Other", "PLN", "lv")
    assert settings.database.path == tmp_path / "other.db"
    assert (settings.plugins.enabled, settings.plugins.disabled) == (("a", "b"), ("c",))
    assert (settings.plugins.path, settings.documents) == (tmp_path / "more", tmp_path / "docs")
    assert settings.imports.max_megabytes == 7
    assert (settings.sessions.idle, settings.sessions.lifetime) == (timedelta(minutes=30), timedelta(days=7))
    assert settings.plugins.overrides == {"real_estate": {"viewing_notice_hours": "48"}}
    assert settings.secret == "0123456789abcdef"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[app]\nnmae = "x"', "crm.toml, line 2, column 1: unknown key 'nmae' in [app]; did you mean 'name'?"),
        ("[databse]", "crm.toml, line 1, column 2: unknown table [databse]; did you mean 'database'?"),
        ("[zzz]", "unknown table [zzz]; known are app, database, plugins, documents, imports, server, sessions."),
        ("[imports]\nmax_megabytes = 0", "imports.max_megabytes is 0, expected a whole number from 1 to 10000."),
        ("[imports]\nmax_megabytes = true", "imports.max_megabytes is True, expected a whole number from 1 to 10000."),
        ("[sessions]\nlifetime_days = 0", "sessions.lifetime_days is 0, expected a whole number from 1 to 366."),
        ("app = 3", "crm.toml, line 1, column 7: 'app' is 3, expected a table [app]."),
        ("[app]\nname = 3", "crm.toml, line 2, column 8: app.name is 3, expected a text."),
        (
            '[app]\nlocale = "latvian"',
            "crm.toml, line 2, column 10: app.locale is 'latvian', expected a language like 'lv' or 'pt-BR'.",
        ),
        (
            '\n[app]\ntimezone = "Europe/Rga"',
            "crm.toml, line 3, column 12: app.timezone is 'Europe/Rga', expected an IANA time zone like "
            "'Europe/Riga'; did you mean 'Europe/Riga' or 'Europe/Rome'?",
        ),
        (
            '[app]\ncurrency = "eur"',
            "crm.toml, line 2, column 12: app.currency is 'eur', expected an ISO 4217 currency like 'EUR'.",
        ),
        ('[app]\nregion = "XX"', "crm.toml, line 2, column 10: app.region is 'XX', expected an ISO 3166 region like"),
        ('[plugins]\nenabled = "x"', "plugins.enabled is 'x', expected a list of plugin names."),
        ("[plugins]\ndeadline_ms = 0", "plugins.deadline_ms is 0, expected milliseconds from 1 to 60000."),
        ("[plugins]\ndeadline_ms = true", "plugins.deadline_ms is True, expected milliseconds from 1 to 60000."),
        (
            "[plugins]\nreal = 1",
            "unknown key 'real' in [plugins]; known are enabled, disabled, path, deadline_ms, route_deadline_ms, call",
        ),
        ("[plugins]\ncall_deadline_ms = 0", "call_deadline_ms is 0, expected milliseconds from 1 to 60000."),
        ('[server]\ntrusted_proxies = ["10.0.0.1/8"]', "server.trusted_proxies is ['10.0.0.1/8'], expected a list of"),
        ('[server]\ntrusted_proxies = "x"', "server.trusted_proxies is 'x', expected a list of addresses and networks"),
        ('[documents]\npath = ""', "documents.path is '', expected a folder."),
        ("[app]\nname = 'a'\nname = 'b'", "crm.toml, line 3, column 11: not TOML: Cannot overwrite a value."),
        ("[app]\nname =", "crm.toml, line 2, column 7: not TOML: Invalid value."),
        ("x = = 1", "crm.toml, line 1, column 5: not TOML: Invalid value."),
    ],
)
def test_a_fault_is_a_sentence_with_its_place(tmp_path: Path, text: str, sentence: str) -> None:
    [problem] = problems(tmp_path, text)
    assert sentence in problem


@pytest.mark.parametrize("url", ["crm.db", "sqlite://", "sqlite:///", "sqlite:///:memory:", "mysql://x", "postgres://"])
def test_a_database_that_is_no_url_is_refused(tmp_path: Path, url: str) -> None:
    [problem] = problems(tmp_path, f'[database]\nurl = "{url}"')
    assert "expected 'sqlite:///FILE' (relative to crm.toml) or 'postgresql://…'" in problem


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    found = problems(tmp_path, '[app]\nname = 1\ncurrency = "X"\n[zzz]', CRM_APP__REGION="ZZ", CRM_SECRET="short")
    assert len(found) == 5


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("CRM_DATABASE__URI", "x", "there is no such setting; did you mean 'CRM_DATABASE__URL'?"),
        ("CRM_X__Y__Z__A", "x", "there is no such setting;"),
        ("CRM_APP__CURRENCY", "eur", "CRM_APP__CURRENCY: app.currency is 'eur', expected an ISO 4217 currency"),
        ("CRM_PLUGINS__ENABLED", "[1]", "plugins.enabled is [1], expected a list of plugin names."),
        ("CRM_SECRET", "short", "CRM_SECRET: shorter than 16 characters."),
    ],
)
def test_a_fault_of_the_environment_names_the_variable(
    tmp_path: Path, variable: str, value: str, sentence: str
) -> None:
    [problem] = problems(tmp_path, **{variable: value})
    assert sentence in problem


def test_a_broken_list_in_the_environment_is_one_name(tmp_path: Path) -> None:
    assert load(tmp_path, CRM_PLUGINS__ENABLED="[a").plugins.enabled == ("[a",)


@pytest.mark.contract("cli.md#exit-2")
def test_a_missing_file_is_a_mistake_of_use(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"crm\.toml cannot be read: No such file") as refused:
        load_settings(tmp_path, {})
    assert refused.value.usage


def test_a_file_that_is_not_utf_8_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "crm.toml").write_bytes(b'[app]\nname = "\xff"')
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_settings(tmp_path, {})


def test_a_later_fault_finds_its_place(tmp_path: Path) -> None:
    settings = load(tmp_path, WHOLE)
    problem = settings.problem(("plugins", "real_estate", "viewing_notice_hours"), "too many")
    assert problem.sentence() == "crm.toml, line 15, column 24: too many"
