"""Single values, and the marks of what processes keep."""

from __future__ import annotations

import asyncio

from crm_kernel.storage import meta
from crm_kernel.storage.ports import Database


async def test_values(database: Database) -> None:
    assert await meta.get(database, "a") is None
    for value in ("1", "2"):
        await database.write(lambda tx, value=value: meta.put(tx, "a", value))
        assert await meta.get(database, "a") == value


async def test_other_processes_see_the_epoch_change(database: Database, other: Database) -> None:
    version = other.data_version()
    assert await meta.marks(other) == (0, 0, 0)
    await database.write(meta.bump_epoch)
    assert await meta.marks(other) == (1, 0, 0)
    assert await database.write(meta.bump_documents) == 1
    assert await meta.marks(other) == (2, 1, 0)
    async with asyncio.timeout(2):
        while other.data_version() == version:  # noqa: ASYNC110 - the news is on its way, without an event
            await asyncio.sleep(0.01)
