"""No row is skipped whose number was taken before others and whose COMMIT came after theirs."""

from __future__ import annotations

import asyncio

from crm_kernel.storage.ports import Tx
from crm_kernel.storage.postgres_engine import PostgresEngine
from crm_kernel.testing.kit import NewDatabase

ADD = "INSERT INTO item (name) VALUES (?)"


async def test_a_row_in_flight_is_waited_for(engine: PostgresEngine, second: PostgresEngine) -> None:
    taken, go_on = asyncio.Event(), asyncio.Event()

    async def slow(tx: Tx) -> None:
        await tx.execute(ADD, ("slow",))
        taken.set()
        await go_on.wait()

    assert await engine.settled("item") == 2
    task = asyncio.create_task(second.write(slow))
    await taken.wait()
    await engine.write(lambda tx: tx.execute(ADD, ("fast",)))
    assert await engine.read("SELECT max(seq) FROM item") == [(4,)]
    assert [await engine.settled("item") for _ in range(3)] == [2, 2, 2]
    go_on.set()
    await task
    assert await engine.settled("item") == 4


async def test_many_writers_and_a_reader_that_goes_on_from_what_is_settled(
    engine: PostgresEngine, second: PostgresEngine
) -> None:
    writers = 8
    done = 0

    async def write(own: PostgresEngine, name: str) -> None:
        async def work(tx: Tx) -> None:
            await tx.execute(ADD, (name,))
            await asyncio.sleep(0.001 * (hash(name) % 4))
            await tx.execute(ADD, (name,))

        for _ in range(10):
            await own.write(work)
        nonlocal done
        done += 1

    seen: list[int] = []
    reader = PostgresEngine(engine.url)
    await reader.open()

    async def read() -> None:
        position = 0
        while True:
            ended = done == writers
            until = await reader.settled("item")
            found = await reader.read("SELECT seq FROM item WHERE seq > ? AND seq <= ? ORDER BY seq", (position, until))
            seen.extend(seq for (seq,) in found)
            position = until
            if ended:
                return
            await asyncio.sleep(0)

    await asyncio.gather(read(), *(write((engine, second)[n % 2], f"w{n}") for n in range(writers)))
    await reader.close()
    assert seen == [seq for (seq,) in await engine.read("SELECT seq FROM item ORDER BY seq")]
    assert len(seen) == 2 + writers * 20


async def test_writes_of_other_databases_hold_nothing_up(
    engine: PostgresEngine, new_database: NewDatabase, tmp_path: object
) -> None:
    other = PostgresEngine(new_database(tmp_path))
    await other.open()
    began, go_on = asyncio.Event(), asyncio.Event()

    async def long(_: Tx) -> None:
        began.set()
        await go_on.wait()

    task = asyncio.create_task(other.write(long))
    await began.wait()
    await engine.write(lambda tx: tx.execute(ADD, ("c",)))
    assert await engine.settled("item") == 3
    go_on.set()
    await task
    await other.close()


async def test_a_table_that_is_not_there_has_no_numbers(engine: PostgresEngine) -> None:
    assert await engine.settled("nothing") == 0
    await engine.write(lambda tx: tx.execute(f"CREATE TABLE nothing (seq {engine.dialect.sequence_ddl}, name text)"))
    assert await engine.settled("nothing") == 0
