"""A listener that hangs."""

import asyncio

from crm_kernel import Listener, Plugin, hookimpl

plugin = Plugin(name="hanging", title="Hangs", kernel=">=0.1,<1")


async def hang(_, __):
    await asyncio.sleep(600)


@hookimpl
def register_listeners():
    return [Listener(event="record.created", entity="spawning_thing", handle=hang)]
