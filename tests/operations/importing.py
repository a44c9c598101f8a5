"""Words of the tests of imports: texts imported as files, counts, refused rows."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from crm_kernel.callers import Caller
from crm_kernel.mappings import ImportMapping
from crm_kernel.operations.import_changes import Pace
from crm_kernel.operations.imports import Imports
from crm_kernel.testing import TestCrm

PEOPLE = {
    "kind": "role",
    "name": "importer",
    "grants": [
        {"entity": "job", "actions": ["read", "create", "import"], "where": "owner = @me"},
        {"entity": "contact", "actions": ["read"], "where": "language = 'lv'"},
    ],
}
BY_NUMBER = ImportMapping(key=["number"])


class Importing:
    """Imports texts as files."""

    def __init__(self, crm: TestCrm, folder: Path) -> None:
        self.crm = crm
        self.file = folder / "in.csv"
        self.errors = folder / "errors.csv"
        self.imports = Imports(crm.kernel)
        self.caller = crm.kernel.system("import")

    async def run(
        self, text: str, mapping: ImportMapping | None = BY_NUMBER, *, entity: str = "job", **options: Any
    ) -> dict[str, Any]:
        self.file.write_text(text, "utf-8")
        caller: Caller = options.pop("caller", self.caller)
        return await self.imports.run(entity, self.file, mapping, caller=caller, errors_path=self.errors, **options)

    async def counts(self, text: str, mapping: ImportMapping | None = BY_NUMBER, **options: Any) -> dict[str, int]:
        """The counts that are not 0; with all of them adding up to the rows."""
        job = await self.run(text, mapping, **options)
        assert sum(job["counts"].values()) == job["rows"]
        return {name: count for name, count in job["counts"].items() if count}

    def refused(self) -> list[dict[str, str]]:
        with self.errors.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    async def jobs(self) -> list[dict[str, Any]]:
        """All jobs by number, as (number, level)."""
        return [dict(r) for r in await self.crm.find("job", sort="number,created_at", limit=500)]

    async def pairs(self) -> list[tuple[Any, Any]]:
        return [(job["number"], job["amount"]) for job in await self.jobs()]


def batches_of(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every batch have so many rows."""
    for name in ("ALONE", "QUIETLY", "SHARED"):
        monkeypatch.setattr(f"crm_kernel.operations.import_changes.{name}", Pace(rows, rows, 1.0))
