"""examples/marketing_funnel: two public kinds of files, imported by its mappings; figures are those of the files."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from crm_kernel.cli.main import run
from crm_kernel.testing.kit import NewDatabase

pytestmark = pytest.mark.needs("marketing")

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "marketing_funnel"
DATA = ROOT.parent / "shared" / "data" / "marketing"
BANK = DATA / "bank_uci" / "bank-full.csv"
LEADS = DATA / "olist_funnel" / "olist_marketing_qualified_leads_dataset.csv"
DEALS = DATA / "olist_funnel" / "olist_closed_deals_dataset.csv"

Rows = list[dict[str, str]]
Crm = Callable[..., Any]


@pytest.fixture
def crm(
    tmp_path: Path, new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Crm:
    """The command line on the example, applied: gives what it printed as JSON. Shadows the fixture of the test kit."""
    app = tmp_path / "app"
    shutil.copytree(EXAMPLE, app, ignore=shutil.ignore_patterns("data", "crm.lock"))
    monkeypatch.setenv("CRM_SECRET", "a secret for tests only, of forty characters")
    monkeypatch.setenv("CRM_APP", str(app))
    monkeypatch.setenv("CRM_DATABASE__URL", new_database(app))

    def command(*arguments: Any, expect: int = 0) -> Any:
        capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert status == expect, err or out
        return json.loads(out) if "--json" in arguments else out

    command("apply")
    return command


def brought(crm: Crm, entity: str, file: Path, mapping: str, **counts: int) -> None:
    """Imports a file by a mapping of the example; what became of its rows."""
    line = (
        "import",
        entity,
        file,
        "--map",
        EXAMPLE / "imports" / f"{mapping}.toml",
        "--on-duplicate",
        "skip",
        "--json",
    )
    told = crm(*line, expect=int("refused" in counts))["counts"]
    assert {name: count for name, count in told.items() if count} == {n: c for n, c in counts.items() if c}


def table(crm: Crm, report: str, *columns: str) -> dict[Any, tuple[Any, ...]]:
    """The rows of a report: the first column → those named."""
    answer = crm("report", report, "--json")
    names = [column["name"] for column in answer["columns"]]
    rows = [dict(zip(names, row, strict=True)) if isinstance(row, list) else row for row in answer["rows"]]
    return {row[names[0]]: tuple(row[name] for name in columns) for row in rows}


def rates(converted: Iterable[tuple[str | None, bool]]) -> dict[Any, tuple[int, int, Any]]:
    """Group → how many, how many converted, the share; computed from the rows of a file."""
    found: dict[Any, list[bool]] = defaultdict(list)
    for group, yes in converted:
        found[group].append(yes)
    return {g: (len(all_), sum(all_), pytest.approx(sum(all_) / len(all_))) for g, all_ in found.items()}


def olist(crm: Crm, folder: Path, leads: Rows, deals: Rows) -> None:
    """Imports leads and deals and compares every figure."""
    first, second = folder / "leads.csv", folder / "deals.csv"
    write(first, leads)
    write(second, deals)
    source = {row["mql_id"]: row["origin"] or "not given" for row in leads}
    known = [row for row in deals if row["mql_id"] in source]
    sources = len(set(source.values()))
    brought(crm, "lead_source", first, "olist_sources", created=sources, skipped=len(leads) - sources)
    brought(crm, "contact", first, "olist_leads", created=len(leads))
    brought(crm, "touchpoint", first, "olist_touches", created=len(leads))
    counts = {"created": len(known), **({"refused": len(deals) - len(known)} if len(deals) > len(known) else {})}
    brought(crm, "conversion", second, "olist_deals", **counts)
    brought(crm, "touchpoint", first, "olist_touches", skipped=len(leads))

    won = {row["mql_id"]: datetime.strptime(row["won_date"], "%m/%d/%Y %H:%M") for row in known}
    met = {row["mql_id"]: datetime.strptime(row["first_contact_date"], "%m/%d/%Y") for row in leads}
    measures = ("leads", "converted", "conversion_rate")
    assert table(crm, "leads-by-source", *measures) == rates((source[key], key in won) for key in source)
    months = rates((f"{met[key]:%Y-%m}-01", key in won) for key in source)
    assert table(crm, "leads-by-month", *measures) == months
    # One touch a lead: it is first and last, unless the deal came before it.
    credit = Counter(source[key] if met[key] <= won[key] else None for key in won)
    for report in ("first-touch-credit", "last-touch-credit"):
        assert table(crm, report, "conversions") == {channel: (n,) for channel, n in credit.items()}


def bank(crm: Crm, folder: Path, rows: Rows) -> None:
    """Imports calls and compares every figure."""
    file = folder / "bank.csv"
    write(file, rows, ";")
    months = len({row["month"] for row in rows})
    yes = [row for row in rows if row["y"] == "yes"]
    before = [row for row in rows if row["pdays"] != "-1"]
    brought(crm, "campaign", file, "bank_campaigns", created=months, skipped=len(rows) - months)
    brought(crm, "contact", file, "bank_contacts", created=len(rows))
    brought(crm, "campaign_member", file, "bank_members", created=len(rows))
    brought(crm, "touchpoint", file, "bank_touches", created=len(rows))
    brought(crm, "touchpoint", file, "bank_previous", created=len(before), skipped=len(rows) - len(before))
    brought(crm, "conversion", file, "bank_conversions", created=len(yes), skipped=len(rows) - len(yes))

    expected = rates((row["month"], row["y"] == "yes") for row in rows)
    assert table(crm, "campaign-response", "reached", "converted", "conversion_rate") == expected
    answer = crm("report", "response-by-previous-outcome", "--json")
    assert len(answer["rows"]) == len({(row["poutcome"], row["contact"]) for row in rows})
    first = Counter("previous campaign" if row["pdays"] != "-1" else row["contact"] for row in yes)
    last = Counter(row["contact"] for row in yes)
    assert table(crm, "first-touch-credit", "conversions") == {channel: (n,) for channel, n in first.items()}
    assert table(crm, "last-touch-credit", "conversions") == {channel: (n,) for channel, n in last.items()}


def read(file: Path, delimiter: str = ",") -> Rows:
    with file.open(encoding="utf-8", newline="") as source:
        return list(csv.DictReader(source, delimiter=delimiter))


def write(file: Path, rows: Rows, delimiter: str = ",") -> None:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    file.write_text(out.getvalue(), "utf-8")


def made(columns: str, *lines: str) -> Rows:
    return [dict(zip(columns.split(), line.split(","), strict=True)) for line in lines]


def sample(file: Path, every: int, delimiter: str = ",") -> Rows:
    """One row in so many of a file of the shared data; none where that is not there."""
    return read(file, delimiter)[::every] if file.exists() else []


def test_leads_and_deals(crm: Crm, tmp_path: Path) -> None:
    """The deal of a4 came before its first contact, zz is in no file, the source of a3 is not given."""
    leads = made(
        "mql_id first_contact_date origin",
        *("a1,2/1/2018,social", "a2,10/20/2017,paid_search", "a3,2/28/2018,", "a4,2/3/2018,social", "a5,3/1/2018,fair"),
    )
    deals = made(
        "mql_id seller_id won_date business_segment lead_type lead_behaviour_profile business_type",
        *("a1,s1,2/26/2018 19:58,pet,online,cat,reseller", "a3,s2,2/28/2018 0:00,pet,online,,"),
        *("a4,s3,1/3/2018 8:01,pet,online,cat,reseller", "zz,s4,1/3/2018 8:01,pet,online,cat,reseller"),
    )
    olist(crm, tmp_path, [*leads, *sample(LEADS, 10)], [*deals, *sample(DEALS, 1)])


def test_calls(crm: Crm, tmp_path: Path) -> None:
    rows = made(
        "age job marital education default balance housing loan contact day month duration campaign pdays previous "
        "poutcome y",
        *(
            "58,management,married,tertiary,no,2143,yes,no,unknown,5,may,261,1,-1,0,unknown,no",
            "44,technician,single,secondary,yes,-29,yes,no,cellular,5,may,151,1,-1,0,unknown,yes",
            "33,admin.,married,secondary,no,2,no,yes,cellular,1,jan,76,2,180,3,success,yes",
            "33,admin.,married,secondary,no,2,no,yes,telephone,1,dec,76,2,90,1,failure,yes",
            "33,admin.,married,secondary,no,2,no,yes,telephone,1,dec,76,2,90,1,other,no",
        ),
    )
    bank(crm, tmp_path, [*rows, *sample(BANK, 150, ";")])
