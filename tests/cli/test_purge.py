"""`crm purge`: told first, and done only where somebody says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Crm
from tests.cli.test_apply import FIELDS, contacts, write


@pytest.mark.contract("cli.md#purge")
def test_purge_tells_asks_and_removes(crm: Crm, folder: Path) -> None:
    assert crm("purge", app=folder).out == "Nothing to purge.\n"
    file = write(folder, "size", FIELDS)
    assert crm("apply", app=folder).status == 0
    contacts(crm, folder, "name,size\nAnna,5\nBerta,\n")
    file.unlink()
    assert crm("apply", "--yes", app=folder).status == 0
    dry = crm("purge", "--dry-run", app=folder)
    assert dry.out == "- size of contact (removed): 1 records have it\nNothing was purged (--dry-run).\n"
    refused = crm("purge", app=folder)
    assert (refused.status, "--yes" in refused.err) == (1, True)
    assert crm("purge", app=folder, terminal=True, stdin="n\n").status == 1
    item = {"entity": "contact", "field": "size", "columns": ["size"], "records": 1, "why": "removed"}
    answer = {"items": [{**item, "plugin": None}], "kept": []}
    assert crm("purge", "--dry-run", "--json", app=folder).json == {"purged": False, **answer}
    assert crm("purge", "--yes", "--json", app=folder).json == {"purged": True, **answer}
    assert crm("purge", "--yes", app=folder).out == "Nothing to purge.\n"
