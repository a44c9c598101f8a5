"""Reports over HTTP, as JSON and as CSV."""

from __future__ import annotations

from typing import Any

import pytest

PATH = "/api/reports/by-type"
RUN = "/api/reports/run"
COUNT = {"entity": "contact", "measures": [{"count": "*", "as": "n"}]}


async def sample(office: Any) -> None:
    for budget, kind in ((100, "cash"), (50.5, "cash"), (30.25, None)):
        await office.contact(budget=budget, purchase_type=kind)
    await office.contact("ann", budget=1000, purchase_type="cash")


@pytest.mark.contract("http-api.md#report-answer")
async def test_a_stored_report(office: Any) -> None:
    await sample(office)
    answer = (await office("bob", "GET", PATH)).json()
    assert answer["report"] == "by-type"
    assert [column["name"] for column in answer["columns"]] == ["purchase_type", "n", "total"]
    assert answer["rows"] == [
        {"purchase_type": "cash", "n": 2, "total": 150.5},
        {"purchase_type": None, "n": 1, "total": 30.25},
    ]
    assert answer["totals"] == {"n": 3, "total": 180.75}
    assert answer["truncated"] is False
    assert answer["as_of"].endswith("Z")
    assert [column["kind"] for column in answer["columns"]] == ["group", "measure", "measure"]
    above = (await office("bob", "GET", PATH, params={"least": "60"})).json()
    assert above["totals"] == {"n": 1, "total": 100}


@pytest.mark.contract("http-api.md#reports-csv")
async def test_as_csv(office: Any) -> None:
    await sample(office)
    answer = await office("bob", "GET", PATH, params={"format": "csv"})
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="by-type.csv"'
    assert answer.text.splitlines() == ["purchase_type,n,total", "cash,2,150.5", ",1,30.25"]
    unsaved = await office("bob", "POST", RUN, json=COUNT, params={"format": "csv"})
    assert unsaved.headers["Content-Disposition"] == 'attachment; filename="report.csv"'
    assert unsaved.text.splitlines() == ["n", "3"]


@pytest.mark.contract("documents.md#stage-reports")
async def test_the_reports_of_a_pipeline(office: Any) -> None:
    lease = await office.lease()
    moved = await office(
        "bob", "POST", f"/api/records/lease/{lease['id']}/move", json={"to": "signed", "values": {"rent": 1}}
    )
    assert moved.status_code == 200, moved.text
    answer = (await office("bob", "GET", "/api/reports/letting-conversion")).json()
    assert answer["report"] == "letting-conversion"
    assert [(row["stage"], row["entered"], row["conversion"]) for row in answer["rows"]] == [
        ("draft", 1, 1.0),
        ("signed", 1, None),
    ]
    durations = await office("bob", "GET", "/api/reports/letting-stage-durations", params={"format": "csv"})
    assert [line.split(",")[:3] for line in durations.text.splitlines()] == [
        ["stage", "stays", "present"],
        ["draft", "1", "0"],
        ["signed", "1", "1"],
    ]
    assert (await office("bob", "GET", "/api/reports/leting-conversion")).status_code == 404


async def test_a_text_cannot_become_a_formula(office: Any) -> None:
    await office.contact(bank=" =1+1")
    report = {**COUNT, "group_by": ["bank"]}
    answer = await office("bob", "POST", RUN, json=report, params={"format": "csv"})
    assert answer.text.splitlines()[1] == "'=1+1,1"


@pytest.mark.contract("http-api.md#reports-run")
async def test_an_unsaved_report_changes_nothing_so_a_read_only_token_may(office: Any) -> None:
    await sample(office)
    assert (await office("reader", "POST", RUN, json=COUNT)).json()["rows"] == [{"n": 4}]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"format": "xlsx"}, "bad_value"),
        ({"leest": "1"}, "unknown_parameter"),
        ({"least": "much"}, "bad_value"),
    ],
)
async def test_parameters_are_checked(office: Any, params: dict[str, str], code: str) -> None:
    answer = await office("bob", "GET", PATH, params=params)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize("body", [[], "by-type", {}, {"entity": "contact", "measures": []}, {**COUNT, "filter": "x"}])
async def test_a_body_that_is_no_report(office: Any, body: Any) -> None:
    assert (await office("bob", "POST", RUN, json=body)).status_code == 422


async def test_a_report_of_what_one_does_not_know(office: Any) -> None:
    hidden = await office("dan", "GET", PATH)
    unknown = await office("dan", "GET", "/api/reports/by-typo")
    assert (hidden.status_code, unknown.status_code) == (404, 404)
    assert hidden.text.replace("by-type", "R") == unknown.text.replace("by-typo", "R")
    assert (await office("dan", "POST", RUN, json=COUNT)).status_code == 422
