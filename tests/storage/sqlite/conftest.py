"""SQLite files, whatever engine the other tests run on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crm_kernel.model import Model
from crm_kernel.storage.evolution import evolve
from crm_kernel.storage.sqlite_engine import SqliteEngine


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "crm.db"


@pytest.fixture
async def engine(path: Path) -> AsyncIterator[SqliteEngine]:
    """An open engine on an empty file."""
    opened = SqliteEngine(path, patience=0.2)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def database(engine: SqliteEngine, model: Model) -> SqliteEngine:
    """An engine with all tables."""
    await evolve(engine, model)
    return engine
