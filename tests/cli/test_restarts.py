"""The server is started again after a file, the database or both were changed: for each kind of document alike."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from crm_kernel.documents import FOLDERS
from crm_kernel.kernel import Kernel
from crm_kernel.settings import load_settings
from tests.cli.conftest import SECRET, Crm
from tests.cli.test_serve import LINE, served

__all__ = ["served"]


def version(label: str) -> dict[str, dict[str, Any]]:
    """A document of each kind, told from other versions by its label."""
    name = {"properties": {"name": {"type": "string"}}}
    return {
        "entity": {"kind": "entity", "name": "plot", "label": label, "schema": name},
        "fields": {"kind": "fields", "name": "size", "entity": "contact", "label": label, "schema": {"properties": {}}},
        "pipeline": {
            "kind": "pipeline",
            "name": "lead",
            "entity": "lead",
            "label": label,
            "stages": [{"name": "Jauns ✓", "type": "open"}],
        },
        "role": {"kind": "role", "name": "clerk", "label": label, "grants": [{"entity": "lead", "actions": ["read"]}]},
        "report": {
            "kind": "report",
            "name": "count",
            "label": label,
            "entity": "lead",
            "measures": [{"count": "*", "as": "n"}],
        },
        "view": {"kind": "view", "name": "all", "label": label, "entity": "lead", "columns": ["name"]},
    }


class Case(NamedTuple):
    """What file and database hold after the apply (label, None: removed, "": as applied); and what follows.

    `plan`: the change that `crm plan` tells of each document, None for none. `serves`: the label in force after a
    start, None where the document is gone. `pending`: the change that waits for somebody.
    """

    file: str | None
    database: str | None
    plan: str | None
    serves: str | None
    pending: str | None = None


CASES = {
    "nothing": Case("", "", None, "A"),
    "file edited": Case("F", "", "change", "F"),
    "database edited": Case("", "D", "drift", "D"),
    "both edited": Case("F", "D", "conflict", "D", "conflict"),
    "both edited alike": Case("F", "F", "change", "F"),
    "file removed": Case(None, "", "remove", "A", "remove"),
    "file removed, database edited": Case(None, "D", "conflict", "D", "conflict"),
    "removed in the database": Case("", None, "drift", None),
    "file edited, removed in the database": Case("F", None, "conflict", None, "conflict"),
    "both removed": Case(None, None, None, None),
}


class App:
    """An app whose files and database are changed."""

    def __init__(self, folder: Path, crm: Crm) -> None:
        self.folder = folder
        self.crm = crm

    def files(self, label: str | None) -> None:
        for kind, body in version(label or "").items():
            file = self.folder / "documents" / FOLDERS[kind] / f"{body['name']}.json"
            if label is None:
                file.unlink()
            else:
                file.write_text(json.dumps(body, ensure_ascii=False), "utf-8")

    def database(self, label: str | None) -> None:
        """Change all documents as an admin would over HTTP."""

        async def change() -> None:
            kernel = await Kernel.open(load_settings(self.folder, {"CRM_SECRET": SECRET}))
            bodies, admin = version(label or ""), kernel.system("api")
            if label is None:
                for kind, body in reversed(bodies.items()):
                    await kernel.documents.delete(kind, body["name"], admin)
            else:
                await kernel.documents.put_all(list(bodies.values()), admin)
            await kernel.close()

        asyncio.run(change())

    def change(self, case: Case) -> None:
        if case.file != "":
            self.files(case.file)
        if case.database != "":
            self.database(case.database)

    def planned(self, *options: str) -> dict[str, str]:
        """kind -> the change that `crm plan` tells, of the documents of the table."""
        return _changes(self.crm("plan", "--json", *options, app=self.folder).json["documents"])

    def labels(self) -> dict[str, str]:
        """kind -> the label in force."""
        listed = self.crm("document", "list", "--json", app=self.folder).lines
        mine = {(kind, body["name"]) for kind, body in version("").items()}
        return {d["kind"]: d["label"] for d in listed if (d["kind"], d["name"]) in mine}


def _changes(documents: Any) -> dict[str, str]:
    return {d["kind"]: d["change"] for d in documents}


def each(value: str | None) -> Mapping[str, str]:
    return {} if value is None else dict.fromkeys(FOLDERS, value)


@pytest.fixture
def app(crm: Crm, folder: Path) -> Iterator[App]:
    """An app with a document of each kind, applied from its file."""
    made = App(folder, crm)
    made.files("A")
    assert crm("apply", app=folder).status == 0
    assert crm("plan", app=folder).out == "Nothing to apply.\n"
    yield made
    assert crm("check", app=folder).status in (0, 1)


@pytest.mark.contract(
    "documents.md#file-changed-applied",
    "documents.md#file-unchanged-drift",
    "documents.md#both-changed-conflict",
    "documents.md#serve-pending",
    "cli.md#plan",
)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_restart_does_what_files_and_database_say(app: App, served: list[Any], case: Case) -> None:
    app.change(case)
    assert app.planned() == each(case.plan)
    for _ in range(2):  # a second start finds the same
        assert app.crm(*LINE, app=app.folder).status == 0
        assert app.labels() == each(case.serves)
        assert _changes(served[-1]["pending"]) == each(case.pending)
    if case.pending is None:
        assert app.planned() == each("drift" if case.plan == "drift" else None)


@pytest.mark.contract("cli.md#apply-take")
@pytest.mark.parametrize(
    ("file", "database", "take", "label", "then"),
    [
        ("F", "D", "files", "F", None),
        ("F", "D", "database", "D", "drift"),
        ("F", None, "files", "F", None),
        ("F", None, "database", None, "drift"),
        (None, "D", "files", None, None),
        (None, "D", "database", "D", None),
    ],
)
def test_a_conflict_is_settled_once(
    app: App, file: str | None, database: str | None, take: str, label: str | None, then: str | None
) -> None:
    app.change(Case(file, database, "conflict", None))
    refused = app.crm("apply", "--yes", app=app.folder)
    assert (refused.status, refused.err.count("--take files or --take database")) == (1, len(FOLDERS))
    assert app.crm("apply", "--yes", "--take", take, app=app.folder).status == 0
    assert app.labels() == each(label)
    assert app.planned() == each(then)
    assert app.crm("apply", app=app.folder).status == 0
    assert app.labels() == each(label)


def test_a_document_that_is_put_again_after_its_removal_is_the_databases_own(app: App) -> None:
    app.database(None)
    app.database("D")
    assert app.planned() == each("drift")
    app.files("F")
    assert app.planned() == each("conflict")
