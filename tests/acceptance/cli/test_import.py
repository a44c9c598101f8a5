"""Imports as people run them: King County, and one that is killed in the middle."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.cli.conftest import CRM, ROOT, Crm, environment

KING_COUNTY = ROOT.parent / "shared" / "data" / "real_estate" / "kc_house_data.csv"
MAPPING = ROOT / "examples" / "riga_homes" / "imports" / "king_county.toml"
MEASURED = (sys.executable, Path(__file__).with_name("measured.py"))
MOST_MEMORY = 300 * 1024  # KiB


def start(*line: object, through: tuple[object, ...] = ()) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*map(str, through), CRM, *map(str, line)],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.needs("real_estate")
@pytest.mark.skipif(not KING_COUNTY.exists(), reason="the shared data is not there")
@pytest.mark.contract("cli.md#import", "documents.md#duplicate-create", "documents.md#duplicate-update")
def test_king_county(crm: Crm, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    shutil.copytree(ROOT / "examples" / "riga_homes", first, ignore=shutil.ignore_patterns("data", "crm.lock"))
    assert crm("apply", "--app", first).status == 0
    shutil.copytree(first, second)
    expected = {
        "create": {"created": 21_613, "updated": 0, "unchanged": 0, "skipped": 0, "refused": 0},
        "update": {"created": 21_436, "updated": 177, "unchanged": 0, "skipped": 0, "refused": 0},
    }
    line = ("import", "listing", KING_COUNTY, "--map", MAPPING, "--json", "--on-duplicate")
    apps = {"create": first, "update": second}
    running = {how: start(*line, how, "--app", app, through=(*MEASURED, app / "memory")) for how, app in apps.items()}
    for how, process in running.items():
        out, err = process.communicate()
        assert (process.returncode, err) == (0, "")
        job = json.loads(out)
        assert (job["rows"], job["state"], job["counts"]) == (21_613, "done", expected[how])
    for app, listings in ((first, 21_613), (second, 21_436)):
        with sqlite3.connect(app / "data" / "crm.db") as connection:
            assert connection.execute("SELECT count(*) FROM e_listing").fetchone() == (listings,)
            assert connection.execute("SELECT count(DISTINCT parcel_number) FROM e_listing").fetchone() == (21_436,)
        connection.close()
        assert int((app / "memory").read_text("utf-8")) < MOST_MEMORY


@pytest.mark.contract("cli.md#import-continues")
def test_a_killed_import_goes_on_and_takes_each_row_once(app: Path, tmp_path: Path) -> None:
    rows = 6000
    file, mapping = tmp_path / "leads.csv", tmp_path / "map.toml"
    file.write_text("name,score\n" + "".join(f"n{n},{n if n % 100 else -1}\n" for n in range(1, rows + 1)), "utf-8")
    mapping.write_text("", "utf-8")
    line = ("import", "lead", file, "--map", mapping, "--errors", tmp_path / "errors.csv", "--json", "--app", app)
    first = start(*line)
    with sqlite3.connect(app / "data" / "crm.db", isolation_level=None) as connection:
        while not (position := reached(connection)):
            assert first.poll() is None
        os.kill(first.pid, 9)
        first.communicate()
        assert position < rows
        assert reached(connection) >= position
        again = start(*line)
        out, err = again.communicate()
        job = json.loads(out)
        assert (again.returncode, job["rows"], job["state"]) == (1, rows, "done"), err
        assert job["counts"] == {"created": 5940, "updated": 0, "unchanged": 0, "skipped": 0, "refused": 60}
        (names,) = connection.execute("SELECT count(DISTINCT name) FROM e_lead").fetchone()
        (leads,) = connection.execute("SELECT count(*) FROM e_lead").fetchone()
        (history,) = connection.execute("SELECT count(*) FROM crm_history WHERE entity = 'lead'").fetchone()
        (events,) = connection.execute("SELECT count(*) FROM crm_outbox WHERE entity = 'lead'").fetchone()
        assert (names, leads, history, events) == (5940, 5940, 5940, 5940)
        assert connection.execute("SELECT count(*) FROM crm_job").fetchone() == (1,)
    connection.close()
    assert len((tmp_path / "errors.csv").read_text("utf-8").splitlines()) == 61


def reached(connection: sqlite3.Connection) -> int:
    """How many rows of the import are stored."""
    found = connection.execute("SELECT body FROM crm_job").fetchone()
    return json.loads(found[0])["position"] if found else 0


def test_whoever_stops_reading_ends_the_output(crm: Crm, app: Path, tmp_path: Path) -> None:
    file = tmp_path / "leads.csv"
    file.write_text("name\n" + "".join(f"{'x' * 200}{n}\n" for n in range(1500)), "utf-8")
    assert crm("import", "lead", file, "--app", app).status == 0
    process = start("query", "lead", "--limit", "1500", "--format", "jsonl", "--app", app)
    assert process.stdout is not None
    assert process.stderr is not None
    assert json.loads(process.stdout.readline())["name"]
    process.stdout.close()
    assert (process.wait(), process.stderr.read()) == (1, "")
    process.stderr.close()
