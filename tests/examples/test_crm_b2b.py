"""examples/crm_b2b: the commands of its README, and its reports against plain arithmetic over the files."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from crm_kernel.cli.main import run
from crm_kernel.testing.plugin import NewDatabase
from tests.examples.b2b_figures import Figures, cycle, write_files

pytestmark = pytest.mark.needs("sales")

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "crm_b2b"
DATA = ROOT.parent / "shared" / "data" / "crm_b2b"
FILES = ("accounts.csv", "products.csv", "sales_teams.csv", "sales_pipeline.csv")
IN, OUT = re.findall(r"^```sh\n(.*?)^```$", (EXAMPLE / "README.md").read_text("utf-8"), re.M | re.S)

Said = Callable[[str], str]


@pytest.fixture
def app(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new_database: NewDatabase, capfd: pytest.CaptureFixture[str]
) -> Said:
    """Runs one command line in a copy of the example; gives what it said."""
    folder = tmp_path / "b2b"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("data", "crm.lock"))
    for name in [name for name in os.environ if name.startswith("CRM_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CRM_DATABASE__URL", new_database(folder))
    monkeypatch.chdir(folder)

    def crm(line: str) -> str:
        words = shlex.split(line)
        status = run([*words[1:], "--json"] if words[1] == "import" else words[1:])
        out, err = capfd.readouterr()
        assert status == 0, f"{line}\n{out}{err}"
        return out

    return crm


def imported(app: Said) -> list[dict[str, int]]:
    return [json.loads(app(line))["counts"] for line in IN.splitlines() if line.startswith("crm import")]


def reports(app: Said) -> dict[str, Any]:
    answers = [json.loads(app(line), parse_float=Decimal) for line in OUT.splitlines()]
    return {answer["report"]: answer for answer in answers}


def shown(report: Any, *keys: str) -> dict[Any, Any]:
    """The rows by their groups; ratios as doubles, amounts to the cent."""
    found: dict[Any, Any] = {}
    for row in report["rows"]:
        names = tuple(row.pop(key) for key in keys)
        row.pop("currency", None)
        ratios = {name: float(row[name]) for name in ("win_rate", "average_cycle_days") if row.get(name) is not None}
        found[names[0] if len(names) == 1 else names] = row | ratios
    return found


def check(figures: Figures, out: dict[str, Any]) -> None:
    results, won = figures.results, figures.won
    revenue = figures.revenue
    by_product = shown(out["product-sales"], "product")
    assert {p: row["revenue"] for p, row in by_product.items()} == figures.by(figures.product, revenue, won)
    by_month = shown(out["revenue-by-month"], "month")
    months = figures.by(lambda d: d["close_date"][:7] + "-01", lambda ds: (len(ds), revenue(ds)), won)
    assert {m: (row["won"], row["revenue"]) for m, row in by_month.items()} == months
    agents = shown(out["agents"], "agent")
    assert agents == figures.by(lambda d: d["sales_agent"], results, figures.deals)
    team = figures.boss, figures.office
    assert shown(out["managers"], "office", "manager") == figures.by(
        lambda d: (team[1][team[0][d["sales_agent"]]], team[0][d["sales_agent"]]), results, figures.deals
    )
    offices = figures.by(lambda d: team[1][team[0][d["sales_agent"]]], results, figures.deals)
    assert shown(out["offices"], "office") == offices
    assert {a: (row["won"], row["lost"], row["win_rate"]) for a, row in shown(out["win-rate"], "owner").items()} == {
        a: (row["won"], row["lost"], row["win_rate"]) for a, row in agents.items() if row["won"] or row["lost"]
    }
    cycles = figures.by(lambda d: d["sales_agent"], lambda ds: sum(map(cycle, ds)) / len(ds), won)
    assert {a: float(row["average_days"]) for a, row in shown(out["sales-cycle"], "owner").items()} == pytest.approx(
        cycles
    )
    (velocity,) = out["sales-velocity"]["rows"]
    total = results(figures.deals)
    assert {
        name: float(velocity[name]) if name in ("win_rate", "average_cycle_days") else velocity[name] for name in total
    } == total
    open_ = [d for d in figures.deals if not d["close_date"]]
    stages = figures.by(lambda d: d["deal_stage"], lambda ds: (len(ds), sum(map(figures.amount, ds))), open_)
    by_stage = shown(out["pipeline-by-stage"], "pipeline", "stage")
    assert {s: (row["deals"], row["amount"]) for (_, s), row in by_stage.items()} == stages


def test_files_of_this_form_add_up_to_the_cent(app: Said, tmp_path: Path) -> None:
    write_files(tmp_path / "b2b")
    app("crm apply --yes")
    counts = imported(app)
    assert not any(count["refused"] for count in counts)
    assert counts[-1]["created"] == 200
    figures = Figures(tmp_path / "b2b")
    check(figures, reports(app))
    months = [json.loads(line, parse_float=Decimal) for line in app("crm x sales forecast --json").splitlines()]
    assert sum(month["won"] for month in months) == figures.revenue(figures.won)
    again = imported(app)
    assert sum(count["created"] + count["refused"] for count in again) == 0
    assert again[-1]["unchanged"] == 200


@pytest.mark.skipif(not DATA.exists(), reason="the shared data is not there")
def test_the_data_set(app: Said, tmp_path: Path) -> None:
    for name in FILES:
        shutil.copyfile(DATA / name, tmp_path / "b2b" / name)
    app("crm apply --yes")
    counts = imported(app)
    assert [(c["created"], c["refused"]) for c in counts] == [
        (3, 0),
        (6, 0),
        (6, 0),
        (0, 0),
        (35, 0),
        (85, 0),
        (0, 0),
        (7, 0),
        (8800, 0),
    ]
    check(Figures(DATA), reports(app))
