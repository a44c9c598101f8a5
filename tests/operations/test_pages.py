"""`crm.pages`: all records that satisfy a filter, each once, page by page."""

from __future__ import annotations

import pytest

from crm_kernel import Change, Error
from crm_kernel.testing import TestCrm


async def names(crm: TestCrm, *args: str, **options: object) -> list[list[str]]:
    return [[record["name"] for record in page] async for page in crm.pages("contact", *args, **options)]  # pyright: ignore


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
async def test_every_record_is_on_one_page(crm: TestCrm, size: int) -> None:
    await crm.write([Change.create("contact", name=name) for name in "abcd"])
    await crm.write([Change.create("contact", name="x", source="other")])
    found = await names(crm, "source is null", size=size)
    assert sorted(name for page in found for name in page) == list("abcd")
    assert all(len(page) == size for page in found[:-1])
    assert await names(crm, "name = @param.name", name="nobody") == []


async def test_what_is_written_meanwhile_is_met_at_most_once(crm: TestCrm) -> None:
    await crm.write([Change.create("contact", name=str(n)) for n in range(4)])
    met: list[str] = []
    async for page in crm.pages("contact", size=2):
        met += [record["id"] for record in page]
        if len(met) < 20:
            await crm.write([Change.update("contact", id, source="seen") for id in met])
            await crm.write([Change.create("contact", name="new")])
    assert len(met) == len(set(met))


async def test_with_the_rights_of_a_user(crm: TestCrm) -> None:
    await crm.put(
        {
            "kind": "role",
            "name": "own",
            "grants": [{"entity": "contact", "actions": ["read"], "where": "owner = @me"}],
        }
    )
    caller = await crm.user("anna", "own")
    await crm.write([Change.create("contact", name="mine", owner=caller.id), Change.create("contact", name="other")])
    assert await names(crm, as_user="anna", size=1) == [["mine"]]
    with pytest.raises(Error):
        await names(crm, "nothing = 1", as_user="anna")
