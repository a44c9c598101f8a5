"""`crm backup`, `crm restore` and `crm copy`."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.cli.conftest import Crm, looker


@pytest.fixture
def leads(crm: Crm, folder: Path, tmp_path: Path) -> Path:
    """The app with two leads."""
    file = tmp_path / "leads.csv"
    file.write_text("name,code\nAnna,A\nBela,B\n", "utf-8")
    assert crm("import", "lead", file, app=folder).status == 0
    return folder


def elsewhere(folder: Path, target: Path, url: str) -> Path:
    """The app folder again, without its data, on another database."""
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns("data"))
    file = target / "crm.toml"
    file.write_text(re.sub('url = ".*"', f'url = "{url}"', file.read_text("utf-8")), "utf-8")
    return target


def names(crm: Crm, folder: Path) -> list[str]:
    return [line["name"] for line in crm("query", "lead", "--json", "--sort", "name", app=folder).lines]


@pytest.mark.contract("cli.md#backup", "cli.md#restore")
def test_a_backup_and_its_way_back(crm: Crm, leads: Path, tmp_path: Path, new_database: Callable[[Path], str]) -> None:
    file = tmp_path / "b.zip"
    told = crm("backup", file, app=leads)
    assert (told.status, f"are in {file}" in told.out, "secret key" in told.err) == (0, True, True)
    sums = crm("backup", file, "--json", app=leads).json["tables"]
    assert sums["e_lead"]["rows"] == 2
    again = elsewhere(leads, tmp_path / "again", new_database(tmp_path))
    back = crm("restore", file, app=again)
    assert (back.status, "are back" in back.out, "secret key" in back.err) == (0, True, True)
    assert names(crm, again) == ["Anna", "Bela"]
    assert crm("check", app=again).status == 0
    assert crm("backup", tmp_path / "c.zip", "--json", app=again).json["tables"] == sums
    refused = crm("restore", file, app=again)
    assert (refused.status, "not empty" in refused.err, "--replace" in refused.err) == (1, True, True)
    assert crm("restore", file, "--replace", "--json", app=again).json["tables"] == sums
    other = elsewhere(leads, tmp_path / "other", "sqlite:///data/other.db")
    assert crm("restore", file, app=other).status == 0
    assert names(crm, other) == ["Anna", "Bela"]


@pytest.mark.contract("cli.md#copy")
def test_a_copy_to_another_database_and_back(
    crm: Crm, leads: Path, tmp_path: Path, new_database: Callable[[Path], str]
) -> None:
    url = "sqlite:///elsewhere.db"
    told = crm("copy", url, app=leads)
    assert told.status == 0
    line = next(line for line in told.out.splitlines() if line.startswith("e_lead"))
    assert re.fullmatch(r"e_lead +2 +[0-9a-f]{64}", line.strip())
    assert (crm("copy", url, app=leads).status, (leads / "elsewhere.db").exists()) == (1, True)
    moved = elsewhere(leads, tmp_path / "moved", f"sqlite:///{leads}/elsewhere.db")
    assert names(crm, moved) == ["Anna", "Bela"]
    back = crm("copy", new_database(tmp_path), "--json", app=moved)
    assert back.json["tables"]["e_lead"] == {"rows": 2, "sha256": line.split()[-1]}
    for wrong in ("mysql://x", "sqlite:///", "elsewhere.db"):
        assert crm("copy", wrong, app=leads).status == 2


def test_what_cannot_be_backed_up_or_restored(
    crm: Crm, leads: Path, tmp_path: Path, new_database: Callable[[Path], str]
) -> None:
    file = tmp_path / "b.zip"
    assert crm("backup", file, app=leads).status == 0
    assert crm("backup", tmp_path / "none" / "b.zip", app=leads).status == 2
    assert crm("backup", leads / "crm.toml", app=leads).status == 2
    assert "[database]" in (leads / "crm.toml").read_text("utf-8")
    again = elsewhere(leads, tmp_path / "again", "sqlite:///data/crm.db")
    assert crm("backup", tmp_path / "c.zip", app=again).status == 1
    empty = elsewhere(leads, tmp_path / "empty", new_database(tmp_path))
    assert "no database yet" in crm("backup", tmp_path / "c.zip", app=empty).err
    assert crm("restore", tmp_path / "none.zip", app=again).status == 2
    assert crm("restore", leads / "crm.toml", app=again).status == 2
    with ZipFile(file) as parts:
        member = parts.getinfo("tables/e_lead.jsonl")
    raw = bytearray(file.read_bytes())
    raw[member.header_offset + 80] ^= 1  # behind the names, among the rows
    file.write_bytes(raw)
    damaged = crm("restore", file, app=again)
    assert (damaged.status, "damaged" in damaged.err) == (1, True)
    assert not (again / "data").exists()
    assert crm("restore", file, "--replace", app=leads).status == 1
    assert names(crm, leads) == ["Anna", "Bela"]


def test_a_damaged_sqlite_file_is_replaced(crm: Crm, leads: Path, tmp_path: Path) -> None:
    file, there = tmp_path / "b.zip", elsewhere(leads, tmp_path / "there", "sqlite:///data/crm.db")
    assert crm("backup", file, app=leads).status == 0
    assert crm("restore", file, app=there).status == 0
    database = there / "data" / "crm.db"
    whole = database.read_bytes()
    for damage in (b"no database" * 500, whole[:100] + b"\xff" * (len(whole) - 100)):
        database.write_bytes(damage)
        assert crm("restore", file, app=there).status == 1
        assert database.read_bytes() == damage
        assert crm("backup", tmp_path / "c.zip", app=there).status == 1
        assert crm("restore", file, "--replace", app=there).status == 0
        assert names(crm, there) == ["Anna", "Bela"]
        assert [path.name for path in database.parent.iterdir() if ".part" in path.name] == []


def test_what_the_kernel_did_not_make(crm: Crm, leads: Path, tmp_path: Path) -> None:
    look = looker(leads)
    look("CREATE INDEX mine ON e_lead (score)")
    told = crm("backup", tmp_path / "b.zip", app=leads)
    assert (told.status, "The index mine of e_lead is left out" in told.err) == (0, True)
    look("ALTER TABLE e_lead ADD COLUMN own NUMERIC(5)")
    look.close()
    told = crm("backup", tmp_path / "b.zip", app=leads)
    assert (told.status, "e_lead.own holds" in told.err) == (1, True)
