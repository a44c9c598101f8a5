"""`kill -9` at any statement of an apply: documents, columns and records are as before or as after, never between."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from crm_kernel import Change
from crm_kernel.kernel import Kernel
from crm_kernel.storage.documents import everything
from crm_kernel.storage.evolution import ddl_plan, evolve
from crm_kernel.testing import TestCrm
from crm_kernel.testing.kit import NewDatabase, write_app
from tests.faults.conftest import form, told

RUNS = form(4, 50)
RECORDS = 30


def fields(name: str, properties: dict[str, Any], **schema: Any) -> dict[str, Any]:
    return {"kind": "fields", "name": name, "entity": "contact", "schema": {"properties": properties, **schema}}


def pipeline(*stages: str, **more: Any) -> dict[str, Any]:
    listed = [{"name": stage, "type": "open"} for stage in stages]
    return {"kind": "pipeline", "name": "care", "entity": "contact", "label": "Care", "stages": listed, **more}


BEFORE = [
    fields("size", {"size": {"type": "string", "x-crm": {"index": True}}, "colour": {"type": "string"}}),
    fields("gone", {"gone": {"type": "integer", "x-crm": {"index": True}}}),
    pipeline("new", "old"),
]
AFTER = {
    "documents": [
        fields(
            "size",
            {
                "size": {"type": "integer", "x-crm": {"index": True, "convert": {}}},
                "tint": {"type": "string", "x-crm": {"was": "colour", "index": True}},
                "grade": {"enum": ["a", "b"], "default": "a", "x-crm": {"index": True}},
            },
            required=["grade"],
        ),
        fields("more", {f"more{n}": {"type": "integer"} for n in range(9)}),  # PostgreSQL adds them in one statement
        pipeline("fresh", "old", remap={"new": "fresh"}),
        {"kind": "entity", "name": "pet", "schema": {"properties": {"of": {"x-crm": {"reference": "contact"}}}}},
        {"kind": "role", "name": "vet", "grants": [{"entity": "pet", "actions": ["read"]}]},
    ],
    "remove": [{"kind": "fields", "name": "gone"}],
    "on_invalid": "backfill",
}


async def make(folder: Path, url: str) -> None:
    """The app before the apply."""
    kernel = await Kernel.open(write_app(folder, [], url))
    await evolve(kernel.database, kernel.registry.entities)
    await kernel.documents.put_all(BEFORE, kernel.system("apply"))
    rows = [{"name": f"c{n}", "size": str(n), "colour": f"k{n}", "gone": n} for n in range(RECORDS)]
    await TestCrm(kernel).write([Change.create("contact", row) for row in rows])
    await kernel.close()


async def state(folder: Path) -> tuple[Any, bool]:
    """All that the app says of itself, and whether anything is missing that is built afterwards."""
    kernel = await Kernel.open(write_app(folder, [], url_of(folder)), strict=True)
    try:
        crm = TestCrm(kernel)
        documents = {(d.kind, d.name): d.body for d in await everything(kernel.database)}
        versions = await kernel.database.read("SELECT count(*) FROM crm_document_version")
        records = [{k: v for k, v in r.items() if not k.endswith(("_at", "_since"))} for r in await crm.find("contact")]
        told = [await kernel.database.read(f"SELECT count(*) FROM {table}") for table in ("crm_history", "crm_outbox")]
        missing = await ddl_plan(kernel.registry.entities, kernel.database)
        assert not missing.faults
        assert {step.change for step in missing.steps} <= {"add_index"}  # told as pending: `crm plan`, `crm doctor`
        return (documents, versions, records, told), bool(missing.steps)
    finally:
        await kernel.close()


def url_of(folder: Path) -> str:
    return (folder / "url").read_text("utf-8")


def applied(*runs: tuple[Path, int]) -> list[str]:
    """What became of each apply: how many statements it had, or `killed`."""
    command = [sys.executable, "-m", "tests.faults.killed_apply", *(f"{folder}={n}" for folder, n in runs)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=550)
    assert not done.stderr, done.stderr
    return done.stdout.split()


@pytest.mark.contract("documents.md#apply-atomic", "documents.md#apply-killed")
def test_an_apply_that_is_killed_was_before_or_after(
    tmp_path: Path, new_database: NewDatabase, capsys: pytest.CaptureFixture[str]
) -> None:
    source, first = "", tmp_path / "first"

    def copy(name: str) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        url = new_database(folder, source) if source else new_database(folder)
        (folder / "url").write_text(url, "utf-8")
        (folder / "set.json").write_text(json.dumps(AFTER), "utf-8")
        return folder

    first = copy("first")
    source = url_of(first)
    asyncio.run(make(first, source))
    whole = copy("whole")
    write_app(whole, [], url_of(whole))
    committed, statements = map(int, applied((whole, 0))[0].split(","))
    before, after = asyncio.run(state(first)), asyncio.run(state(whole))
    assert before[0] != after[0]
    assert (before[1], after[1]) == (False, False)
    spread = [1 + n * (statements - 1) // (RUNS - 1) for n in range(RUNS)]
    points = list(dict.fromkeys([*spread, committed + 2]))  # that one is in the middle of the indexes
    folders = [copy(f"run-{point}") for point in points]
    for folder in folders:
        write_app(folder, [], url_of(folder))
    ends = applied(*((folder, point) for folder, point in zip(folders, points, strict=True)))
    assert ends == ["killed"] * len(folders)
    found = [asyncio.run(state(folder)) for folder in folders]
    assert all(one[0] in (before[0], after[0]) for one in found)
    was = sum(one[0] == before[0] for one in found)
    assert 0 < was < len(found)  # points on both sides of the COMMIT
    assert any(pending for _, pending in found)
    again = applied(*((folder, 0) for folder in folders))
    assert "killed" not in again
    for folder in folders:
        documents, *rest = asyncio.run(state(folder))[0]
        assert documents == after[0][0]
        assert rest[1] == after[0][2]
        assert not asyncio.run(state(folder))[1]
    told(capsys, f"an apply of {statements} statements killed {len(folders)} times", before=was, after=len(found) - was)
