"""The pytest plugin for plugin authors: fixtures of the public test kit.

`crm` is a kernel of its own for each test, on SQLite or, with `--crm-engine postgresql`, on a PostgreSQL server (that
of `CRM_TEST_POSTGRES`, else the local one). Override `crm_plugins` (names of installed plugins) and `crm_documents`
(documents to apply) in a `conftest.py` to say what it is composed of, `crm_samples` and `crm_seed` for what its
factories make.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from crm_kernel.testing.databases import Databases, databases_of
from crm_kernel.testing.kit import NewDatabase, Template, TestCrm

OPTION = "--crm-engine"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The engine to test on."""
    parser.addoption(OPTION, choices=("sqlite", "postgresql"), default="sqlite", help="the database tests run on")


@pytest.fixture(scope="session")
def crm_databases(request: pytest.FixtureRequest) -> Iterator[Databases]:
    """Makes databases of the engine that is tested on."""
    databases = databases_of(str(request.config.getoption(OPTION)))
    yield databases
    databases.close()


def _given_back(databases: Databases) -> Iterator[NewDatabase]:
    made: list[str] = []

    def new(folder: Path, template: str | None = None) -> str:
        made.append(databases.new(folder, template))
        return made[-1]

    yield new
    for url in made:
        databases.drop(url)


@pytest.fixture(scope="session")
def kept_database(crm_databases: Databases) -> Iterator[NewDatabase]:
    """Makes databases that stay until the session ends: templates."""
    yield from _given_back(crm_databases)


@pytest.fixture
def new_database(crm_databases: Databases) -> Iterator[NewDatabase]:
    """Makes databases for one test: `new_database(folder)`, `new_database(folder, template)`."""
    yield from _given_back(crm_databases)


@pytest.fixture(scope="session")
def crm_template(tmp_path_factory: pytest.TempPathFactory, kept_database: NewDatabase) -> Template:
    """The databases that tests begin with, made once in a session."""
    return Template(tmp_path_factory.mktemp("crm"), kept_database)


@pytest.fixture
def crm_plugins() -> Sequence[str]:
    """The installed plugins of the kernel that `crm` gives, beside `base`."""
    return ()


@pytest.fixture
def crm_documents() -> Sequence[Mapping[str, Any]]:
    """The documents that are applied to it."""
    return ()


@pytest.fixture
def crm_samples() -> Mapping[str, Mapping[str, Any]]:
    """Values that its factories give each record of an entity, where rules want what no schema says."""
    return {}


@pytest.fixture
def crm_seed() -> int:
    """What its factories begin with: the same seed makes the same records."""
    return 0


@pytest_asyncio.fixture
async def crm(
    crm_template: Template,
    crm_plugins: Sequence[str],
    crm_documents: Sequence[Mapping[str, Any]],
    crm_samples: Mapping[str, Mapping[str, Any]],
    crm_seed: int,
    tmp_path: Path,
    new_database: NewDatabase,
) -> AsyncIterator[TestCrm]:
    """A kernel on a temporary database, with all rights; events are delivered by `await crm.deliver()`."""
    folder = tmp_path / "crm"
    folder.mkdir()
    kernel = await crm_template.open(folder, crm_plugins, crm_documents, new_database)
    yield TestCrm(kernel, samples=crm_samples, seed=crm_seed)
    await kernel.close()
