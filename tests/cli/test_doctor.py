"""`crm doctor`."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Crm, looker


def checks(crm: Crm, folder: Path) -> dict[str, bool]:
    """Check -> whether it is well."""
    ran = crm("doctor", "--json", app=folder)
    found = {check["name"]: check["ok"] for check in ran.json["checks"]}
    assert ran.status == (0 if all(found.values()) else 1)
    assert ran.json["ok"] == all(found.values())
    return found


def wrong(crm: Crm, folder: Path) -> list[str]:
    return [name for name, ok in checks(crm, folder).items() if not ok]


@pytest.mark.contract("cli.md#doctor")
def test_a_sound_app(crm: Crm, folder: Path) -> None:
    assert list(checks(crm, folder)) == [
        "database",
        "settings",
        "disk",
        "integrity",
        "plugins",
        "tables",
        "history",
        "deliveries",
        "listeners",
        "lists",
    ]
    told = crm("doctor", app=folder)
    assert (told.status, "WRONG" in told.out) == (0, False)


@pytest.mark.contract("cli.md#doctor")
def test_what_is_wrong_is_named(crm: Crm, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = folder / "leads.csv"
    file.write_text("name\nAnna\n", "utf-8")
    assert crm("import", "lead", file, app=folder).status == 0
    assert crm("history", "verify", app=folder).status == 0
    assert wrong(crm, folder) == []
    look = looker(folder)
    look("DROP INDEX e_lead__code_u")
    told = crm("doctor", app=folder)
    assert (told.status, "the index e_lead__code_u is missing" in told.out) == (1, True)
    look("UPDATE crm_history SET actor = 'x' WHERE entity = 'lead'")
    look.close()
    assert wrong(crm, folder) == ["tables", "history"]
    (folder / "plugins" / "broken").mkdir()
    (folder / "plugins" / "broken" / "__init__.py").write_text("import nothing_of_this_name\n", "utf-8")
    full: Any = namedtuple("usage", "free")(1 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    assert wrong(crm, folder) == ["disk", "plugins", "tables", "history"]


def test_a_database_that_cannot_be_used(crm: Crm, folder: Path) -> None:
    file = folder / "crm.toml"
    file.write_text(file.read_text("utf-8").replace('url = "', 'url = "sqlite:///none.db" # "'), "utf-8")
    assert checks(crm, folder) == {"database": False}
    (folder / "none.db").write_bytes(b"no database at all" * 100)
    assert checks(crm, folder) == {"database": False}


@pytest.mark.parametrize("place", [0.3, 0.5])
def test_a_damaged_file(crm: Crm, tmp_path: Path, place: float) -> None:
    folder = tmp_path / "app"
    assert crm("new", folder).status == 0
    assert crm("apply", app=folder).status == 0
    database = folder / "data" / "crm.db"
    raw = bytearray(database.read_bytes())
    start = int(len(raw) * place)
    raw[start : start + len(raw) // 3] = bytes(len(raw) // 3)
    database.write_bytes(raw)
    ran = crm("doctor", "--json", app=folder)
    assert (ran.status, ran.json["ok"]) == (1, False)
