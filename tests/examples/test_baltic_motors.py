"""The example baltic_motors: its sample is within the rules, its documents, lead and mapping do what they say."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import pytest_asyncio

from crm_kernel.kernel import Kernel
from crm_kernel.mapping_files import parse_mapping
from crm_kernel.settings import load_settings

pytestmark = pytest.mark.needs("automotive")

EXAMPLE = Path(__file__).parents[2] / "examples" / "baltic_motors"
NOW = datetime(2026, 1, 14, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def sample() -> Iterator[ModuleType]:
    """The package `sample`, imported from the example's folder as `crm demo` does."""
    name, folder = "baltic_motors_sample", EXAMPLE / "sample"
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    module = importlib.util.module_from_spec(spec)  # pyright: ignore[reportArgumentType]
    sys.modules[name] = module
    spec.loader.exec_module(module)  # pyright: ignore[reportOptionalMemberAccess]
    yield module
    for loaded in [n for n in sys.modules if n.partition(".")[0] == name]:
        del sys.modules[loaded]


@pytest.fixture(scope="module")
def batches(sample: ModuleType) -> list[Any]:
    return list(sample.generate(NOW))


def created(batches: list[Any], entity: str) -> list[dict[str, Any]]:
    return [c["create"]["values"] for b in batches if b.entity == entity for c in b.changes if "create" in c]


@pytest_asyncio.fixture
async def kernel(tmp_path: Path, new_database: Callable[..., str]) -> AsyncIterator[Kernel]:
    """The app of the example on a database of its own, with its documents in force."""
    app = tmp_path / "app"
    shutil.copytree(EXAMPLE, app, ignore=shutil.ignore_patterns("data", "crm.lock", "__pycache__"))
    environ = {
        "CRM_DATABASE__URL": new_database(tmp_path),
        "CRM_SECRET": "a secret for tests only, of forty characters",
    }
    kernel = await Kernel.open(load_settings(app, environ), strict=True)
    answer = await kernel.documents.sync_files(kernel.settings.documents, safe_only=True)
    assert (answer["pending"], answer["problems"]) == ([], [])
    await kernel.dispatcher.adopt()
    yield kernel
    await kernel.close()


def test_the_same_seed_and_present_give_the_same_batches(sample: ModuleType, batches: list[Any]) -> None:
    assert list(sample.generate(NOW)) == batches
    assert list(sample.generate(NOW, seed=1)) != batches


def test_it_is_as_large_as_half_a_year_of_a_dealership(batches: list[Any]) -> None:
    entities = ("vehicle_unit", "auto_lead", "workshop_job", "contact", "user", "tyre_set")
    assert {entity: len(created(batches, entity)) for entity in entities} == {
        "vehicle_unit": 70, "auto_lead": 90, "workshop_job": 80, "contact": 140, "user": 7, "tyre_set": 25,
    }  # fmt: skip
    assert len(created(batches, "test_drive")) > 110
    assert set(Counter(c["language"] for c in created(batches, "contact"))) == {"lv", "et", "lt", "en"}
    moments = [batch.at for batch in batches]
    assert moments == sorted(moments)
    assert moments[-1] == NOW


async def test_the_sample_is_within_the_rules_and_the_reports_tell_of_it(sample: ModuleType, kernel: Kernel) -> None:
    crm = kernel.crm()
    crm.clock.set(NOW)
    await sample.load(crm)
    await kernel.dispatcher.deliver_all()
    crm.clock.set(NOW)
    counts = {entity: await crm.count(entity) for entity in ("vehicle_unit", "auto_lead", "workshop_job", "tyre_set")}
    assert counts == {"vehicle_unit": 70, "auto_lead": 90, "workshop_job": 80, "tyre_set": 25}
    sold = await crm.count("vehicle_unit", "stage = 'SOLD'")
    assert sold > 5
    drives = await crm.report("test-drives-to-sales")
    totals = dict(zip([column["name"] for column in drives["columns"]], drives["rows"][0], strict=True))
    assert set(totals) >= {"month", "salesperson", "drives", "sales"}
    assert await crm.count("test_drive", "sale is not null") >= sold
    assert await crm.count("vehicle", "vin_note is not null") > 0
    assert await crm.count("labor_line", "status = 'DECLINED'") > 0
    for name in ("stock-ageing", "workshop-throughput", "leads-by-source", "leads-by-make"):
        assert (await crm.report(name))["rows"], name
    caller = kernel.system("import")
    job = await kernel.imports.run("auto_lead", kernel.settings.folder / "leads" / "portal.xml", None, caller=caller)
    assert job["counts"]["created"] == 1
    (trade_in,) = await crm.find("trade_in", "lead.external_key = 'AutoPlacis:20260114-1'")
    assert (trade_in["make"], trade_in["odometer"]) == ("Škoda", 184_000)


async def test_an_auction_is_imported_by_its_mapping(kernel: Kernel, shared_file: Callable[[str], Path]) -> None:
    """2,499 lots are 2,495 cars; one is of 1973, with a short number."""
    path = kernel.settings.folder / "imports" / "us_auction.toml"
    mapping, problems = parse_mapping(path.read_bytes(), path.name)
    assert not problems
    file = shared_file("automotive/USA_cars_datasets.csv")
    job = await kernel.imports.run("vehicle", file, mapping, caller=kernel.system("import"), on_duplicate="skip")
    assert {name: n for name, n in job["counts"].items() if n} == {"created": 2495, "skipped": 4}
    crm = kernel.crm()
    assert [car["model_year"] for car in await crm.find("vehicle", "vin_note contains '13 characters'")] == [1973]
    assert await crm.count("vehicle", "vin starts with '1'") == 1404
