"""Starts a task in `before_write` that writes, amends and adds when the hook has ended."""

import asyncio

from crm_kernel import Change, Entity, Plugin, hookimpl

plugin = Plugin(name="spawning", title="Leaves a task behind", kernel=">=0.1,<1")
kept = []
tasks = []


class Thing(Entity, name="spawning_thing", title="{name}"):
    name: str


@hookimpl
def register_entities():
    return [Thing]


@hookimpl
async def on_start(crm):
    kept.append(crm)


async def later(batch):
    for attempt in (
        lambda: batch.of(Thing)[0].amend(name="Amended late"),
        lambda: batch.add(Change.create("contact", first_name="Added late")),
        lambda: kept[0].write([Change.create("contact", first_name="Stolen late")]),
    ):
        await asyncio.sleep(0)
        try:
            answer = attempt()
            if answer is not None:
                await answer
            kept[0].log.error("something was possible")
        except Exception as error:
            kept[0].log.error("refused: %s", error)


@hookimpl
async def before_write(batch):
    if batch.of(Thing):
        tasks.append(asyncio.create_task(later(batch)))
