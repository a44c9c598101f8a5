"""How often log-ins may be tried."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from crm_kernel.errors import Error
from crm_kernel.kernel import Kernel
from crm_kernel.operations.attempts import ACCOUNT, PAIR, PEER, Attempts
from crm_kernel.storage.ports import Database
from crm_kernel.testing import TestCrm

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def attempts(crm: TestCrm) -> Attempts:
    crm.clock.set(NOW)
    return Attempts(crm.kernel)


async def passed(attempts: Attempts, account: str, peer: str) -> int | None:
    """None for an attempt that may be made, else the seconds to wait."""
    try:
        await attempts.count(account, peer)
    except Error as error:
        return int(error.headers["Retry-After"]) if error.code == "rate_limited" else -1
    return None


async def rows(database: Database) -> list[tuple[object, ...]]:
    return await database.read("SELECT key, clear_at FROM crm_attempt ORDER BY key")


@pytest.mark.contract("security.md#attempts-limited")
async def test_attempts_run_out_and_come_back_one_by_one(crm: TestCrm, attempts: Attempts) -> None:
    assert [await passed(attempts, "ilze", "1.2.3.4") for _ in range(PAIR.burst)] == [None] * PAIR.burst
    between = PAIR.seconds // PAIR.burst
    assert await passed(attempts, "ilze", "1.2.3.4") == between
    stored = await rows(crm.kernel.database)
    assert await passed(attempts, "ILZE ", "1.2.3.4") == between  # the same account
    assert await rows(crm.kernel.database) == stored  # what is refused is not counted
    assert await passed(attempts, "ilze", "1.2.3.5") is None
    assert await passed(attempts, "janis", "1.2.3.4") is None
    crm.clock.advance(timedelta(seconds=between))
    assert await passed(attempts, "ilze", "1.2.3.4") is None
    assert await passed(attempts, "ilze", "1.2.3.4") == between


async def test_one_peer_cannot_try_all_accounts(attempts: Attempts) -> None:
    for number in range(PEER.burst):
        assert await passed(attempts, f"user-{number}", "1.2.3.4") is None
    assert await passed(attempts, "another", "1.2.3.4") == PEER.seconds // PEER.burst
    assert await passed(attempts, "another", "1.2.3.5") is None


async def test_many_peers_cannot_try_one_account_for_ever(attempts: Attempts) -> None:
    for number in range(ACCOUNT.burst):
        assert await passed(attempts, "ilze", f"1.2.3.{number}") is None
    assert await passed(attempts, "ilze", "1.2.4.0") == ACCOUNT.seconds // ACCOUNT.burst


async def test_who_got_in_is_forgiven(crm: TestCrm, attempts: Attempts) -> None:
    for _ in range(PAIR.burst):
        await attempts.count("ilze", "1.2.3.4")
    await crm.kernel.database.write(lambda tx: attempts.forgive(tx, "ilze", "1.2.3.4"))
    assert await passed(attempts, "ilze", "1.2.3.4") is None
    assert len(await rows(crm.kernel.database)) == 3  # what the peer tried stays


@pytest.mark.contract("security.md#attempts-limited")
async def test_processes_count_together(crm: TestCrm, attempts: Attempts) -> None:
    elsewhere = await Kernel.open(crm.kernel.settings, clock=crm.clock)
    both = (attempts, Attempts(elsewhere))
    found = await asyncio.gather(*(passed(both[n % 2], "ilze", "1.2.3.4") for n in range(2 * PAIR.burst)))
    await elsewhere.close()
    assert found.count(None) == PAIR.burst


async def test_the_table_names_nobody_and_is_emptied(crm: TestCrm, attempts: Attempts) -> None:
    await attempts.count("ilze", "1.2.3.4")
    assert "ilze" not in str(await rows(crm.kernel.database))
    await attempts.prune()
    assert len(await rows(crm.kernel.database)) == 3
    crm.clock.advance(timedelta(seconds=ACCOUNT.seconds))
    await attempts.prune()
    assert await rows(crm.kernel.database) == []
