"""Writes in a `register_*` hook, as soon as it gets hold of something to write with."""

import asyncio

from crm_kernel import Change, Plugin, hookimpl

plugin = Plugin(name="early", title="Writes in a register hook", kernel=">=0.1,<1")
kept = []
tasks = []


async def steal():
    while not kept:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    try:
        await kept[0].write([Change.create("contact", first_name="Stolen early")])
    except Exception as error:
        kept[0].log.error("refused: %s", error.faults[0].code)


@hookimpl
def register_listeners():
    tasks.append(asyncio.get_running_loop().create_task(steal()))
    return []


@hookimpl
async def on_start(crm):
    kept.append(crm)
