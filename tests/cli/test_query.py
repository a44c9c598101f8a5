"""`crm query`, `crm report`, `crm plugins`: data out."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Crm

HEADER = "name,code,worth,score,labels"


@pytest.fixture
def leads(crm: Crm, folder: Path, tmp_path: Path) -> Path:
    """The app with some leads."""
    file = tmp_path / "leads.csv"
    rows = [
        'Anna,A1,EUR 5.50,3,"[""x"",""y""]"',
        "=cmd(),A2,-7,1,",
        "Cilda\t\x07,A3,,2,",
    ]
    file.write_text("\n".join([HEADER, *rows]) + "\n", "utf-8")
    assert crm("import", "lead", file, app=folder).status == 0
    return folder


@pytest.mark.contract("cli.md#query", "cli.md#json")
def test_filter_sort_fields_and_limit(crm: Crm, leads: Path) -> None:
    line = ["query", "lead", "--filter", "score > 1", "--sort", "-score", "--fields", "name,score,owner.name"]
    ran = crm(*line, "--json", app=leads)
    assert ran.status == 0
    assert [(lead["name"], lead["score"]) for lead in ran.lines] == [("Anna", 3), ("Cilda\t\x07", 2)]
    assert {"id", "version", "name", "score", "owner.name"} == ran.lines[0].keys()
    assert len(crm("query", "lead", "--limit", "2", "--json", app=leads).lines) == 2


@pytest.mark.contract("cli.md#query-formats")
def test_a_table_for_people(crm: Crm, leads: Path) -> None:
    out = crm("query", "lead", "--sort", "code", app=leads).out.splitlines()
    assert out[0].split() == ["name", "code", "worth", "score", "labels", "id"]
    assert out[1].split()[:6] == ["Anna", "A1", "EUR", "5.50", "3", "x,"]
    assert "\\x07" in out[3]
    named = crm("query", "lead", "--fields", "score,name", "--sort", "score", app=leads).out.splitlines()
    assert named[0].split() == ["score", "name"]


@pytest.mark.contract("cli.md#query-formats")
def test_csv_is_inert_or_lossless(crm: Crm, leads: Path) -> None:
    line = ["query", "lead", "--format", "csv", "--sort", "code", "--fields", "name,worth,score,labels"]
    rows = list(csv.reader(io.StringIO(crm(*line, app=leads).out)))
    assert rows[0] == ["name", "worth", "score", "labels"]
    assert rows[1] == ["Anna", "EUR 5.50", "3", '["x","y"]']
    assert rows[2] == ["'=cmd()", "EUR -7.00", "1", ""]
    lossless = list(csv.reader(io.StringIO(crm(*line, "--lossless", app=leads).out)))
    assert lossless[2][0] == "=cmd()"


def test_csv_without_records_has_its_header(crm: Crm, folder: Path) -> None:
    ran = crm("query", "lead", "--format", "csv", app=folder)
    assert ran.out.startswith("id,version,")
    assert len(ran.out.splitlines()) == 1
    assert crm("query", "lead", app=folder).err == "nothing found\n"
    assert crm("query", "lead", "--format", "jsonl", app=folder).out == ""


def test_lists_go_on_over_pages(crm: Crm, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "leads.csv"
    file.write_text("name\n" + "".join(f"n{n:04}\n" for n in range(1100)), "utf-8")
    crm("import", "lead", file, app=folder)
    rows = crm("query", "lead", "--sort", "name", "--limit", "1050", "--format", "csv", "--fields", "name", app=folder)
    assert rows.out.split() == ["name", *(f"n{n:04}" for n in range(1050))]
    everything = crm("query", "lead", "--limit", "5000", "--json", app=folder)
    assert len(everything.lines) == 1100


@pytest.mark.contract("cli.md#acts-as-system")
def test_the_system_sees_everything_a_user_what_is_his(crm: Crm, leads: Path) -> None:
    crm("user", "add", "ilze", app=leads)
    assert len(crm("query", "lead", "--json", app=leads).lines) == 3
    refused = crm("query", "lead", "--as", "ilze", "--json", app=leads)
    assert (refused.status, refused.json["code"]) == (1, "not_found")
    before = crm("--as", "ilze", "query", "user", "--json", app=leads)
    assert [user.keys() for user in before.lines] == [{"id", "version", "name"}]


def test_wide_records_are_cut_to_what_a_terminal_shows(crm: Crm, folder: Path, tmp_path: Path) -> None:
    properties = {f"f{n:02}": {"type": "string"} for n in range(12)}
    wide = {"kind": "entity", "name": "wide", "title": "{f00}", "schema": {"properties": properties}}
    (folder / "documents" / "wide.json").write_text(json.dumps(wide), "utf-8")
    assert crm("apply", app=folder).status == 0
    file = tmp_path / "wide.csv"
    file.write_text(",".join(properties) + "\n" + ",".join("x" * 12) + "\n", "utf-8")
    crm("import", "wide", file, app=folder)
    ran = crm("query", "wide", app=folder)
    assert ran.out.splitlines()[0].split() == [*list(properties)[:8], "id"]
    assert ran.err == "crm: 4 further fields are not shown; --fields chooses.\n"


REPORT = {
    "kind": "report",
    "name": "by-score",
    "label": "By score",
    "entity": "lead",
    "params": {"least": {"type": "integer", "default": 0}},
    "filter": "score >= @param.least",
    "group_by": ["score"],
    "measures": [{"count": "*", "as": "leads"}],
}


@pytest.mark.contract("cli.md#report")
def test_reports_as_table_csv_and_json(crm: Crm, leads: Path) -> None:
    (leads / "documents" / "reports" / "r.json").write_text(json.dumps(REPORT), "utf-8")
    assert crm("apply", app=leads).status == 0
    answer = crm("report", "by-score", "--param", "least=2", "--format", "json", app=leads).json
    assert [(row["score"], row["leads"]) for row in answer["rows"]] == [(2, 1), (3, 1)]
    assert crm("report", "by-score", "--json", app=leads).json["report"] == "by-score"
    lines = crm("report", "by-score", app=leads).out.splitlines()
    assert lines[0].split() == ["Score", "Leads"]
    assert lines[1].split() == ["1", "1"]
    table = crm("report", "by-score", "--format", "csv", "--param", "least=3", app=leads).out
    assert table == "score,leads\n3,1\n"
    assert crm("report", "by-score", "--param", "most=2", app=leads).status == 2
    assert crm("report", "nix", app=leads).status == 1


@pytest.mark.contract("cli.md#plugins")
def test_plugins_with_order_hooks_times_and_faults(crm: Crm, folder: Path) -> None:
    package = folder / "plugins" / "broken"
    package.mkdir()
    (package / "__init__.py").write_text("import nothing_of_this_name\n", "utf-8")
    answer = crm("plugins", "--json", app=folder).json
    states = {item["name"]: item for item in answer["items"]}
    assert states["base"]["state"] == "active"
    assert states["base"]["order"] == 1
    figures = {"calls", "errors", "p50_us", "p95_us", "statements", "waits"}
    assert {"hook", "order", *figures} == set(states["base"]["hooks"][0])
    assert states["broken"]["state"] == "failed"
    table = crm("plugins", app=folder).out
    assert "broken: " in table
    assert "nothing_of_this_name" in table
    assert "before_write" in table
