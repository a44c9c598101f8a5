"""Nobody sees or does what he may not, by any way: the app against an oracle, over random worlds."""

from __future__ import annotations

import os
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.access.app import Worlds
from tests.access.check import check

ROUNDS = int(os.environ.get("CRM_TEST_ACCESS", "500"))
"""Worlds, each with two users who ask by every way."""
SEEDS = st.lists(st.booleans(), min_size=32, max_size=32).map(
    lambda bits: sum(bit << at for at, bit in enumerate(bits))
)
"""Whole numbers would be drawn from those in the source too: other worlds with each change of any file."""


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.contract("security.md#oracle")
@pytest.mark.contract("security.md#noninterference")
@pytest.mark.contract("documents.md#formula-readable")
@settings(
    max_examples=ROUNDS,
    derandomize=ROUNDS <= 500,  # the same worlds each time, so that a change is judged by itself; more are drawn anew
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink a world takes minutes, and its text says it all
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(seed=SEEDS)
async def test_the_app_and_the_oracle_agree(worlds: Worlds, seed: int) -> None:
    await check(worlds, Random(seed))
