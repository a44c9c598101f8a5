"""Who announces a change has been heard by every process when his operation ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from crm_kernel.storage.ports import Tx
from crm_kernel.storage.postgres_engine import PostgresEngine
from crm_kernel.storage.postgres_listening import lock_of
from crm_kernel.storage.postgres_sessions import Session, Target

SHOW = "SELECT pg_advisory_lock_shared(?, ?)"
SHOWN = (
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
SHOW_NOTHING = "SELECT pg_advisory_unlock_all()"


async def test_the_other_process_has_heard_of_what_is_announced(engine: PostgresEngine, second: PostgresEngine) -> None:
    async def nothing(tx: Tx) -> None:
        await tx.announce()
        await tx.announce()
        raise ValueError("no")

    before = engine.data_version(), second.data_version()
    with pytest.raises(ValueError, match="no"):
        await engine.write(nothing)
    assert (engine.data_version(), second.data_version()) == before
    await engine.write(lambda tx: tx.announce())
    assert (engine.data_version(), second.data_version()) == (before[0] + 1, before[1] + 1)
    await second.write(lambda tx: tx.announce())
    assert (engine.data_version(), second.data_version()) == (before[0] + 2, before[1] + 2)


@pytest.fixture
async def slow(url: str) -> AsyncIterator[Session]:
    """The connection of a process that keeps what it has read."""
    session = Session(await Target(url, '"public"').connect({}))
    yield session
    await session.close()


async def test_who_announces_waits_for_a_process_that_is_slow_to_hear(engine: PostgresEngine, slow: Session) -> None:
    version = engine.data_version()
    await slow.rows(SHOW, lock_of(0))
    announced = asyncio.create_task(engine.write(lambda tx: tx.announce()))
    async with asyncio.timeout(5):
        while engine.data_version() == version:  # noqa: ASYNC110 - the COMMIT comes first
            await asyncio.sleep(0.01)
    assert not announced.done()
    await slow.rows(SHOW_NOTHING, ())
    await announced


async def test_a_process_that_never_hears_is_left_behind(
    engine: PostgresEngine, slow: Session, caplog: pytest.LogCaptureFixture
) -> None:
    await slow.rows(SHOW, lock_of(0))
    await engine.write(lambda tx: tx.announce())
    assert "did not hear" in caplog.text


async def test_nobody_waits_for_those_who_begin_and_end_meanwhile(url: str, engine: PostgresEngine) -> None:
    async def come_and_go() -> None:
        for _ in range(20):
            other = PostgresEngine(url)
            await other.open()
            before = engine.data_version(), other.data_version()
            await other.write(lambda tx: tx.announce())
            assert engine.data_version() != before[0]
            assert other.data_version() != before[1]
            await other.close()

    await asyncio.gather(*(come_and_go() for _ in range(3)))
    async with asyncio.timeout(5):
        while await engine.read(SHOWN) != [(1,)]:  # noqa: ASYNC110 - the server sees a moment later who has ended
            await asyncio.sleep(0.01)
