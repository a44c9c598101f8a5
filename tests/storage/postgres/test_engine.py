"""Operations beside each other, lost connections, limits."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from crm_kernel.errors import ConfigError, Error
from crm_kernel.storage.ports import NotUnique, Tx
from crm_kernel.storage.postgres_engine import PostgresEngine

NAMES = "SELECT name FROM item ORDER BY seq"


async def names(engine: PostgresEngine) -> list[str]:
    return [name for (name,) in await engine.read(NAMES)]


async def test_a_deadlock_is_run_again(engine: PostgresEngine) -> None:
    both = asyncio.Barrier(2)
    tries: list[int] = []

    async def change(first: int, second: int) -> None:
        async def work(tx: Tx) -> None:
            tries.append(first)
            await tx.execute("UPDATE item SET name = name || ? WHERE seq = ?", (str(first), first))
            if len(tries) <= 2:
                await both.wait()
            await tx.execute("UPDATE item SET name = name || ? WHERE seq = ?", (str(first), second))

        await engine.write(work)

    await asyncio.gather(change(1, 2), change(2, 1))
    assert len(tries) == 3
    assert [sorted(name) for name in await names(engine)] == [["1", "2", "a"], ["1", "2", "b"]]


async def test_whoever_goes_on_after_a_failed_statement_is_told(engine: PostgresEngine) -> None:
    async def work(tx: Tx) -> str:
        await tx.execute("INSERT INTO item (name) VALUES ('c')")
        with pytest.raises(Exception, match="does not exist"):
            await tx.read("SELECT nothing FROM item")
        return "done"

    with pytest.raises(RuntimeError, match="rolled back"):
        await engine.write(work)
    assert await names(engine) == ["a", "b"]


async def test_what_was_written_is_there_for_the_next_statement_in_its_order(engine: PostgresEngine) -> None:
    await engine.write(lambda tx: tx.execute("CREATE TABLE other (name text)"))
    add = "INSERT INTO item (name) VALUES (?)"

    async def work(tx: Tx) -> None:
        await tx.executemany(add, [("c",)])
        await tx.executemany("UPDATE item SET name = name || ? WHERE name = ?", [("!", "c")])
        await tx.executemany("INSERT INTO other VALUES (?)", [("d",)])
        assert await tx.read("SELECT name FROM item WHERE seq = 3") == [("c!",)]
        await tx.executemany(add, [("e",)])
        await tx.executemany("INSERT INTO other VALUES (?)", [("f",)])
        await tx.executemany("INSERT INTO other VALUES (?)", [])

    await engine.write(work)
    assert await names(engine) == ["a", "b", "c!", "e"]
    assert await engine.read("SELECT name FROM other ORDER BY 1") == [("d",), ("f",)]


async def with_notes(engine: PostgresEngine) -> None:
    """Items with a version, and numbered notes of them."""
    await engine.write(lambda tx: tx.execute("ALTER TABLE item ADD id text, ADD version int NOT NULL DEFAULT 1"))
    await engine.write(lambda tx: tx.execute("UPDATE item SET id = name"))
    await engine.write(lambda tx: tx.execute(f"CREATE TABLE note (seq {engine.dialect.sequence_ddl}, text text)"))


async def append(tx: Tx, text: str, pause: asyncio.Barrier | None = None) -> None:
    """Read an item, wait, and write it with a note, as an update of a record does."""
    ((name, version),) = await tx.hold("SELECT name, version FROM item AS t WHERE id = ?", ("a",), one=True)
    if pause is not None:
        await pause.wait()
    change = "UPDATE item SET name = ?, version = ? WHERE id = ? AND version = ?"
    await tx.executemany(change, [(name + text, version + 1, "a", version)])
    await tx.executemany("INSERT INTO note (text) VALUES (?)", [(text,)])


async def test_of_two_that_change_what_they_read_the_later_reads_again(engine: PostgresEngine) -> None:
    await with_notes(engine)
    both = asyncio.Barrier(2)
    first = [both, both]

    async def work(tx: Tx, text: str) -> None:
        await append(tx, text, first.pop() if first else None)

    await asyncio.gather(engine.write(lambda tx: work(tx, "x")), engine.write(lambda tx: work(tx, "y")))
    assert sorted((await names(engine))[0]) == ["a", "x", "y"]
    assert sorted(await engine.read("SELECT text FROM note")) == [("x",), ("y",)]


async def test_what_was_read_to_be_changed_is_locked_from_the_first_lock_on(engine: PostgresEngine) -> None:
    await with_notes(engine)
    seen: list[str] = []

    async def work(tx: Tx) -> None:
        ((name, _),) = await tx.hold("SELECT name, version FROM item AS t WHERE id = ?", ("a",), one=True)
        seen.append(name)
        if len(seen) == 1:
            await engine.read("SELECT 1")
            await asyncio.create_task(engine.write(lambda other: append(other, "!")))
        await tx.lock("rule")
        await tx.executemany("INSERT INTO note (text) VALUES (?)", [(name,)])

    await engine.write(work)
    assert seen == ["a", "a!"]
    assert await engine.read("SELECT text FROM note ORDER BY 1") == [("!",), ("a!",)]


async def test_a_record_written_with_what_belongs_to_it_is_one_transaction_by_itself(engine: PostgresEngine) -> None:
    await with_notes(engine)
    with pytest.raises(Exception, match="not-null"):
        await engine.write(lambda tx: _both(tx, None))
    assert await engine.read("SELECT text FROM note") == []
    assert await names(engine) == ["a", "b"]


async def _both(tx: Tx, version: int | None) -> None:
    await tx.executemany("INSERT INTO note (text) VALUES (?)", [("kept?",)])
    await tx.executemany("INSERT INTO item (name, version) VALUES (?, ?)", [("c", version)])


async def test_what_is_not_unique_is_named(engine: PostgresEngine) -> None:
    await engine.write(lambda tx: tx.execute('CREATE TABLE pair (one text, "Two" text, UNIQUE (one, "Two"))'))
    await engine.write(lambda tx: tx.execute("INSERT INTO pair VALUES ('x', 'y')"))
    with pytest.raises(NotUnique) as caught:
        await engine.write(lambda tx: tx.execute("INSERT INTO pair VALUES ('x', 'y')"))
    assert (caught.value.table, caught.value.columns) == ("pair", ("one", "Two"))


async def test_named_locks_are_held_until_commit(engine: PostgresEngine, second: PostgresEngine) -> None:
    inside: list[str] = []

    async def work(tx: Tx, *keys: str) -> None:
        await tx.lock(*keys)
        inside.append("in")
        assert len(inside) == 1, "two at once"
        await asyncio.sleep(0.005)
        inside.clear()

    orders = [("a", "b"), ("b", "a")] * 5
    await asyncio.gather(*(e.write(lambda tx, k=keys: work(tx, *k)) for e in (engine, second) for keys in orders))


async def test_who_waits_too_long_is_told_so(engine: PostgresEngine) -> None:
    holds, done = asyncio.Event(), asyncio.Event()

    async def hold(tx: Tx) -> None:
        await tx.execute("UPDATE item SET name = 'mine'")
        holds.set()
        await done.wait()

    holder = asyncio.create_task(engine.write(hold))
    await holds.wait()
    with pytest.raises(Error) as caught:
        await engine.write(lambda tx: tx.execute("UPDATE item SET name = 'yours'"))
    assert (caught.value.code, caught.value.headers["Retry-After"]) == ("busy", "1")
    done.set()
    await holder
    assert await names(engine) == ["mine", "mine"]


@pytest.mark.parametrize("how", ["read", "read_heavy"])
async def test_a_long_query_ends_at_the_limit(engine: PostgresEngine, how: str) -> None:
    with pytest.raises(Error) as caught:
        await getattr(engine, how)("SELECT pg_sleep(30)")
    assert caught.value.code == "busy"
    assert await names(engine) == ["a", "b"]


async def test_readers_cannot_write(engine: PostgresEngine) -> None:
    with pytest.raises(Exception, match="read-only"):
        await engine.read("INSERT INTO item (name) VALUES ('c') RETURNING name")


async def test_an_operation_inside_an_operation_is_refused(engine: PostgresEngine) -> None:
    async def work(_: Tx) -> None:
        await engine.write(work)

    with pytest.raises(RuntimeError, match="inside an operation"):
        await engine.write(work)


async def test_a_transaction_is_of_no_use_after_its_operation(engine: PostgresEngine) -> None:
    kept: list[Tx] = []

    async def work(tx: Tx) -> None:
        kept.append(tx)

    await engine.write(work)
    with pytest.raises(RuntimeError, match="has ended"):
        await kept[0].read(NAMES)


async def test_a_cancelled_operation_leaves_nothing(engine: PostgresEngine) -> None:
    started = asyncio.Event()

    async def work(tx: Tx) -> None:
        await tx.execute("INSERT INTO item (name) VALUES ('c')")
        started.set()
        await tx.read("SELECT pg_sleep(30)")

    for _ in range(10):  # more than there are sessions
        task = asyncio.create_task(engine.write(work))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        started.clear()
    assert await names(engine) == ["a", "b"]


async def test_lost_connections_are_busy_once_and_heal(engine: PostgresEngine, second: PostgresEngine) -> None:
    assert await names(engine) == ["a", "b"]
    version = engine.data_version()
    await second.write(
        lambda tx: tx.read("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                           " AND datname = current_database()")
    )  # fmt: skip

    refused: list[Error] = []

    async def attempt() -> Any:
        try:
            return await names(engine)
        except Error as error:
            refused.append(error)

    async with asyncio.timeout(5):
        # Nobody tells when the server has ended them.
        while await attempt() != ["a", "b"] or engine.data_version() < version + 2:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert {(error.code, error.headers["Retry-After"]) for error in refused} <= {("busy", "1")}


async def test_a_claim_is_one_processes_until_its_connection_breaks(
    engine: PostgresEngine, second: PostgresEngine
) -> None:
    claims = await asyncio.gather(*(engine.claim("work") for _ in range(3)))
    assert len(set(claims)) == 1
    assert claims[0] > 0
    assert await second.claim("work") == 0
    holders = (
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    await second.write(lambda tx: tx.read(holders))
    async with asyncio.timeout(20):
        while not await second.claim("work"):  # noqa: ASYNC110 - nobody tells when it has ended
            await asyncio.sleep(0.01)
        while await engine.claim("mine") <= claims[0]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert await engine.claim("work") == 0


async def test_an_index_whose_build_broke_off_is_built_anew(engine: PostgresEngine) -> None:
    sql = 'CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS "item_name" ON item (name)'
    await engine.write(lambda tx: tx.execute("UPDATE item SET name = 'same'"))
    with pytest.raises(NotUnique):
        await engine.build_index("item_name", sql)
    assert await engine.read(engine.dialect.indexes_sql) == []  # it is there, and of no use
    await engine.write(lambda tx: tx.execute("UPDATE item SET name = CAST(seq AS text)"))
    await engine.build_index("item_name", sql)
    assert await engine.read(engine.dialect.indexes_sql) == [("item", "item_name")]


async def test_a_scratch_copy_is_tried_on_and_gone(engine: PostgresEngine) -> None:
    async with engine.scratch() as copy:
        await copy.write(lambda tx: tx.execute("INSERT INTO item (name) VALUES ('c')"))
        assert await copy.read("SELECT seq, name FROM item ORDER BY seq") == [(1, "a"), (2, "b"), (3, "c")]
        assert await names(engine) == ["a", "b"]
        assert await copy.settled("item") == 3
    schemas = await engine.read("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'crm_scratch%'")
    assert schemas == []


async def test_a_database_that_is_not_there_is_said_without_its_password() -> None:
    engine = PostgresEngine("postgresql://ann:secret@127.0.0.1:1/none")
    with pytest.raises(ConfigError) as caught:
        await engine.open()
    assert str(caught.value).startswith("The database postgresql://127.0.0.1:1/none cannot be used: ")
    assert "secret" not in str(caught.value)
