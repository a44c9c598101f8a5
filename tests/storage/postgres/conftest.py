"""What only PostgreSQL does: these tests run with `--crm-engine postgresql`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from crm_kernel.storage.postgres_engine import PostgresEngine


@pytest.fixture
async def engine(url: str) -> AsyncIterator[PostgresEngine]:
    """An open engine on an empty database with a table of numbered texts."""
    opened = PostgresEngine(url, patience=1.5, heavy_limit=0.5)
    await opened.open()
    await opened.write(lambda tx: tx.execute(f"CREATE TABLE item (seq {opened.dialect.sequence_ddl}, name text)"))
    await opened.write(lambda tx: tx.executemany("INSERT INTO item (name) VALUES (?)", [("a",), ("b",)]))
    yield opened
    await opened.close()


@pytest.fixture
async def second(url: str) -> AsyncIterator[PostgresEngine]:
    """The same database in another process."""
    opened = PostgresEngine(url, patience=1.0)
    await opened.open()
    yield opened
    await opened.close()
