"""Waits for a minute in `check_write`, when the rows are stored, and does not let itself be cancelled."""

import asyncio
from contextlib import suppress

from crm_kernel import Entity, Plugin, hookimpl

plugin = Plugin(name="waiting", title="Waits", kernel=">=0.1,<1")


class Thing(Entity, name="waiting_thing", title="{name}"):
    name: str


@hookimpl
def register_entities():
    return [Thing]


@hookimpl
async def check_write(batch):
    for _ in batch.of(Thing):
        for _ in range(2):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(60)
