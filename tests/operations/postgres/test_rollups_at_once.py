"""Several processes write what the same records count for: whoever comes last measures all that is there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import pytest

from crm_kernel import Change
from crm_kernel.kernel import Kernel
from crm_kernel.testing import TestCrm
from tests.operations.computing import BILL, DOCUMENTS, everything, expected, shown
from tests.operations.test_recompute import finished


@pytest.fixture
def crm_documents() -> Sequence[Mapping[str, Any]]:
    return DOCUMENTS


@pytest.mark.contract("documents.md#rollup-at-once")
async def test_writers_of_the_same_bill_wait_for_each_other(crm: TestCrm) -> None:
    contact = (await crm.write([Change.create("contact", {"name": "c"})]))[0]["id"]
    bills = [b["id"] for b in await crm.write([Change.create("bill", {"customer": contact}) for _ in range(2)])]
    kernels = [await Kernel.open(crm.kernel.settings) for _ in range(3)]

    async def writer(kernel: Kernel, seed: int) -> None:
        rng, mine, other = Random(seed), TestCrm(kernel), list[str]()
        for _ in range(8):
            bill = rng.choice(bills)
            if rng.random() < 0.25:
                await mine.write([Change.update("bill", bill, {"discount": rng.choice([0.1, 0.2, None])})])
            if other and rng.random() < 0.3:
                await mine.write([Change.delete("line", other.pop())])
            values = {"bill": bill, "price": {"amount": rng.randint(1, 9)}, "quantity": rng.randint(1, 5)}
            created = await mine.write([Change.create("line", values) for _ in range(rng.randint(1, 3))])
            other += [line["id"] for line in created]
            await mine.write([Change.update("line", other[0], {"bill": rng.choice(bills), "about": contact})])

    await asyncio.gather(*(writer(kernel, seed) for seed, kernel in enumerate(kernels)))
    for kernel in kernels:
        await kernel.close()
    stored = await everything(crm)
    assert shown(stored) == expected(stored)
    assert (await crm.get("contact", contact))["mentioned"] > 2


async def test_one_process_computes_anew_and_another_goes_on_when_it_is_gone(crm: TestCrm) -> None:
    bill = (await crm.write([Change.create("bill", {})]))[0]["id"]
    await crm.write([Change.create("line", {"bill": bill})])
    first, second = [await Kernel.open(crm.kernel.settings) for _ in range(2)]
    first.recompute.settle = second.recompute.settle = 0
    try:
        assert await first.database.claim("crm:recompute")
        body = {**BILL, "schema": {"properties": {**BILL["schema"]["properties"], "n": {  # type: ignore[dict-item]
            "type": "integer", "x-crm": {"rollup": {"of": "lines", "measure": "count"}}}}}}  # fmt: skip
        answer = await second.documents.put("entity", "bill", body, second.system("api"))
        assert await second.recompute.finish() == answer["job"]
        assert (await TestCrm(second).get("bill", bill))["n"] is None
        await first.close()
        await finished(TestCrm(second))
        assert (await TestCrm(second).get("bill", bill))["n"] == 1
    finally:
        await second.close()
