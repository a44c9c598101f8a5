"""Bad input of every kind: one clear sentence, the right exit status, nothing half-written, never a traceback."""

from __future__ import annotations

import json
import socket
import sqlite3
from pathlib import Path

import pytest

from tests.acceptance.cli.conftest import Crm


@pytest.mark.contract("cli.md#exit-2", "filters.md#error-column")
def test_wrong_fields_operators_and_entities_in_a_query(crm: Crm, app: Path) -> None:
    for line, status, sentence in (
        (["lead", "--filter", "nam = 'x'"], 2, "unknown field 'nam' at 1: did you mean 'name'?"),
        (["lead", "--filter", "name > 'x'"], 2, "at 6"),
        (["lead", "--filter", "due = 'soon'"], 2, "'soon'"),
        (["leed"], 1, "There is no entity 'leed'"),
    ):
        ran = crm("query", *line, "--app", app)
        assert (ran.status, ran.out, len(ran.sentences)) == (status, "", 1), ran.err
        assert sentence in ran.err


def test_wrong_types_dates_columns_and_encodings_in_a_file(crm: Crm, app: Path, tmp_path: Path) -> None:
    file = tmp_path / "leads.csv"
    line = ["import", "lead", file, "--app", app]
    file.write_text("name,score,due\nA,many,2026-02-30\nB,3,2026-02-28\n", "utf-8")
    refused = crm(*line)
    assert (refused.status, refused.out) == (1, "2 rows of lead: 1 created, 1 refused.\n")
    assert refused.sentences == [
        "crm: row 1, /due: Due must be a date as YYYY-MM-DD, got '2026-02-30'.",
        "crm: row 1, /score: Score must be a whole number, got 'many'.",
    ]
    file.write_text("nme,score\nA,1\n", "utf-8")
    header = crm(*line)
    assert (header.status, len(header.sentences)) == (1, 1)
    assert "/columns/nme: lead has no field 'nme'; did you mean 'name'?" in header.err
    file.write_bytes("name\nJānis\n".encode("cp1257"))
    encoding = crm(*line)
    assert (encoding.status, len(encoding.sentences)) == (2, 1)
    assert "leads.csv, row 1, byte 7: 0xE2 is not utf-8" in encoding.err
    assert 'encoding = "cp1252"' in encoding.err
    assert len(crm("query", "lead", "--json", "--app", app).out.splitlines()) == 1


def test_a_bad_crm_toml_names_every_fault_with_its_place(crm: Crm, tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "crm.toml").write_text(
        '[app]\nnmae = "X"\ntimezone = "Riga"\n[databse]\nurl = "mysql://x"\n[plugins]\nenabled = "x"\n', "utf-8"
    )
    for command in ("check", "apply", "serve"):
        ran = crm(command, "--app", app)
        assert (ran.status, ran.out) == (1, "")
        assert "crm.toml, line 2, column 1: " in ran.err
        assert "'name'" in ran.err
        assert "crm.toml, line 3, column " in ran.err
        assert "crm.toml, line 4, column " in ran.err
        assert "crm.toml, line 7, column " in ran.err
        assert len(ran.sentences) == 4
    (app / "crm.toml").write_text("[app\n", "utf-8")
    ran = crm("check", "--app", app)
    assert (ran.status, len(ran.sentences), "crm.toml, line 1" in ran.err) == (1, 1, True)


@pytest.mark.needs("real_estate")
@pytest.mark.contract("hooks.md#faulty-left-out", "cli.md#left-out-check", "cli.md#left-out-stderr")
def test_plugins_that_are_not_there_or_cannot_be_imported(crm: Crm, app: Path) -> None:
    package = app / "plugins" / "broken"
    package.mkdir()
    (package / "__init__.py").write_text("import nothing_of_this_name\n", "utf-8")
    query = crm("query", "lead", "--app", app)
    assert (query.status, query.sentences[1:]) == (0, ["nothing found"])
    assert "plugin broken is left out: " in query.err
    assert "nothing_of_this_name" in query.err
    check = crm("check", "--app", app)
    assert (check.status, check.out) == (1, "1 faults.\n")
    assert "plugin broken is left out: " in check.err
    assert check.sentences
    toml = app / "crm.toml"
    toml.write_text(toml.read_text("utf-8").replace("enabled = []", 'enabled = ["real_estat"]'), "utf-8")
    unknown = crm("check", "--app", app)
    assert unknown.status == 1
    assert "crm.toml: 'real_estat' is enabled, but no installed package" in unknown.err
    assert "did you mean 'real_estate'?" in unknown.err
    assert unknown.sentences


