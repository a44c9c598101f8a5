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
