"""`crm export`: the database as files that lead to the same database; and single documents by `crm document`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from crm_kernel.testing.databases import SqliteFiles
from crm_kernel.testing.kit import NewDatabase
from tests.cli.conftest import Crm
from tests.cli.test_restarts import version

ROOT = Path(__file__).parents[2]

EVERYTHING: Mapping[str, dict[str, Any]] = {
    "a/plot.json": {
        "name": "plot",
        "kind": "entity",
        "label": "Zemes gabals ☀ \u2028\u0000",
        "schema": {
            "properties": {
                "z": {"type": "number", "minimum": 1.0, "maximum": 1e300, "multipleOf": 0.1, "default": 10},
                "a": {"enum": ["ž", "a", 'quote " and \\ and /'], "x-crm": {"index": True}},
                "empty": {"type": "array", "items": {"type": "string"}, "default": []},
                "other": {"properties": {}, "type": "object", "title": ""},
            },
        },
    },
    "plots.json": {
        "kind": "pipeline",
        "name": "plots",
        "entity": "plot",
        "stages": [{"name": "Jauns · новый", "type": "open", "rots_after": "P3D", "probability": 12.5}],
        "remap": {"": "Jauns · новый"},
    },
}
"""What a careless writer of files would change: order of members, numbers, letters, what is empty."""


class Apps:
    """Apps of the same settings, each on a database of its own."""

    def __init__(self, folder: Path, crm: Crm, new: NewDatabase) -> None:
        self.folder = folder
        self.crm = crm
        self.new = new

    def apply(self, name: str, documents: Path, *, sqlite: bool = False) -> Path:
        """A new app with these documents, applied."""
        app = self.folder / name
        (app / "plugins").mkdir(parents=True)
        url = SqliteFiles().new(app) if sqlite else self.new(app)
        toml = (ROOT / "examples" / "riga_homes" / "crm.toml").read_text("utf-8")
        (app / "crm.toml").write_text(toml.replace("sqlite:///data/crm.db", url), "utf-8")
        shutil.copytree(documents, app / "documents")
        assert self.crm("apply", app=app).status == 0
        return app

    def export(self, app: Path) -> Path:
        folder = app / "exported"
        ran = self.crm("export", folder, app=app)
        assert (ran.status, ran.err) == (0, "")
        return folder


@pytest.fixture
def apps(tmp_path: Path, crm: Crm, new_database: NewDatabase) -> Apps:
    return Apps(tmp_path, crm, new_database)


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.needs("real_estate")
@pytest.mark.contract("documents.md#export-identical", "cli.md#export")
def test_export_apply_export_is_the_same_to_the_byte_on_any_engine(apps: Apps) -> None:
    documents = apps.folder / "documents"
    shutil.copytree(ROOT / "examples" / "riga_homes" / "documents", documents)
    for name, body in EVERYTHING.items():
        (documents / name).parent.mkdir(exist_ok=True)
        (documents / name).write_text(json.dumps(body), "utf-8")
    first = apps.apply("first", documents)
    exported = contents(apps.export(first))
    assert {"entities/plot.json", "pipelines/plots.json", "fields/contact-buyer.json"} <= exported.keys()
    assert len(exported) == len(list(documents.rglob("*.json")))
    assert (
        exported["entities/plot.json"]
        == (json.dumps(EVERYTHING["a/plot.json"], indent=2, ensure_ascii=False) + "\n").encode()
    )
    assert "Jauns · новый".encode() in exported["pipelines/plots.json"]
    other = apps.apply("other", first / "exported", sqlite=True)
    assert contents(apps.export(other)) == exported
    third = apps.apply("third", other / "exported")
    assert contents(apps.export(third)) == exported
    assert contents(apps.export(third)) == exported  # over what is there


@pytest.mark.contract("cli.md#export", "cli.md#document")
def test_what_was_changed_in_the_database_is_exported_over_the_files(crm: Crm, folder: Path) -> None:
    documents = folder / "documents"
    layout = json.dumps(version("A")["view"])  # on one line, in a file of its own name
    (documents / "my view.json").write_text(layout, "utf-8")
    (documents / "roles" / "clerk.json").write_text(json.dumps(version("A")["role"]), "utf-8")
    (documents / "roles" / "gone.json").write_text(json.dumps(version("A")["role"] | {"name": "gone"}), "utf-8")
    assert crm("apply", app=folder).status == 0
    changed, added = folder / "changed.json", folder / "added.json"
    changed.write_text(json.dumps(version("B")["role"]), "utf-8")
    added.write_text(json.dumps(version("B")["report"]), "utf-8")
    for file in (changed, added):
        assert crm("document", "put", file, app=folder).status == 0
    assert crm("document", "delete", "role", "gone", app=folder).status == 0
    (documents / "new.json").write_text(json.dumps(version("N")["pipeline"]), "utf-8")
    (documents / "reports" / "count.json").write_text(json.dumps(version("N")["report"] | {"name": "other"}), "utf-8")
    ran = crm("export", documents, app=folder)
    assert ran.status == 0
    assert ran.out.splitlines() == [
        "~ documents/reports/count-2.json",
        "~ documents/roles/clerk.json",
        "- documents/roles/gone.json",
        "4 documents, 2 files written.",
    ]
    assert [line.partition(" holds ")[0] for line in ran.err.splitlines()] == [
        "crm: documents/new.json",
        "crm: documents/reports/count.json",
    ]
    assert (documents / "my view.json").read_text("utf-8") == layout
    assert '"label": "B"' in (documents / "roles" / "clerk.json").read_text("utf-8")
    plan = crm("plan", "--json", app=folder).json["documents"]
    assert [(d["name"], d["change"]) for d in plan] == [("lead", "add"), ("other", "add")]
    (documents / "roles" / "clerk.json").write_text(json.dumps(version("C")["role"]), "utf-8")
    assert ("clerk", "change") in [
        (d["name"], d["change"]) for d in crm("plan", "--json", app=folder).json["documents"]
    ]


def test_an_export_to_elsewhere_leaves_the_files_of_the_app_as_they_count(
    crm: Crm, folder: Path, tmp_path: Path
) -> None:
    body = tmp_path / "b.json"
    body.write_text(json.dumps(version("A")["role"]), "utf-8")
    crm("document", "put", body, app=folder)
    assert crm("export", tmp_path / "elsewhere", "--json", app=folder).json["written"] == [
        (tmp_path / "elsewhere" / name).as_posix() for name in ("entities/lead.json", "roles/clerk.json")
    ]
    assert crm("plan", app=folder).out == "Nothing to apply.\n"
    (folder / "documents" / "entities" / "lead.json").unlink()
    plan = crm("plan", "--json", app=folder).json["documents"]
    assert [(d["name"], d["change"]) for d in plan] == [("lead", "remove")]


def test_a_folder_that_cannot_be_written_is_one_sentence(crm: Crm, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "entities").write_text("a file", "utf-8")
    ran = crm("export", tmp_path / "x", app=folder)
    assert (ran.status, ran.out, "lead.json cannot be written" in ran.err) == (1, "", True)


@pytest.mark.contract("cli.md#document", "documents.md#restore-version", "http-api.md#documents-versions")
def test_a_document_has_versions_and_earlier_ones_come_back(crm: Crm, folder: Path) -> None:
    file = folder / "role.json"
    for label in ("A", "B"):
        file.write_text(json.dumps(version(label)["role"]), "utf-8")
        assert crm("document", "put", file, app=folder).status == 0
    assert crm("document", "put", file, "--dry-run", app=folder).out.endswith("Nothing was changed.\n")
    assert crm("document", "delete", "role", "clerk", app=folder).status == 0
    listed = crm("document", "versions", "role", "clerk", "--json", app=folder).lines
    assert [(v["version"], v["change"], v["by"]) for v in listed] == [
        (3, "remove", None),
        (2, "change", None),
        (1, "add", None),
    ]
    assert [v["diff"] for v in listed][1] == [{"pointer": "/label", "old": "A", "new": "B"}]
    assert (listed[0]["body"], listed[2]["body"]) == (None, version("A")["role"])
    assert "+ role clerk" in crm("document", "restore", "role", "clerk", 1, app=folder).out
    assert json.loads(crm("document", "get", "role", "clerk", app=folder).out) == version("A")["role"]
    assert "~ role clerk" in crm("document", "restore", "role", "clerk", 2, app=folder).out
    assert "- role clerk" in crm("document", "restore", "role", "clerk", 3, app=folder).out
    assert crm("document", "get", "role", "clerk", app=folder).status == 1
    for wrong in (("role", "clerk", 9), ("role", "nobody", 1), ("view", "clerk", 1)):
        assert crm("document", "restore", *wrong, app=folder).status == 1
    never = crm("document", "versions", "entity", "contact", "--json", app=folder)
    assert (never.status, never.out) == (0, "")
    table = crm("document", "versions", "role", "clerk", app=folder).out
    assert "the system" in table
    file.write_text("{", "utf-8")
    assert "role.json, line 1, column 2" in crm("document", "put", file, app=folder).err
