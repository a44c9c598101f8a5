"""Two processes on one database: what one changes, the other follows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio

from crm_kernel import Change, Error
from crm_kernel.kernel import Kernel
from crm_kernel.operations.list_query import ListQuery
from crm_kernel.storage import meta
from crm_kernel.testing import TestCrm
from tests.operations.conftest import named


@pytest_asyncio.fixture
async def other(crm: TestCrm) -> AsyncIterator[TestCrm]:
    """Another process on the same database."""
    kernel = await Kernel.open(crm.kernel.settings)
    yield TestCrm(kernel)
    await kernel.close()


async def follows(crm: TestCrm, field: str) -> None:
    """Wait until a field of contacts is known; news may be on its way for a moment."""
    async with asyncio.timeout(2):
        while field not in crm.kernel.registry.entities["contact"].fields:
            await crm.kernel.following.look()
            await asyncio.sleep(0.01)


async def test_documents_of_another_process_are_in_force(crm: TestCrm, other: TestCrm) -> None:
    await crm.put(named("size"))
    await follows(other, "size")
    await other.write([Change.create("contact", {"name": "A", "size": "large"})])
    caller = crm.kernel.system("api")
    page = await crm.kernel.reader.list("contact", caller, ListQuery(filter="size = 'large'"))
    assert [item["size"] for item in page.items] == ["large"]
    await other.put({**named("depth"), "name": "second"})
    await follows(crm, "depth")
    assert {"size", "depth"} <= crm.kernel.registry.entities["contact"].fields.keys()


async def test_a_process_that_nobody_asks_follows_by_itself(crm: TestCrm, other: TestCrm) -> None:
    await other.kernel.start()
    await crm.put(named("size"))
    async with asyncio.timeout(2.5):
        while "size" not in other.kernel.registry.entities["contact"].fields:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_documents_applied_at_once_by_two_processes_are_all_there(crm: TestCrm, other: TestCrm) -> None:
    bodies = [{**named(f"f{n}"), "name": f"d{n}"} for n in range(8)]
    both = (crm, other)
    before = (await meta.marks(crm.kernel.database)).documents
    await asyncio.gather(*(both[n % 2].put(body) for n, body in enumerate(bodies)))
    for one in both:
        for n in range(8):  # they are committed in any order
            await follows(one, f"f{n}")
    assert (await meta.marks(crm.kernel.database))[1] == before + 8


async def test_a_plan_that_another_overtook_is_made_anew(crm: TestCrm, other: TestCrm) -> None:
    """Both give the contact a field of one name: the second one is told, instead of being put over the first."""
    answers = await asyncio.gather(
        crm.put({**named("size"), "name": "mine"}), other.put({**named("size"), "name": "yours"}),
        return_exceptions=True,
    )  # fmt: skip
    refused = [answer for answer in answers if isinstance(answer, Error)]
    assert [error.code for error in refused] == ["plan_refused"]
