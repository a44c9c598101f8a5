"""One writer, shared COMMITs, savepoints: what is acknowledged is durable, and what failed left nothing."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from math import inf
from pathlib import Path
from time import monotonic

import pytest

from crm_kernel.errors import Error
from crm_kernel.storage.ports import Tx
from crm_kernel.storage.sqlite_engine import SqliteEngine
from crm_kernel.storage.sqlite_writer import MOST

Work = Callable[[Tx], Awaitable[int]]


@pytest.fixture
async def table(engine: SqliteEngine) -> SqliteEngine:
    await engine.write(lambda tx: tx.execute("CREATE TABLE t (n INTEGER UNIQUE, text TEXT)"))
    return engine


def insert(number: int, text: str = "") -> Work:
    return lambda tx: tx.execute("INSERT INTO t VALUES (?, ?)", (number, text))


def joinable(number: int) -> Work:
    """Like `insert`, but it lets others come and wait, so that they share its COMMIT."""

    async def work(tx: Tx) -> int:
        await asyncio.sleep(0)
        return await insert(number)(tx)

    return work


async def numbers(engine: SqliteEngine) -> list[int]:
    return [row[0] for row in await engine.read("SELECT n FROM t ORDER BY rowid")]


def outside(path: Path, sql: str) -> list[tuple[object, ...]]:
    """What another program sees in the file, or does to it."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


async def test_it_is_known_when_another_process_writes(table: SqliteEngine, path: Path) -> None:
    await table.write(insert(1))
    assert table.others_wrote == -inf
    outside(path, "INSERT INTO t VALUES (2, '')")
    before = monotonic()
    await table.write(insert(3))
    assert before <= (noticed := table.others_wrote) <= monotonic()
    await table.write(insert(4))
    assert table.others_wrote == noticed


async def test_waiting_operations_share_commits_in_order(table: SqliteEngine) -> None:
    before = table.commits
    await asyncio.gather(*(table.write(insert(n)) for n in range(200)))
    assert table.commits - before <= 5
    assert await numbers(table) == list(range(200))


async def test_a_group_has_an_end(table: SqliteEngine) -> None:
    before = table.commits
    await asyncio.gather(*(table.write(insert(n)) for n in range(2 * MOST + 1)))
    assert table.commits - before >= 3


async def test_a_group_lasts_no_longer_than_others_can_wait(table: SqliteEngine) -> None:
    async def slow(tx: Tx) -> None:
        await asyncio.sleep(0.06)
        await tx.execute("INSERT INTO t (text) VALUES ('slow')")

    before = table.commits
    await asyncio.gather(*(table.write(slow) for _ in range(4)))
    assert table.commits - before == 2


async def test_an_answer_means_durable(table: SqliteEngine, path: Path) -> None:
    await table.write(insert(1, "kept"))
    assert outside(path, "SELECT n, text FROM t") == [(1, "kept")]


async def test_nobody_sees_what_is_not_committed(table: SqliteEngine, path: Path) -> None:
    async def work(tx: Tx) -> None:
        await tx.execute("INSERT INTO t VALUES (1, '')")
        assert await tx.read("SELECT count(*) FROM t") == [(1,)]
        assert await table.read("SELECT count(*) FROM t") == [(0,)]
        assert outside(path, "SELECT count(*) FROM t") == [(0,)]

    await table.write(work)
    assert await numbers(table) == [1]


async def test_one_that_raises_takes_only_itself_back(table: SqliteEngine) -> None:
    async def fails(tx: Tx) -> None:
        await tx.execute("INSERT INTO t VALUES (2, '')")
        raise ValueError("no")

    before = table.commits
    done = await asyncio.gather(
        table.write(joinable(1)), table.write(fails), table.write(insert(3)), return_exceptions=True
    )
    assert [str(d) for d in done] == ["1", "no", "1"]
    assert await numbers(table) == [1, 3]
    assert table.commits - before <= 2


async def test_one_that_fails_alone_needs_no_commit(table: SqliteEngine) -> None:
    async def fails(_tx: Tx) -> None:
        raise ValueError("no")

    before = table.commits
    with pytest.raises(ValueError, match="no"):
        await table.write(fails)
    assert table.commits == before
    await table.write(insert(1))


