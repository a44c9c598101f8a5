"""The measurements are sound: what both sides are filled with, how a client's figures become a verdict."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from bench import data
from bench.client import encode, run
from bench.floor.load import load
from bench.floor.schema import MEMBERS
from bench.indexes import differences
from bench.run import WORKS, drive, options, paired
from bench.sides import Floor, Framework
from bench.stores import Store, stores
from bench.table import cpu, line, show

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


@pytest.fixture
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, Store]]:
    """Databases for both sides on the engine that is tested on."""
    engine = str(request.config.getoption("--crm-engine"))
    with stores(engine, {name: tmp_path / f"{name}.db" for name in ("floor", "framework")}) as made:
        yield made


@pytest.mark.usefixtures("new_database")  # so that it runs on PostgreSQL too
def test_the_floor_holds_all_rows(tmp_path: Path, places: dict[str, Store]) -> None:
    data.write_csv(tmp_path / "people.csv", 50)
    load(tmp_path / "people.csv", places["floor"].url)
    [(count,)] = places["floor"].rows("SELECT count(*) FROM contact WHERE owner IS NOT NULL AND name IS NOT NULL")
    [(people,)] = places["floor"].rows("SELECT count(*) FROM person")
    assert (count, people, len(MEMBERS)) == (50, 30, 30)


@pytest.mark.usefixtures("new_database")
def test_both_sides_do_all_works_and_have_the_same_indexes(tmp_path: Path, places: dict[str, Store]) -> None:
    data.write_csv(tmp_path / "people.csv", 60)
    floor, framework = Floor(tmp_path, places["floor"]), Framework(tmp_path, places["framework"])
    for side in (floor, framework):
        side.fill(tmp_path / "people.csv", 60)
        side.store.settle()
        server = side.start()
        try:
            for work in WORKS:
                job = {"connections": 2, "seconds": 5.0, "count": 4}
                seen = drive(server, job, side.requests(work), side.store.cpu)  # ends the run at a wrong answer
                assert seen["cpu_us"] >= 0
        finally:
            server.stop()
    assert differences(floor.store, framework.store) == []


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


@pytest.mark.parametrize(
    ("ratio", "verdict"), [(0.95, "reached"), (0.9, "reached"), (0.5, "half"), (0.4, "below half")]
)
def test_the_verdict(ratio: float, verdict: str) -> None:
    sides = {"floor": {"per_second": 100}, "framework": {"per_second": 100 * ratio}}
    assert line({"label": "x", "reach": 0.9, "ratio": ratio, **sides})[-1] == verdict


def test_ratios_are_taken_round_by_round() -> None:
    slowed = {"floor": [100.0, 50.0, 50.0], "framework": [90.0, 90.0, 45.0]}  # the machine changes its speed twice
    rounds = {name: [{"per_second": one} for one in seen] for name, seen in slowed.items()}
    assert paired(rounds) == 0.9
    assert paired({"framework": rounds["framework"]}) is None


def test_the_table_shows_every_work() -> None:
    figures = {"per_second": 100.0, "cpu_us": 50.0}
    works = {
        name: {"label": label, "reach": reach, "ratio": 1.0, "floor": figures, "framework": figures}
        for name, (label, reach) in WORKS.items()
    }
    cost = {"rows_per_second": 1000.0, "resident_mib": 40.0}
    works["import"] = {"label": "import", "reach": 0.35, "ratio": 1.0, "floor": cost, "framework": cost}
    start = {"floor": {"cold_start_s": 0.5, "idle_mib": 50.0}}
    engine = {"works": works, "start": start}
    engines = {"sqlite": engine, "postgresql": engine}
    text = show({"engines": engines, "ceiling": figures, "records": 10, "rounds": 1})
    assert all(label in text for label, _ in WORKS.values())
    assert text.count("1.00") == len(works) * len(engines)


def test_what_sessions_of_the_database_cost_stands_beside() -> None:
    assert cpu({"cpu_us": 50.0, "database_cpu_us": 20.0}) == "50 + 20"
    assert cpu({"cpu_us": 50.0, "database_cpu_us": 0.0}) == "50"


def test_quick_is_shorter() -> None:
    assert options(["--quick"]).records < options([]).records
    assert options(["--quick", "--records", "5"]).records == 5
