"""`crm import`: what it says, and its exit statuses. What becomes of rows is tests/operations/test_imports.py."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest

from crm_kernel.cli import import_file
from tests.cli.conftest import Crm


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "in.csv"


@pytest.mark.contract("cli.md#exit-0", "cli.md#import")
def test_good_rows_are_exit_0(crm: Crm, folder: Path, file: Path, tmp_path: Path) -> None:
    file.write_text("Nosaukums;Kods\nAnna;A1\nBen;A2\n", "utf-8")
    mapping = tmp_path / "map.toml"
    mapping.write_text('key = ["code"]\ndelimiter = ";"\n[columns]\nNosaukums = "name"\nKods = "code"\n', "utf-8")
    ran = crm("import", "lead", file, "--map", mapping, app=folder)
    assert ran == (0, "2 rows of lead: 2 created.\n", "")
    as_json = tmp_path / "map.json"
    columns = {"Nosaukums": "name", "Kods": "code"}
    as_json.write_text(json.dumps({"key": ["code"], "delimiter": ";", "columns": columns}), "utf-8")
    again = crm("import", "lead", file, "--map", as_json, "--on-duplicate", "update", "--json", app=folder)
    assert again.status == 0
    assert again.json["counts"] == {"created": 0, "updated": 0, "unchanged": 2, "skipped": 0, "refused": 0}
    assert (again.json["kind"], again.json["state"], again.json["rows"]) == ("import", "done", 2)


@pytest.mark.contract("cli.md#import-refused", "cli.md#import-errors")
def test_refused_rows_are_exit_1_and_the_good_ones_stay(crm: Crm, folder: Path, file: Path, tmp_path: Path) -> None:
    file.write_text("name,score\nA,1\nB,-1\n,x\n" + "C,-1\n" * 30, "utf-8")
    ran = crm("import", "lead", file, app=folder)
    assert (ran.status, ran.out) == (1, "33 rows of lead: 1 created, 32 refused.\n")
    lines = ran.err.splitlines()
    assert lines[0] == "crm: row 2, /score: Score must be at least 0, got -1."
    assert lines[1] == "crm: row 3, /name: Name is required."
    assert lines[-1] == "crm: There are more; --errors FILE writes all refused rows."
    assert len(lines) == 21
    errors = tmp_path / "errors.csv"
    named = crm("import", "lead", file, "--errors", errors, app=folder)
    assert named.err.splitlines()[-1] == f"crm: All 32 refused rows are in {errors}."
    with errors.open(encoding="utf-8", newline="") as lines_of_file:
        rows = list(csv.DictReader(lines_of_file))
    assert rows[0].keys() == {"name", "score", "_row", "_pointer", "_code", "_detail"}
    assert (rows[1]["_row"], rows[1]["_pointer"], rows[1]["_code"]) == ("3", "/name; /score", "required; type")


@pytest.mark.contract("cli.md#import-duplicates", "cli.md#import-dry-run")
def test_options_for_duplicates_and_dry_runs(crm: Crm, folder: Path, file: Path, tmp_path: Path) -> None:
    mapping = tmp_path / "map.toml"
    mapping.write_text('key = ["code"]\n', "utf-8")
    file.write_text("name,code\nA,1\nB,1\n", "utf-8")
    line = ["import", "lead", file, "--map", mapping]
    dry = crm(*line, "--on-duplicate", "skip", "--dry-run", app=folder)
    assert dry.out == "2 rows of lead: 1 created, 1 skipped (dry run: nothing was written).\n"
    assert crm("query", "lead", "--json", app=folder).out == ""
    assert crm(*line, "--on-duplicate", "skip", app=folder).status == 0
    assert crm(*line, app=folder).status == 1
    assert crm(*line, "--on-duplicate", "nix", app=folder).status == 2
    mapping.write_text("", "utf-8")
    keyless = crm(*line, "--on-duplicate", "update", app=folder)
    assert "The mapping has no key, so no row is a duplicate of another." in keyless.err


@pytest.mark.contract("cli.md#exit-2")
def test_files_that_cannot_be_read_are_exit_2(crm: Crm, folder: Path, file: Path, tmp_path: Path) -> None:
    missing = crm("import", "lead", tmp_path / "nix.csv", app=folder)
    assert missing.status == 2
    assert "nix.csv cannot be read: No such file or directory." in missing.err
    file.write_bytes(b"name\nAnna\nJ\xe2nis\n")
    wrong = crm("import", "lead", file, app=folder)
    assert wrong.status == 2
    assert wrong.err.startswith("crm: in.csv, row 2, byte 12: 0xE2 is not utf-8, the encoding expected. Hint: Name the")
    no_map = crm("import", "lead", file, "--map", tmp_path / "nix.toml", app=folder)
    assert (no_map.status, "nix.toml cannot be read" in no_map.err) == (2, True)


def test_mappings_and_headers_that_do_not_fit_are_exit_1(crm: Crm, folder: Path, file: Path, tmp_path: Path) -> None:
    mapping = tmp_path / "map.toml"
    file.write_text("name,code\nA,1\n", "utf-8")
    for text, sentence in (
        ("key = [", "map.toml, line 1"),
        ('delimitre = ";"', "map.toml, line 1, column 1"),
        ('[columns]\nnme = "name"', "The file has no column 'nme'; did you mean 'name'?"),
        ('[columns]\nname = "nme"', "lead has no field 'nme'; did you mean 'name'?"),
    ):
        mapping.write_text(text, "utf-8")
        ran = crm("import", "lead", file, "--map", mapping, app=folder)
        assert (ran.status, ran.out) == (1, "")
        assert sentence in ran.err, text
    file.write_text("nme,code\nA,1\n", "utf-8")
    assert "lead has no field 'nme'; did you mean 'name'?" in crm("import", "lead", file, app=folder).err
    assert crm("query", "lead", "--json", app=folder).out == ""


@pytest.mark.contract("cli.md#progress-stderr")
def test_progress_is_shown_on_a_terminal_and_only_on_stderr(
    crm: Crm, folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("name\nA\nB\n", "utf-8")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    ran = crm("import", "lead", file, app=folder)
    assert ran.out == "2 rows of lead: 2 created.\n"
    assert "2/2" in ran.err


def test_a_person_needs_the_right_to_import(crm: Crm, folder: Path, file: Path) -> None:
    file.write_text("name\nA\n", "utf-8")
    role = {"kind": "role", "name": "writer", "grants": [{"entity": "lead", "actions": ["read", "create"]}]}
    (folder / "documents" / "roles" / "writer.json").write_text(json.dumps(role), "utf-8")
    crm("apply", app=folder)
    crm("user", "add", "ilze", "--role", "writer", app=folder)
    ran = crm("import", "lead", file, "--as", "ilze", app=folder)
    assert (ran.status, "You may not import lead records." in ran.err) == (1, True)
    assert import_file.PAUSE > 0