def test_documents_that_do_not_fit_change_nothing(crm: Crm, app: Path) -> None:
    (app / "documents" / "one.json").write_text('{"kind": "fields"', "utf-8")
    two = {"kind": "fields", "name": "two", "entity": "led", "schema": {"properties": {"a": {"type": "strng"}}}}
    (app / "documents" / "two.json").write_text(json.dumps(two), "utf-8")
    for command, out in (("check", "2 faults.\n"), ("apply", "")):
        ran = crm(command, "--app", app)
        assert (ran.status, ran.out) == (1, out)
        assert "crm: documents/one.json, line 1, column 18: not JSON" in ran.err
        assert "crm: documents/two.json, line 1, column " in ran.err
        assert ran.sentences
    with sqlite3.connect(app / "data" / "crm.db") as connection:
        assert connection.execute("SELECT kind, name FROM crm_document").fetchall() == [("entity", "lead")]
    connection.close()


def test_a_database_that_is_behind_or_missing_or_none(crm: Crm, app: Path, tmp_path: Path) -> None:
    package = app / "plugins" / "grown"
    package.mkdir()
    code = (
        "from crm_kernel import Entity, Plugin, hookimpl\n"
        'plugin = Plugin(name="grown", title="Grown", kernel=">=0.1")\n'
        "class Thing(Entity, name='thing', title='x'):\n    a: str | None = None\n"
        "@hookimpl\ndef register_entities():\n    return [Thing]\n"
    )
    (package / "__init__.py").write_text(code, "utf-8")
    behind = crm("query", "lead", "--app", app)
    assert (behind.status, behind.sentences) == (
        1,
        [
            "crm: The database is behind its plugins and documents (create table e_thing). Hint: `crm apply`.",
        ],
    )
    (app / "data" / "crm.db").write_text("This is no database. " * 100, "utf-8")
    for rest in ("crm.db-wal", "crm.db-shm"):
        (app / "data" / rest).unlink(missing_ok=True)
    none = crm("query", "lead", "--app", app)
    assert (none.status, len(none.sentences), "it is not an SQLite database" in none.err) == (1, 1, True)
    (app / "data" / "crm.db").unlink()
    missing = crm("user", "list", "--app", app)
    assert (missing.status, len(missing.sentences), "Hint: `crm apply` makes it." in missing.err) == (1, 1, True)
    assert not (app / "data" / "crm.db").exists()
    nowhere = crm("query", "lead", "--app", tmp_path / "nowhere")
    assert (nowhere.status, len(nowhere.sentences), "crm.toml cannot be read" in nowhere.err) == (2, 1, True)


@pytest.mark.contract("cli.md#serve-port")
def test_a_taken_port_and_a_host_of_somebody_else(crm: Crm, app: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = crm("serve", "--port", port, "--app", app)
    assert (ran.status, ran.out, len(ran.sentences)) == (1, "", 1)
    assert f"Port {port} of 127.0.0.1 cannot be used: it is taken by another program." in ran.err
    assert "--port 0" in ran.err
    host = crm("serve", "--host", "host.invalid", "--port", "0", "--app", app)
    assert (host.status, len(host.sentences), "host.invalid" in host.err) == (1, 1, True)


def test_a_disk_that_takes_nothing(crm: Crm, tmp_path: Path) -> None:
    app = tmp_path / "app"
    assert crm("new", app).status == 0
    secret = "a secret for tests only, of forty characters"
    for url, sentence in (
        ("sqlite:////proc/crm.db", "The database /proc/crm.db cannot be used"),
        ("sqlite:////proc/data/crm.db", "The folder /proc/data of the database cannot be made"),
    ):
        ran = crm("apply", "--app", app, CRM_DATABASE__URL=url, CRM_SECRET=secret)
        assert (ran.status, ran.out, len(ran.sentences)) == (1, "", 1)
        assert sentence in ran.err
    new = crm("new", "/proc/app")
    assert (new.status, new.out, len(new.sentences), "/proc/app" in new.err) == (1, "", 1, True)
