"""`crm apply` and `crm check`: documents into the database, and all that is wrong with an app."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from shutil import rmtree
from typing import Any

import click
import pytest

from tests.cli.conftest import LEAD, Crm, looker

FIELDS = {
    "kind": "fields",
    "name": "contact-size",
    "entity": "contact",
    "schema": {"properties": {"size": {"type": "integer"}}},
}


def write(folder: Path, name: str, document: Any) -> Path:
    file = folder / "documents" / f"{name}.json"
    file.write_text(json.dumps(document, indent=1), "utf-8")
    return file


def fields(**schema: Any) -> dict[str, Any]:
    return FIELDS | {"schema": {"properties": {"size": {"type": "integer", **schema}}}}


def contacts(crm: Crm, folder: Path, text: str) -> None:
    file = folder / "contacts.csv"
    file.write_text(text, "utf-8")
    assert crm("import", "contact", file, app=folder).status == 0


@pytest.mark.contract("cli.md#apply")
def test_apply_makes_the_database_and_then_what_is_new(crm: Crm, tmp_path: Path) -> None:
    app = tmp_path / "app"
    crm("new", app)
    first = crm("apply", app=app)
    assert first.status == 0
    assert "  create table e_contact of contact\n" in first.out
    assert first.out.endswith("Applied.\n")
    assert (app / "data" / "crm.db").exists()
    assert crm("apply", app=app).out == "Nothing to apply.\n"
    write(app, "size", FIELDS)
    second = crm("apply", "--json", app=app).json
    assert second["applied"] is True
    assert [(d["kind"], d["name"], d["change"]) for d in second["plan"]["documents"]] == [
        ("fields", "contact-size", "add")
    ]
    contacts(crm, app, "name,size\nAnna,5\n")


@pytest.mark.contract("cli.md#document-folders")
def test_folders_and_names_of_files_are_free(crm: Crm, folder: Path) -> None:
    (folder / "documents" / "x" / "y").mkdir(parents=True)
    write(folder, "x/y/anything", FIELDS)
    assert "+ fields contact-size" in crm("apply", app=folder).out


@pytest.mark.contract("cli.md#apply-destructive", "cli.md#no-questions")
def test_what_takes_away_needs_yes_or_somebody_who_says_so(
    crm: Crm, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "documents" / "entities" / "lead.json").unlink()
    write(folder, "size", FIELDS)
    refused = crm("apply", app=folder)
    assert (refused.status, refused.out) == (1, "")
    assert "This would remove entity lead" in refused.err
    assert "Confirm with --yes." in refused.err
    assert crm("query", "lead", app=folder).status == 0
    contact = crm("query", "contact", "--fields", "size", app=folder)
    assert contact.status == 2  # nothing of it was applied

    asked: list[str] = []

    def confirm(text: str, **options: Any) -> None:
        asked.append(text)
        if len(asked) == 1:
            raise click.Abort
        assert options["abort"]

    monkeypatch.setattr(click, "confirm", confirm)
    assert crm("apply", app=folder, terminal=True).status == 1
    assert crm("apply", app=folder, terminal=True).status == 0
    assert asked[0].startswith("This removes entity lead")
    assert crm("query", "lead", app=folder).status == 1


def test_yes_takes_away_without_a_question(crm: Crm, folder: Path) -> None:
    (folder / "documents" / "entities" / "lead.json").unlink()
    ran = crm("apply", "--yes", app=folder)
    assert (ran.status, "- entity lead" in ran.out) == (0, True)


@pytest.mark.contract("cli.md#apply-on-invalid")
def test_records_that_become_invalid_need_a_decision(crm: Crm, folder: Path) -> None:
    write(folder, "size", fields())
    crm("apply", app=folder)
    contacts(crm, folder, "name,size\nAnna,5\nBen,50\n")
    write(folder, "size", fields(maximum=10))
    refused = crm("apply", app=folder)
    assert refused.status == 1
    assert "The fields contact-size makes 1 of 2 contact records invalid, such as " in refused.err
    assert "--on-invalid keep" in refused.err
    kept = crm("apply", "--on-invalid", "keep", app=folder)
    assert kept.status == 0
    assert "makes 1 of 2 contact records invalid: keep" in kept.out


@pytest.mark.contract("cli.md#apply-take")
def test_what_both_sides_changed_is_a_conflict_until_somebody_decides(crm: Crm, folder: Path) -> None:
    file = write(folder, "size", fields())
    crm("apply", app=folder)
    in_database(folder, fields(minimum=1))
    file.write_text(json.dumps(fields(minimum=2)), "utf-8")
    refused = crm("apply", app=folder)
    assert (refused.status, "--take files or --take database" in refused.err) == (1, True)
    database = crm("apply", "--take", "database", app=folder)
    assert (database.status, "= fields contact-size" in database.out) == (0, True)
    file.write_text(json.dumps(fields(minimum=3)), "utf-8")
    assert crm("apply", "--take", "files", app=folder).status == 0
    contacts(crm, folder, "name,size\nAnna,3\n")


def in_database(folder: Path, body: dict[str, Any]) -> None:
    """Change a stored document, as an admin would over HTTP."""
    database = looker(folder)
    database(f"UPDATE crm_document SET body = '{json.dumps(body)}' WHERE name = '{body['name']}'")
    database.close()


@pytest.mark.contract("documents.md#toml-lock")
def test_apply_writes_the_lock_and_check_tells_where_it_differs(crm: Crm, folder: Path) -> None:
    lock = tomllib.loads((folder / "crm.lock").read_text("utf-8"))
    assert lock["documents"].keys() == {"entity/lead"}
    assert lock["plugins"] == {}
    write(folder, "size", FIELDS)
    (folder / "documents" / "entities" / "lead.json").write_text(json.dumps(LEAD | {"label": "Prospect"}), "utf-8")
    package = folder / "plugins" / "small"
    package.mkdir()
    code = 'from crm_kernel import Plugin\nplugin = Plugin(name="small", title="Small", kernel=">=0.1")\n'
    (package / "__init__.py").write_text(code, "utf-8")
    checked = crm("check", app=folder)
    assert checked.status == 0
    for line in (
        "crm.lock: plugin small is not in it.",
        "crm.lock: document entity/lead has changed.",
        "crm.lock: document fields/contact-size is not in it.",
        "Not applied yet: fields contact-size; `crm apply` does it.",
    ):
        assert f"crm: {line}\n" in checked.err
    assert crm("apply", app=folder).status == 0
    assert crm("check", app=folder).err == ""
    rmtree(package)
    assert "plugin small is in it and not here." in crm("check", app=folder).err
    (folder / "crm.lock").write_text((folder / "crm.lock").read_text("utf-8") + '"x" = "', "utf-8")
    broken = crm("check", app=folder)
    assert (broken.status, "crm.lock cannot be read" in broken.err) == (1, True)
    (folder / "crm.lock").unlink()
    assert "There is no crm.lock; `crm apply` writes it." in crm("check", app=folder).err


def test_a_changed_version_of_a_plugin_is_a_difference(crm: Crm, folder: Path) -> None:
    lock = folder / "crm.lock"
    package = folder / "plugins" / "small"
    package.mkdir()
    code = 'from crm_kernel import Plugin\nplugin = Plugin(name="small", title="Small", kernel=">=0.1")\n'
    (package / "__init__.py").write_text(code, "utf-8")
    crm("apply", app=folder)
    text = lock.read_text("utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith('"small"')]
    lock.write_text(text.replace(line, '"small" = "9.9"'), "utf-8")
    assert "9.9 was applied." in crm("check", app=folder).err


@pytest.mark.contract("cli.md#check", "cli.md#left-out-check", "cli.md#left-out-stderr")
def test_check_names_every_fault_with_its_place(crm: Crm, folder: Path) -> None:
    (folder / "documents" / "bad.json").write_text('{\n "kind": "fields",\n "name"\n}', "utf-8")
    twice = '{"kind": "view", "kind": "role",\n "label": {"a": 1, "a": 2}}'
    (folder / "documents" / "twice.json").write_text(twice, "utf-8")
    write(folder, "worse", FIELDS | {"entity": "contct"})
    write(
        folder,
        "view",
        {"kind": "view", "name": "v", "entity": "lead", "label": "V", "columns": ["nix"], "roles": ["boos"]},
    )
    package = folder / "plugins" / "broken"
    package.mkdir()
    (package / "__init__.py").write_text("import nothing_of_this_name\n", "utf-8")
    ran = crm("check", "--json", app=folder)
    assert ran.status == 1
    faults = "\n".join(ran.json["faults"])
    assert "documents/bad.json, line 4, column 1: not JSON" in faults
    assert "documents/twice.json, line 1, column 18: the member 'kind' stands twice" in faults
    assert "documents/twice.json, line 2, column 20: the member 'a' stands twice" in faults
    assert "documents/worse.json, line 4, column 12: There is no entity 'contct'" in faults
    assert "documents/view.json, line 7, column 3: " in faults
    assert "documents/view.json, line 10, column 3: There is no role 'boos'" in faults
    assert "The plugin 'broken' is failed" in faults
    assert len(ran.json["faults"]) == 7
    told = crm("check", app=folder)
    assert told.out == "7 faults.\n"
    assert crm("apply", app=folder).status == 1
    query = crm("query", "lead", app=folder)
    assert query.status == 0  # elsewhere it is only told


def test_check_tells_of_conflicts_and_of_what_would_not_fit_any_more(crm: Crm, folder: Path) -> None:
    write(folder, "size", fields())
    view = {"kind": "view", "name": "v", "entity": "contact", "label": "V", "columns": ["size"]}
    write(folder, "view", view)
    assert crm("apply", app=folder).status == 0
    (folder / "documents" / "size.json").unlink()
    ran = crm("check", app=folder)
    assert (ran.status, "The view v would no longer fit" in ran.err) == (1, True)
    write(folder, "size", fields(minimum=5))
    in_database(folder, fields(minimum=6))
    assert "was changed in its file and in the database" in crm("check", app=folder).err


def test_a_column_that_would_change_its_type_is_a_fault(crm: Crm, folder: Path) -> None:
    write(folder, "size", fields())
    crm("apply", app=folder)
    write(folder, "size", FIELDS | {"schema": {"properties": {"size": {"type": "string"}}}})
    ran = crm("check", app=folder)
    assert ran.status == 1
    assert "size" in ran.err


def test_checks_of_plugins_are_asked_and_contained(crm: Crm, folder: Path, tmp_path: Path) -> None:
    package = folder / "plugins" / "careful"
    package.mkdir()
    code = (
        "from crm_kernel import Check, Plugin, hookimpl\n"
        'plugin = Plugin(name="careful", title="Careful", kernel=">=0.1")\n'
        "async def look(crm):\n    return [f\"{await crm.count('contact')} contacts are too few.\"]\n"
        "async def fail(crm):\n    raise ValueError('odd')\n"
        "@hookimpl\ndef register_checks():\n    return [Check(name='contacts', run=look), Check(name='x', run=fail)]\n"
    )
    (package / "__init__.py").write_text(code, "utf-8")
    ran = crm("check", app=folder)
    assert (ran.status, ran.out) == (1, "2 faults.\n")
    assert "careful, contacts: 0 contacts are too few." in ran.err
    assert "careful, x: the check itself failed: ValueError: odd" in ran.err
    fresh = tmp_path / "fresh"
    crm("new", fresh)
    (fresh / "plugins" / "careful").mkdir()
    (fresh / "plugins" / "careful" / "__init__.py").write_text(code, "utf-8")
    assert crm("check", app=fresh) == (0, "No faults.\n", "crm: The app has no database yet; `crm apply` makes it.\n")


def test_a_database_behind_its_plugins_is_said_before_anything_fails(crm: Crm, folder: Path) -> None:
    package = folder / "plugins" / "grown"
    package.mkdir()
    code = (
        "from crm_kernel import Entity, Plugin, hookimpl\n"
        'plugin = Plugin(name="grown", title="Grown", kernel=">=0.1")\n'
        + "".join(f"class T{n}(Entity, name='thing{n}', title='x'):\n    a: str | None = None\n" for n in range(5))
        + "@hookimpl\ndef register_entities():\n    return [T0, T1, T2, T3, T4]\n"
    )
    (package / "__init__.py").write_text(code, "utf-8")
    ran = crm("query", "lead", app=folder)
    assert (ran.status, ran.out) == (1, "")
    assert "The database is behind its plugins and documents (create table" in ran.err
    assert "and 2 more" in ran.err
    assert "Hint: `crm apply`." in ran.err
    checked = crm("check", app=folder)
    assert (checked.status, "Not applied yet: create table e_thing0; `crm apply` does it." in checked.err) == (0, True)
    assert crm("apply", app=folder).status == 0
    assert crm("query", "thing0", app=folder).status == 0


def test_an_empty_file_is_a_database_that_was_never_applied(crm: Crm, tmp_path: Path) -> None:
    app = tmp_path / "app"
    crm("new", app)
    (app / "data").mkdir(exist_ok=True)
    (app / "data" / "crm.db").touch()
    ran = crm("query", "lead", app=app)
    assert (ran.status, "has no database yet. Hint: `crm apply` makes it." in ran.err) == (1, True)


def test_a_folder_that_cannot_be_made_is_said(crm: Crm, tmp_path: Path) -> None:
    app = tmp_path / "app"
    crm("new", app)
    (app / "data").write_text("in the way", "utf-8")
    ran = crm("apply", app=app)
    assert (ran.status, ran.out) == (1, "")
    assert "The folder" in ran.err
    assert "cannot be made" in ran.err


def test_a_lock_that_cannot_be_written_is_said(crm: Crm, folder: Path) -> None:
    (folder / "crm.lock").unlink()
    (folder / "crm.lock").mkdir()
    ran = crm("apply", app=folder)
    assert (ran.status, "All is applied, but" in ran.err) == (1, True)


@pytest.mark.contract("documents.md#recompute")
def test_apply_computes_what_a_new_formula_is_of_stored_records(crm: Crm, folder: Path) -> None:
    write(folder, "size", FIELDS)
    assert crm("apply", app=folder).status == 0
    contacts(crm, folder, "name,size\nAnna,5\nBob,7\n")
    write(folder, "double", {**FIELDS, "name": "double", "schema": {"properties": {
        "twice": {"type": "integer", "x-crm": {"formula": "size * 2"}}}}})  # fmt: skip
    assert crm("apply", "--json", app=folder).json["job"] is None  # it is done
    listed = crm("query", "contact", "--filter", "twice > 10", "--format", "csv", app=folder)
    assert listed.status == 0
    assert "Bob" in listed.out
    assert "Anna" not in listed.out
