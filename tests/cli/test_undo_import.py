"""`crm undo-import`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Crm, looker


@pytest.mark.contract("cli.md#undo-import")
def test_an_import_is_taken_back_as_far_as_nothing_was_changed(crm: Crm, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "leads.csv"
    file.write_text("name\nAnna\nBela\n", "utf-8")
    first = crm("import", "lead", file, "--json", app=folder).json
    assert first["undo"] == "possible"
    told = crm("undo-import", first["id"], app=folder)
    assert (told.status, told.err) == (0, "")
    assert told.out == "2 records of lead are as before; the import is undone.\n"
    again = crm("undo-import", first["id"], app=folder)
    assert (again.status, "The job is undone" in again.err) == (1, True)
    second = crm("import", "lead", file, "--json", app=folder).json
    database = looker(folder)
    (last,) = database("SELECT id FROM e_lead WHERE name = 'Bela' AND deleted_at IS NULL")[0]
    database(f"UPDATE e_lead SET version = 2 WHERE id = '{last}'")
    database.close()
    partly = crm("undo-import", second["id"], "--json", app=folder)
    assert (partly.status, partly.json["state"]) == (1, "undone")
    assert partly.json["undone"] == {"records": 1, "refused": 1}
    assert partly.json["errors"][0]["record"] == last
    assert f"lead {last}, as a whole: The record was changed since" in partly.err


def test_no_such_job(crm: Crm, folder: Path) -> None:
    told = crm("undo-import", "nothing", app=folder)
    assert (told.status, "There is no job nothing for you." in told.err) == (1, True)
