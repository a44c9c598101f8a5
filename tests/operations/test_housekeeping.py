"""Chores of the background."""

from __future__ import annotations

import asyncio

import pytest

from crm_kernel.operations.housekeeping import Chore, Housekeeping


async def test_a_chore_is_repeated_and_a_failure_does_not_end_it(caplog: pytest.LogCaptureFixture) -> None:
    times: list[int] = []
    enough = asyncio.Event()

    async def work() -> None:
        times.append(len(times))
        if len(times) == 3:
            enough.set()
        raise ValueError("broken")

    keeping = Housekeeping(Chore("sweep", 0.001, work))
    keeping.start()
    await asyncio.wait_for(enough.wait(), 5)
    await keeping.stop()
    done = len(times)
    await asyncio.sleep(0.01)
    assert (len(times), "sweep failed." in caplog.text) == (done, True)


async def test_chores_run_when_they_are_told_to() -> None:
    done: list[str] = []

    async def work() -> None:
        done.append("swept")

    await Housekeeping(Chore("sweep", 3600, work)).run()
    assert done == ["swept"]
