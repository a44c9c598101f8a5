"""Stage history."""

from __future__ import annotations

from crm_kernel.storage import stages
from crm_kernel.storage.ports import Database
from crm_kernel.storage.stages import StageMove


async def test_moves_newest_first(database: Database) -> None:
    first = StageMove("contact", "a", "sales", None, "new", "2026-03-01T10:00:00Z", "u", None)
    second = StageMove("contact", "a", "sales", "new", "lost", "2026-03-02T10:00:00Z", "u", 86400, "price")
    await database.write(lambda tx: stages.add(tx, [first, second, second._replace(record="b")]))
    assert await stages.of_record(database, "contact", "a") == [second, first]
