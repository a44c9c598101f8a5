"""The oracle is no ornament: each mistake in the rules, or in who asks them, makes it fail."""

from __future__ import annotations

from random import Random

import pytest

from tests.access.app import Worlds
from tests.access.check import check
from tests.access.mutations import Mutation
from tests.access.seeds import ALL, seeds, shows

FURTHER = 100
"""Worlds to try where that of the mutation no longer shows it, as after a change of what is drawn."""
SEEDS = seeds()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("mutation", ALL, ids=lambda mutation: mutation.what)
async def test_a_mistake_is_caught(worlds: Worlds, mutation: Mutation) -> None:
    for seed in (SEEDS.get(mutation.what, 0), *range(FURTHER)):
        if await shows(worlds, mutation, seed):
            break
    else:
        pytest.fail(f"no world shows that {mutation.what}")
    # The same world without the mistake: it was the mistake that failed.
    await check(worlds, Random(seed))


def test_each_mistake_has_a_name_of_its_own() -> None:
    assert len({mutation.what for mutation in ALL}) == len(ALL)