async def test_a_cancelled_operation_leaves_nothing(table: SqliteEngine) -> None:
    begun = asyncio.Event()

    async def endless(tx: Tx) -> None:
        await tx.execute("INSERT INTO t VALUES (1, '')")
        begun.set()
        await asyncio.Event().wait()

    running = asyncio.create_task(table.write(endless))
    await begun.wait()
    waiting = asyncio.create_task(table.write(insert(2)))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await waiting
    assert await numbers(table) == [2]


async def test_who_is_cancelled_while_waiting_holds_nobody_up(table: SqliteEngine) -> None:
    begun = asyncio.Event()
    release = asyncio.Event()

    async def first(tx: Tx) -> None:
        begun.set()
        await release.wait()
        await tx.execute("INSERT INTO t VALUES (1, '')")

    running = asyncio.create_task(table.write(first))
    await begun.wait()
    waiting = [asyncio.create_task(table.write(insert(n))) for n in (2, 3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    release.set()
    await running
    await waiting[1]
    with pytest.raises(asyncio.CancelledError):
        await waiting[0]
    assert await numbers(table) == [1, 3]


async def test_the_turn_is_handed_on_by_who_is_cancelled_as_he_gets_it(table: SqliteEngine) -> None:
    begun = asyncio.Event()
    tasks: list[asyncio.Task[int]] = []

    async def first(tx: Tx) -> int:
        begun.set()
        await asyncio.sleep(0.001)
        # The next one gets the turn when this returns, and his cancellation before he has run.
        asyncio.get_running_loop().call_soon(tasks[0].cancel)
        return await tx.execute("INSERT INTO t VALUES (1, '')")

    running = asyncio.create_task(table.write(first))
    await begun.wait()
    tasks += [asyncio.create_task(table.write(insert(n))) for n in (2, 3)]
    await running
    await tasks[1]
    assert tasks[0].cancelled() or tasks[0].done()
    assert 3 in await numbers(table)


async def test_who_is_cancelled_after_his_work_is_still_stored(table: SqliteEngine) -> None:
    worked = asyncio.Event()

    async def work(tx: Tx) -> None:
        await tx.execute("INSERT INTO t VALUES (1, '')")
        worked.set()

    task = asyncio.create_task(table.write(work))
    await worked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await table.write(insert(2))
    assert await numbers(table) == [1, 2]


async def test_busy_when_another_process_keeps_the_file(table: SqliteEngine, path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Error) as refused:
        await table.write(insert(1))
    assert (refused.value.code, refused.value.headers) == ("busy", {"Retry-After": "1"})
    assert await numbers(table) == []
    waiting = [asyncio.create_task(table.write(insert(n))) for n in (2, 3)]
    asyncio.get_running_loop().call_later(0.01, other.execute, "COMMIT")
    await asyncio.gather(*waiting)
    other.close()
    assert await numbers(table) == [2, 3]


async def test_all_who_wait_for_the_file_are_refused_in_time(table: SqliteEngine, path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    started = asyncio.get_running_loop().time()
    done = await asyncio.gather(*(table.write(insert(n)) for n in range(20)), return_exceptions=True)
    assert {d.code for d in done if isinstance(d, Error)} == {"busy"}
    assert len(done) == 20
    assert asyncio.get_running_loop().time() - started < 1  # not one patience after another
    other.close()


@pytest.mark.parametrize("size", [100_000, 2_000_000])
async def test_a_full_disk_is_an_error_and_not_a_loss(table: SqliteEngine, size: int) -> None:
    await table.write(insert(1))
    pages = (await table.read("PRAGMA page_count"))[0][0]
    await table.write(lambda tx: tx.execute(f"PRAGMA max_page_count = {pages + 5}"))
    done = await asyncio.gather(
        table.write(joinable(2)),
        table.write(insert(3, "x" * size)),
        return_exceptions=True,
    )
    assert isinstance(done[1], Error)
    assert done[1].code == "disk_full"
    stored = await numbers(table)
    assert 3 not in stored
    assert (2 in stored) == (done[0] == 1)
    await table.write(lambda tx: tx.execute("PRAGMA max_page_count = 100000"))
    await table.write(insert(3, "x" * size))
    assert 3 in await numbers(table)


async def test_a_group_that_sqlite_gave_up_fails_as_a_whole(table: SqliteEngine) -> None:
    async def gives_up(tx: Tx) -> None:
        await tx.execute("INSERT INTO t VALUES (2, '')")
        await tx.execute("ROLLBACK")
        await tx.execute("SELECT nothing FROM nowhere")

    done = await asyncio.gather(
        table.write(joinable(1)), table.write(gives_up), table.write(insert(3)), return_exceptions=True
    )
    assert isinstance(done[0], sqlite3.OperationalError)
    assert isinstance(done[1], sqlite3.OperationalError)
    assert done[2] == 1
    assert await numbers(table) == [3]


async def test_a_group_given_up_by_a_cancellation_is_busy_for_the_others(table: SqliteEngine) -> None:
    async def gives_up(tx: Tx) -> None:
        await tx.execute("ROLLBACK")
        raise asyncio.CancelledError

    done = await asyncio.gather(table.write(joinable(1)), table.write(gives_up), return_exceptions=True)
    assert isinstance(done[0], Error)
    assert done[0].code == "busy"


async def test_a_savepoint_that_is_gone_fails_the_group(table: SqliteEngine) -> None:
    async def breaks(tx: Tx) -> None:
        await tx.execute("RELEASE operation")
        raise ValueError("no")

    done = await asyncio.gather(table.write(joinable(1)), table.write(breaks), return_exceptions=True)
    assert isinstance(done[0], sqlite3.OperationalError)
    assert isinstance(done[1], ValueError)
    assert await numbers(table) == []


async def test_a_commit_that_fails_fails_all_its_operations(table: SqliteEngine) -> None:
    table._writer._connection.execute("PRAGMA foreign_keys = ON")  # the one way to let a COMMIT itself fail
    await table.write(lambda tx: tx.execute("CREATE TABLE p (id INTEGER PRIMARY KEY)"))
    await table.write(
        lambda tx: tx.execute("CREATE TABLE c (p INTEGER REFERENCES p (id) DEFERRABLE INITIALLY DEFERRED)")
    )
    done = await asyncio.gather(
        table.write(joinable(1)),
        table.write(lambda tx: tx.execute("INSERT INTO c VALUES (9)")),
        return_exceptions=True,
    )
    assert all(isinstance(d, sqlite3.IntegrityError) for d in done)
    assert await numbers(table) == []
    await table.write(insert(2))
    assert await numbers(table) == [2]


async def test_an_operation_inside_an_operation_is_refused(table: SqliteEngine) -> None:
    async def nested(_tx: Tx) -> None:
        await table.write(insert(1))

    with pytest.raises(RuntimeError, match="wait for itself"):
        await table.write(nested)
    await table.write(insert(2))


async def test_a_pause_leaves_the_file_to_others(path: Path) -> None:
    engine = SqliteEngine(path, pause_after_commit=0.05)
    await engine.open()
    await engine.write(lambda tx: tx.execute("CREATE TABLE t (n)"))
    loop = asyncio.get_running_loop()
    started = loop.time()
    await engine.write(lambda tx: tx.execute("INSERT INTO t VALUES (1)"))
    assert loop.time() - started >= 0.04
    await engine.close()


async def test_closing_lets_the_waiting_finish(path: Path) -> None:
    engine = SqliteEngine(path)
    await engine.open()
    await engine.write(lambda tx: tx.execute("CREATE TABLE t (n)"))
    writes = [asyncio.create_task(engine.write(lambda tx: tx.execute("INSERT INTO t VALUES (1)"))) for _ in range(9)]
    await asyncio.sleep(0)
    await engine.close()
    await asyncio.gather(*writes)
    assert outside(path, "SELECT count(*) FROM t") == [(9,)]
    with pytest.raises(RuntimeError, match="closed"):
        await engine.write(lambda tx: tx.execute("INSERT INTO t VALUES (1)"))
