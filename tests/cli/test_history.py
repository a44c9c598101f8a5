"""`crm history verify`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Crm, looker


@pytest.mark.contract("cli.md#history-verify")
def test_verify_names_the_first_bad_record(crm: Crm, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "leads.csv"
    file.write_text("name\nAnna\nBela\n", "utf-8")
    assert crm("import", "lead", file, app=folder).status == 0
    whole = crm("history", "verify", app=folder)
    assert (whole.status, whole.err) == (0, "")
    head = whole.out.split()[-1]
    told = crm("history", "verify", "--json", "--head", head, app=folder)
    assert (told.status, told.json["ok"], told.json["bad"], told.json["head"]) == (0, True, None, head)
    database = looker(folder)
    ((lead,),) = database("SELECT id FROM e_lead WHERE name = 'Bela'")
    database(f"UPDATE crm_history SET actor = 'x' WHERE record = '{lead}'")
    database.close()
    bad = crm("history", "verify", app=folder)
    assert (bad.status, f"lead {lead}, version 1" in bad.err) == (1, True)
    assert crm("history", "verify", "--json", app=folder).json["bad"]["record"] == lead


def test_values_are_erased_when_somebody_says_so(crm: Crm, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "leads.csv"
    file.write_text("name\nAnna\n", "utf-8")
    assert crm("import", "lead", file, app=folder).status == 0
    database = looker(folder)
    ((lead,),) = database("SELECT id FROM e_lead")
    database.close()
    asked = crm("history", "erase", "lead", lead, app=folder)
    assert (asked.status, "--yes" in asked.err) == (1, True)
    assert crm("history", "erase", "lead", lead, app=folder, terminal=True, stdin="n\n").status == 1
    assert crm("history", "erase", "lead", lead, "--field", "nmae", "--yes", app=folder).status == 1
    done = crm("history", "erase", "lead", lead, "--field", "name", "--yes", "--json", app=folder)
    assert (done.status, done.json) == (0, {"erased": 1})
    assert crm("history", "erase", "lead", lead, "--yes", app=folder).status == 1
    verified = crm("history", "verify", app=folder)
    assert (verified.status, "the values of 1 erased" in verified.out) == (0, True)
