"""The history of records."""

from __future__ import annotations

from decimal import Decimal

from crm_kernel.storage import history
from crm_kernel.storage.history import HistoryEntry
from crm_kernel.storage.ports import Database

AT = "2026-03-01T10:00:00Z"


def entry(record: str, version: int, **more: object) -> HistoryEntry:
    return HistoryEntry("contact", record, version, AT, "update", "u1", "api", **more)  # type: ignore[arg-type]


async def test_newest_first_in_pages(database: Database) -> None:
    await database.write(lambda tx: history.add(tx, [entry("a", n) for n in range(1, 6)] + [entry("b", 1)]))
    newest = await history.of_record(database, "contact", "a", limit=2)
    assert [e.version for e in newest] == [5, 4]
    older = await history.of_record(database, "contact", "a", before=newest[-1].seq)
    assert [e.version for e in older] == [3, 2, 1]


async def test_changes_are_kept_exactly(database: Database) -> None:
    changes = {"budget": [None, {"amount": Decimal("250000.50"), "currency": "EUR"}]}
    stored = entry("a", 1, changes=changes, cause={"plugin": "x"}, move={"from": None, "to": "new"})
    await database.write(lambda tx: history.add(tx, [stored]))
    found = await history.of_record(database, "contact", "a")
    assert [e._replace(seq=0) for e in found] == [stored]
    assert await database.read("SELECT changes FROM crm_history") == [
        ('{"budget":[null,{"amount":250000.50,"currency":"EUR"}]}',)
    ]


async def test_of_several_records_with_the_changes_from_a_version_on(database: Database) -> None:
    written = [entry(record, n, changes={"name": n}) for n in range(1, 4) for record in "abc"]
    await database.write(lambda tx: history.add(tx, written))
    found = await history.of_records(database, "contact", {"a": 1, "b": 3, "gone": 1})
    assert {record: [(e.version, e.changes) for e in entries] for record, entries in found.items()} == {
        "a": [(3, {"name": 3}), (2, {"name": 2}), (1, {"name": 1})],
        "b": [(3, {"name": 3}), (2, None), (1, None)],
        "gone": [],
    }
    assert (await history.of_records(database, "company", {"a": 1}))["a"] == []


async def test_a_purged_record_leaves_no_values(database: Database) -> None:
    await database.write(lambda tx: history.add(tx, [entry("a", 1, changes={"name": (None, "x")})]))
    await database.write(lambda tx: history.forget(tx, "contact", ["a"]))
    assert [e.changes for e in await history.of_record(database, "contact", "a")] == [None]
