"""Autonumbers: each number once, none for what was rolled back."""

from __future__ import annotations

import asyncio

import pytest

from crm_kernel.storage import counters
from crm_kernel.storage.ports import Database, Tx


async def test_each_number_once(database: Database, other: Database) -> None:
    given = await asyncio.gather(
        *(engine.write(lambda tx: counters.take(tx, "deal.number", 3)) for engine in (database, other) * 20)
    )
    assert sorted(n for numbers in given for n in numbers) == list(range(1, 121))


async def test_none_for_what_was_rolled_back(database: Database) -> None:
    async def fails(tx: Tx) -> None:
        assert list(await counters.take(tx, "n")) == [1]
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await database.write(fails)
    assert list(await database.write(lambda tx: counters.take(tx, "n", 2))) == [1, 2]


async def test_going_on_after_imported_numbers(database: Database) -> None:
    await database.write(lambda tx: counters.raise_to(tx, "n", 500))
    await database.write(lambda tx: counters.raise_to(tx, "n", 20))
    assert list(await database.write(lambda tx: counters.take(tx, "n"))) == [501]
