"""Jobs of plugins that are due by the clock."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from crm_kernel import Error
from crm_kernel.kernel import Kernel
from crm_kernel.operations import leases
from crm_kernel.operations.leases import Leases, Taken
from crm_kernel.storage import leases as stored_leases
from crm_kernel.testing import TestCrm
from tests.operations.conftest import MakeCrm

CODE = """
    ran = []
    wait = None
    async def nightly(crm):
        ran.append(crm.now())
        await crm.write([Change.create("contact", name=f"night {len(ran)}")])
        if wait is not None:
            await wait.wait()
        if len(ran) == 2:
            raise RuntimeError("no luck")
    @hookimpl
    def register_jobs(): return [Job(name="nightly", every="0 3 * * *", handle=nightly, timeout=TIMEOUT)]
"""
EVENING = datetime(2026, 1, 5, 20, 0, tzinfo=UTC)


def code(timeout: float = 60) -> str:
    return CODE.replace("TIMEOUT", str(timeout))


def module(crm: TestCrm) -> Any:
    """The module of the plugin as the kernel has loaded it."""
    return crm.kernel.plugins.jobs()[0][1].handle.__globals__


async def state(crm: TestCrm) -> dict[str, Any]:
    [job] = await crm.kernel.schedule.states()
    return job


@pytest_asyncio.fixture
async def crm(with_plugin: MakeCrm) -> TestCrm:
    crm = await with_plugin(code())
    crm.clock.set(EVENING)
    assert await crm.kernel.schedule.run_due() == []
    return crm


async def test_a_job_runs_at_its_time_and_not_before(crm: TestCrm) -> None:
    assert (await state(crm))["next_at"] == "2026-01-06T03:00:00Z"
    crm.clock.set(EVENING + timedelta(hours=7))
    assert await crm.kernel.schedule.run_due() == ["shop.nightly"]
    assert await crm.kernel.schedule.run_due() == []
    told = await state(crm)
    assert (told["last_at"], told["next_at"]) == ("2026-01-06T03:00:00Z", "2026-01-07T03:00:00Z")
    assert (told["error"], told["running"], told["calls"], told["errors"]) == (None, False, 1, 0)
    assert told["statements"] > 0
    written = (await crm.find("contact", "name = 'night 1'"))[0]
    sql = "SELECT channel, cause FROM crm_history WHERE record = ?"
    assert await crm.kernel.database.read(sql, (written["id"],)) == [("job", '{"plugin":"shop"}')]


async def test_what_was_missed_is_done_once(crm: TestCrm) -> None:
    crm.clock.set(EVENING + timedelta(days=9))
    assert await crm.kernel.schedule.run_due() == ["shop.nightly"]
    assert len(module(crm)["ran"]) == 1
    assert (await state(crm))["next_at"] == "2026-01-15T03:00:00Z"


async def test_a_job_that_fails_is_told_and_tried_at_its_next_time(crm: TestCrm) -> None:
    for days in (1, 2, 3):
        crm.clock.set(EVENING + timedelta(days=days))
        assert await crm.kernel.schedule.run_due() == ["shop.nightly"]
        assert (await state(crm))["error"] == ("RuntimeError: no luck" if days == 2 else None)
    shop = next(s for s in crm.kernel.plugins.states() if s["name"] == "shop")
    assert [f["cause"] for f in shop["faults"]] == ["Job nightly failed: RuntimeError: no luck."]
    assert ((await state(crm))["calls"], (await state(crm))["errors"]) == (3, 1)


async def test_jobs_of_a_quarantined_plugin_wait(crm: TestCrm) -> None:
    crm.kernel.plugins.quarantine("shop", "test")
    crm.clock.set(EVENING + timedelta(days=1))
    assert await crm.kernel.schedule.run_due() == []
    crm.kernel.plugins.reset("shop")
    assert await crm.kernel.schedule.run_due() == ["shop.nightly"]


async def test_a_job_that_takes_too_long_is_cut(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(code(0.05))
    module(crm)["wait"] = asyncio.Event()
    with pytest.raises(Error, match=r"The job shop.nightly failed: It was cut after 0.05 s\."):
        await crm.run_job("nightly")


@pytest_asyncio.fixture
async def other(crm: TestCrm) -> AsyncIterator[Kernel]:
    """Another node on the same database; its clock goes with that of the first."""
    kernel = await Kernel.open(crm.kernel.settings, clock=crm.clock)
    yield kernel
    await kernel.close()


async def test_one_node_runs_a_job_and_another_goes_on_when_it_is_gone(crm: TestCrm, other: Kernel) -> None:
    module(crm)["wait"] = asyncio.Event()
    crm.clock.set(EVENING + timedelta(days=1))
    await crm.kernel.schedule.look()
    while not module(crm)["ran"]:  # noqa: ASYNC110 - until it has begun
        await asyncio.sleep(0.005)
    assert (await state(crm))["running"] is True
    assert await other.schedule.run_due() == []
    with pytest.raises(Error, match="runs already"):
        await other.schedule.run("shop.nightly")
    await crm.kernel.schedule.stop()  # as a server does that ends: what was begun is not done
    module(crm)["wait"].set()
    crm.clock.advance(timedelta(seconds=6))
    assert await other.schedule.run_due() == ["shop.nightly"]
    assert await crm.kernel.schedule.run_due() == []


async def test_a_lease_ends_without_signs_of_life(crm: TestCrm, other: Kernel) -> None:
    now, until = "2026-01-05T20:00:00Z", "2026-01-05T20:01:00.5Z"
    database = crm.kernel.database
    assert await database.write(lambda tx: stored_leases.take(tx, "work", "killed", now=now, until=until))

    async def work() -> str:
        return "done"

    crm.clock.set(EVENING + timedelta(seconds=60))
    with pytest.raises(Taken):
        await Leases(other.database, crm.clock).alone("work", work)
    crm.clock.set(EVENING + timedelta(seconds=61))
    assert await Leases(other.database, crm.clock).alone("work", work) == "done"
    assert not await database.write(lambda tx: stored_leases.renew(tx, "work", "killed", until=until))


async def test_who_has_lost_its_lease_is_cut(crm: TestCrm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.01)

    async def work() -> None:
        crm.clock.advance(timedelta(days=1))
        until = "2027-01-01T00:00:00Z"
        now = crm.clock.now_text()
        assert await crm.kernel.database.write(
            lambda tx: stored_leases.take(tx, "work", "another", now=now, until=until)
        )
        await asyncio.Event().wait()

    with pytest.raises(asyncio.CancelledError):
        await Leases(crm.kernel.database, crm.clock).alone("work", work)


@pytest.mark.usefixtures("crm")
async def test_another_rule_holds_from_now_on(with_plugin: MakeCrm) -> None:
    del sys.modules["crm_shop"]
    again = await with_plugin(code().replace("0 3 * * *", "30 5 * * *"))
    again.clock.set(EVENING)
    assert await again.kernel.schedule.run_due() == []
    assert (await state(again))["next_at"] == "2026-01-06T05:30:00Z"


async def test_a_job_is_found_by_its_name(crm: TestCrm) -> None:
    for name in ("shop.nightly", "nightly"):
        module(crm)["ran"].clear()
        assert (await crm.kernel.schedule.run(name)).name == "shop.nightly"
        assert len(module(crm)["ran"]) == 1
    with pytest.raises(Error, match=r"no one job 'shop.nihtly'") as unknown:
        await crm.kernel.schedule.run("shop.nihtly")
    assert "shop.nightly" in str(unknown.value.hint)


async def test_a_started_kernel_runs_jobs_in_the_background(crm: TestCrm) -> None:
    module(crm)["wait"] = asyncio.Event()
    crm.clock.set(EVENING + timedelta(days=1))
    await crm.kernel.housekeeping.run()
    while not module(crm)["ran"]:  # noqa: ASYNC110 - until it has begun
        await asyncio.sleep(0.005)
    module(crm)["wait"].set()
    while (await state(crm))["last_at"] is None:  # noqa: ASYNC110 - until it has ended
        await asyncio.sleep(0.005)
