"""The oracle is no ornament: each mistake in the rules, or in who asks them, makes it fail."""

from __future__ import annotations

from random import Random

import pytest

from tests.access.app import Worlds
from tests.access.check import check
from tests.access.mutations import MUTATIONS, Mutation, applied
from tests.access.mutations_beyond_roles import MUTATIONS_BEYOND_ROLES

FURTHER = 40
"""Worlds to try where that of the mutation no longer shows it, as after a change of what is drawn."""


@pytest.mark.parametrize("mutation", [*MUTATIONS, *MUTATIONS_BEYOND_ROLES], ids=lambda mutation: mutation.what)
async def test_a_mistake_is_caught(worlds: Worlds, mutation: Mutation) -> None:
    for seed in (mutation.seed, *range(FURTHER)):
        try:
            with applied(mutation):
                await check(worlds, Random(seed))
        except AssertionError:
            break
    else:
        pytest.fail(f"no world shows that {mutation.what}")
    # The same world without the mistake: it was the mistake that failed.
    await check(worlds, Random(seed))
