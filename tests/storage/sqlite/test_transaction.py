"""One operation inside a transaction: callbacks, slow statements, and its end."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from pathlib import Path

import pytest

from crm_kernel.storage.ports import Tx
from crm_kernel.storage.sqlite_engine import SqliteEngine


@pytest.fixture
async def table(engine: SqliteEngine) -> SqliteEngine:
    await engine.write(lambda tx: tx.execute("CREATE TABLE t (n INTEGER UNIQUE, text TEXT)"))
    return engine


async def numbers(engine: SqliteEngine) -> list[int]:
    return [row[0] for row in await engine.read("SELECT n FROM t ORDER BY rowid")]


def outside(path: Path, sql: str) -> list[tuple[object, ...]]:
    """What another program sees in the file."""
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


async def test_callbacks_come_after_the_commit_and_before_the_answer(
    table: SqliteEngine, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[object] = []

    def fault() -> None:
        raise ValueError("a callback's own")

    async def work(tx: Tx) -> None:
        tx.after_commit(lambda: seen.append(outside(path, "SELECT n FROM t")))
        tx.after_commit(fault)
        tx.after_commit(lambda: seen.append("last"))
        await tx.execute("INSERT INTO t VALUES (7, '')")

    async def fails(tx: Tx) -> None:
        tx.after_commit(lambda: seen.append("never"))
        raise ValueError("no")

    with caplog.at_level(logging.ERROR):
        await table.write(work)
    assert seen == [[(7,)], "last"]
    assert "callback after a commit" in caplog.text
    with pytest.raises(ValueError, match="no"):
        await table.write(fails)
    assert "never" not in seen


async def test_a_transaction_ends_with_its_operation(table: SqliteEngine) -> None:
    kept: list[Tx] = []

    async def work(tx: Tx) -> None:
        kept.append(tx)

    await table.write(work)
    with pytest.raises(RuntimeError, match="has ended"):
        await kept[0].execute("DELETE FROM t")
    with pytest.raises(RuntimeError, match="has ended"):
        await kept[0].executemany("DELETE FROM t WHERE n = ?", [(1,)])


async def test_a_slow_statement_keeps_no_reader_waiting(table: SqliteEngine) -> None:
    reads = 0
    slow = "INSERT INTO t (text) WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 300000)"
    write = asyncio.create_task(table.write(lambda tx: tx.execute_aside(slow + " SELECT 'x' FROM c")))
    while not write.done():
        await table.read("SELECT count(*) FROM t")
        reads += 1
        await asyncio.sleep(0)
    await write
    assert reads > 10


async def test_a_slow_statement_ends_before_it_is_taken_back(table: SqliteEngine) -> None:
    slow = "INSERT INTO t (text) WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 300000)"
    begun = asyncio.Event()

    async def work(tx: Tx) -> None:
        begun.set()
        await tx.execute_aside(slow + " SELECT 'x' FROM c")

    task = asyncio.create_task(table.write(work))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await numbers(table) == []


async def test_named_locks_are_free_where_writes_are_serial(table: SqliteEngine) -> None:
    before = table.statements
    await table.write(lambda tx: tx.lock("listener:1"))
    assert table.statements == before
