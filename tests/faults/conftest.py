"""Faults put into real processes: each promise of the kernel when it is killed, locked out or out of room.

The short forms run with all tests; `make test-faults` sets `CRM_TEST_FAULTS` and runs the long ones.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from crm_kernel.testing.databases import Databases
from crm_kernel.testing.kit import NewDatabase
from tests.acceptance.http.conftest import app_folder
from tests.faults.serving import App
from tests.looking import Looker

T = TypeVar("T")

LONG = bool(os.environ.get("CRM_TEST_FAULTS"))


def form(short: T, long: T) -> T:
    """What holds for the form of these tests that is run."""
    return long if LONG else short


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, kept_database: NewDatabase) -> tuple[Path, str, dict[str, str]]:
    """An app with documents, people and tokens that nobody serves: folder, database, tokens."""
    folder = tmp_path_factory.mktemp("faults")
    database = kept_database(folder)
    return folder, database, app_folder(folder, database)


@pytest.fixture
def app(
    template: tuple[Path, str, dict[str, str]], tmp_path: Path, new_database: NewDatabase, crm_databases: Databases
) -> Iterator[App]:
    """An app of the test's own, not yet served."""
    source, database, tokens = template
    folder = tmp_path / "app"
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("crm.db*"))
    copy = new_database(folder, database)
    toml = folder / "crm.toml"
    toml.write_text(toml.read_text("utf-8").replace(database, copy), "utf-8")
    assert copy.startswith(crm_databases.engine)
    app = App(folder, copy, tokens)
    yield app
    app.give_up()


@pytest.fixture
def look(app: App) -> Iterator[Looker]:
    """Looks into the app's database from outside."""
    looker = Looker(app.database)
    yield looker
    looker.close()


def told(capsys: pytest.CaptureFixture[str], what: str, **figures: Any) -> None:
    """Print measured figures, whether tests show output or not."""
    with capsys.disabled():
        print(f"\n  {what}: " + ", ".join(f"{name} {value}" for name, value in figures.items()))
