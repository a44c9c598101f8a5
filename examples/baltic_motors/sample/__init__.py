"""Sample data: half a year in the life of a dealership in the Baltics, told through the write door.

`generate` yields what happened week by week, in order; `load` writes it, with the clock set to each moment. Stages are
reached by moves only, so every rule of the plugin holds for the sample too. Names are put together at random from
`words.toml`; the same seed and the same present give the same batches.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from .draws import Draws
from .people import Dealer
from .story import Batch, Story

SEED = 20260114


def generate(now: datetime, seed: int = SEED) -> Iterator[Batch]:
    """The batches of half a year that ends now: moment, entity, changes as in the batch route. Write them in order."""
    draws = Draws(now, seed)
    return Story(draws, Dealer(draws)).batches()


async def load(crm: Any) -> None:
    """Write the sample through `crm`, the object plugins are given, each batch at its own moment."""
    for batch in generate(crm.now()):
        crm.clock.set(batch.at)
        await crm.write(batch.changes, entity=batch.entity)
    crm.clock.release()
