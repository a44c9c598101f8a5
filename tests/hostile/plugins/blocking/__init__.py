"""Blocks the event loop."""

import time

from crm_kernel import Entity, Plugin, hookimpl

plugin = Plugin(name="blocking", title="Blocks", kernel=">=0.1,<1")


class Thing(Entity, name="blocking_thing", title="{name}"):
    name: str


@hookimpl
def register_entities():
    return [Thing]


def grind():
    time.sleep(3)


@hookimpl
async def before_write(batch):
    if batch.of(Thing):
        grind()
