"""The measurement of growth is sound: who sees how much, what a limit is, and the whole of it at small sizes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from bench import growth, growth_app
from bench.growth_probe import probing
from bench.growth_table import limits, missed, show
from bench.sides import reads
from bench.stores import Store, stores

ROOT = Path(__file__).resolve().parents[2]
SIZE = 2000
SEEN = {"nothing": 0, "0.5 %": 0.005, "3.5 %": 0.035, "half": 0.5, "all": 1, growth_app.DESK: 1}


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A database on the engine that is tested on."""
    with stores(str(request.config.getoption("--crm-engine")), {"one": tmp_path / "app" / "data" / "crm.db"}) as made:
        yield made["one"]


def test_documents_fit_their_schemas() -> None:
    for document in growth_app.DOCUMENTS:
        schema = json.loads((ROOT / "schemas" / f"{document['kind']}.schema.json").read_text("utf-8"))
        jsonschema.Draft202012Validator(schema).validate(document)


@pytest.mark.needs("real_estate")
@pytest.mark.usefixtures("new_database")
def test_people_see_their_part_of_the_contacts(tmp_path: Path, store: Store) -> None:
    async def counts(tokens: dict[str, str]) -> dict[str, int]:
        async with probing(tmp_path / "app") as probe:
            found: dict[str, int] = {}
            for who, token in tokens.items():
                headers = {"authorization": f"Bearer {token}"}
                [request] = reads(["/api/records/contact?count=exact&limit=1"], headers)
                found[who] = (await probe.ask(request)).json()["count"]
            return found

    seen = asyncio.run(counts(asyncio.run(growth_app.make(tmp_path / "app", store, SIZE))))
    assert seen == pytest.approx({who: part * SIZE for who, part in SEEN.items()}, rel=0.2, abs=8)


@pytest.mark.needs("real_estate")
@pytest.mark.usefixtures("new_database")
def test_rows_that_were_filled_in_are_as_those_of_the_kernel(tmp_path: Path, store: Store) -> None:
    asyncio.run(growth_app.make(tmp_path / "app", store, 3))
    [(folded, stage, since)] = store.rows(
        "SELECT name__fold, stage, stage_since FROM e_contact WHERE external_id = 'B-0000001'"
    )
    assert folded == folded.lower()
    assert (stage, since) == ("fresh", "2020-01-01T00:01:00.000000")
    assert ("segment", "score", "id") in store.indexes("e_contact")


@pytest.mark.needs("real_estate")
@pytest.mark.usefixtures("new_database")
def test_the_whole_at_small_sizes(request: pytest.FixtureRequest, tmp_path: Path, capsys: Any) -> None:
    engine = str(request.config.getoption("--crm-engine"))
    words = ["--engine", engine, "--sizes", "300", "600", "--requests", "4"]
    growth.main(words, tmp_path / "cache", tmp_path / "growth.json")
    printed = capsys.readouterr().out
    assert all(name in printed for name in growth.works())
    result = json.loads((tmp_path / "growth.json").read_text("utf-8"))["engines"][engine]
    assert all(set(figures) == {"300", "600"} for figures in result["figures"].values())
    assert all(len(set(counted.values())) == 1 for counted in result["statements"].values())


def figures(p50: float, p95: float = 3.0) -> dict[str, float]:
    return {"p50_ms": p50, "p95_ms": p95, "cpu_us": 100 * p50, "database_cpu_us": 0.0}


@pytest.mark.parametrize(
    ("name", "measured", "met"),
    [
        ("create", {"10": figures(1.0), "100": figures(1.4)}, True),
        ("create", {"10": figures(1.0), "100": figures(1.6)}, False),
        ("half: default sort", {"10": figures(1.0), "100": figures(1.6)}, True),
        ("half: default sort", {"10": figures(1.0), "100": figures(2.1)}, False),
        ("half: default sort", {"10": figures(1.0), "100": figures(1.0, 21.0)}, False),
        ("create", {"10": figures(1.0), "100": figures(1.0, 21.0)}, True),
    ],
)
def test_the_limits(name: str, measured: dict[str, dict[str, float]], met: bool) -> None:
    found = limits({name: measured})
    assert missed(found) == ([] if met else [name])
    shown = show({"requests": 4, "engines": {"sqlite": _result(name, measured, found)}})
    assert ("MISSED" in shown) is not met


@pytest.mark.parametrize(("milliseconds", "met"), [(1.9, True), (2.0, False)])
def test_rules_are_held_to_the_same_list_without_them(milliseconds: float, met: bool) -> None:
    ruled = {size: figures(milliseconds) for size in ("10", "100")}
    found = limits({"list": {size: figures(1.0) for size in ruled}, "half: default sort": ruled})
    assert (found["half: default sort"]["rules_cost"], found["list"]["rules_cost"]) == (milliseconds, None)
    assert missed(found) == ([] if met else ["half: default sort"])


def _result(name: str, measured: Any, found: Any) -> dict[str, Any]:
    by_size = dict.fromkeys(measured, 1)
    result = {"figures": {name: measured}, "limits": found, "fill_s": by_size, "cold_start_s": by_size}
    return {**result, "statements": {name: by_size}, "sql_ms": {name: by_size}}


def test_quick_asks_less_often() -> None:
    assert growth.options(["--quick"]).requests < growth.options([]).requests
    assert growth.options(["--quick", "--requests", "5"]).requests == 5
