"""Single values, and the epoch."""

from __future__ import annotations

from pathlib import Path

from crm_kernel.storage import meta
from crm_kernel.storage.sqlite.engine import SqliteEngine


async def test_values(database: SqliteEngine) -> None:
    assert await meta.get(database, "a") is None
    for value in ("1", "2"):
        await database.write(lambda tx, value=value: meta.put(tx, "a", value))
        assert await meta.get(database, "a") == value


async def test_other_processes_see_the_epoch_change(database: SqliteEngine, path: Path) -> None:
    other = SqliteEngine(path)
    await other.open()
    version = other.data_version()
    assert await meta.epoch(other) == 0
    for expected in (1, 2):
        await database.write(meta.bump_epoch)
        assert await meta.epoch(other) == expected
    assert other.data_version() != version
    await other.close()
