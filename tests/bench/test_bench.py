"""The measurements are sound: what both sides are filled with, how a client's figures become a verdict."""

from __future__ import annotations

import asyncio
import csv
import json
import sqlite3
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from bench import data
from bench.client import encode, run
from bench.floor.load import load
from bench.floor.schema import MEMBERS
from bench.run import WORKS, options
from bench.table import line, show

ROOT = Path(__file__).resolve().parents[2]


def test_documents_fit_their_schemas() -> None:
    for document in (data.FIELDS_DOCUMENT, data.REPORT_DOCUMENT, *data.ROLE_DOCUMENTS):
        schema = json.loads((ROOT / "schemas" / f"{document['kind']}.schema.json").read_text("utf-8"))
        jsonschema.Draft202012Validator(schema).validate(document)


def test_the_same_people_each_time(tmp_path: Path) -> None:
    for name in ("one.csv", "two.csv"):
        data.write_csv(tmp_path / name, 50)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    with (tmp_path / "one.csv").open(encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(source))
    assert len(rows) == 50
    assert len({row["external_id"] for row in rows}) == 50
    assert {row["segment"] for row in rows} <= set(data.SEGMENTS)


def test_the_floor_holds_all_rows(tmp_path: Path) -> None:
    data.write_csv(tmp_path / "people.csv", 50)
    load(tmp_path / "people.csv", tmp_path / "floor.db")
    db = sqlite3.connect(tmp_path / "floor.db")
    (count,) = db.execute("SELECT count(*) FROM contact WHERE owner IS NOT NULL AND name IS NOT NULL").fetchone()
    (people,) = db.execute("SELECT count(*) FROM person").fetchone()
    db.close()
    assert (count, people, len(MEMBERS)) == (50, 30, 30)


async def test_the_client_counts_answers_and_wrong_ones() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            status = b"201 Created" if head.startswith(b"POST") else b"200 OK"
            writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\n\r\n{}")
            if b"content-length: 0" not in head:
                await reader.readexactly(12)

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(served, "127.0.0.1", 0)
    async with server:
        job: dict[str, Any] = {"host": "127.0.0.1", "port": server.sockets[0].getsockname()[1]}
        requests = [{"method": "GET", "path": "/"}, {"method": "POST", "path": "/", "body": "@" * 12}]
        seen = await run({**job, "connections": 2, "seconds": 0.1, "requests": requests})
    assert seen["requests"] > 2
    assert 0 < seen["wrong"] < seen["requests"]
    assert seen["example"].startswith("201 instead of 200")


def test_a_request_is_encoded_with_its_length() -> None:
    request, expected = encode({"method": "POST", "path": "/x", "body": "ā", "expect": 201}, "h:1")
    assert expected == 201
    assert b"content-length: 2\r\n" in request
    assert request.endswith(b"\r\n\r\n\xc4\x81")


@pytest.mark.parametrize(("rate", "verdict"), [(95, "reached"), (90, "reached"), (50, "half"), (40, "below half")])
def test_the_verdict(rate: float, verdict: str) -> None:
    work = {"label": "x", "reach": 0.9, "floor": {"per_second": 100}, "framework": {"per_second": rate}}
    assert line(work)[-1] == verdict


def test_the_table_shows_every_work() -> None:
    figures = {"per_second": 100.0, "cpu_us": 50.0}
    works = {
        name: {"label": label, "reach": reach, "floor": figures, "framework": figures}
        for name, (label, reach) in WORKS.items()
    }
    cost = {"rows_per_second": 1000.0, "resident_mib": 40.0}
    works["import"] = {"label": "import", "reach": 0.35, "floor": cost, "framework": cost}
    start = {"floor": {"cold_start_s": 0.5, "idle_mib": 50.0}}
    text = show({"works": works, "ceiling": figures, "start": start, "records": 10, "rounds": 1})
    assert all(label in text for label, _ in WORKS.values())
    assert text.count("1.00") == len(works)


def test_quick_is_shorter() -> None:
    assert options(["--quick"]).records < options([]).records
    assert options(["--quick", "--records", "5"]).records == 5
