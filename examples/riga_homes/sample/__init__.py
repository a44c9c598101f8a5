"""Sample data: a year in the life of an office in Riga, told through the write door.

`generate` yields what happened week by week, in order; `load` writes it, with the clock set to each moment. Stages are
reached by moves only, so every rule of the plugin holds for the sample too. Names and addresses are put together at
random from `words.toml`; the same seed and the same present give the same batches.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from .draws import Draws
from .people import Office
from .story import Batch, Story

SEED = 20260302


def generate(now: datetime, seed: int = SEED) -> Iterator[Batch]:
    """The batches of a year that ends now: moment, entity, changes as in the batch route. Write them in this order."""
    draws = Draws(now, seed)
    return Story(draws, Office(draws)).batches()


async def load(crm: Any) -> None:
    """Write the sample through `crm`, the object plugins are given, each batch at its own moment."""
    for batch in generate(crm.now()):
        crm.clock.set(batch.at)
        await crm.write(batch.changes, entity=batch.entity)
    crm.clock.release()
