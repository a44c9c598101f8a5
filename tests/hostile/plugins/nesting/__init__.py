"""Calls `crm.write` in `before_write`, through an object that it kept."""

from crm_kernel import Change, Entity, Plugin, hookimpl

plugin = Plugin(name="nesting", title="Writes inside a write", kernel=">=0.1,<1")
kept = []


class Thing(Entity, name="nesting_thing", title="{name}"):
    name: str


@hookimpl
def register_entities():
    return [Thing]


@hookimpl
async def on_start(crm):
    kept.append(crm)


@hookimpl
async def before_write(batch):
    if batch.of(Thing):
        await kept[0].write([Change.create("contact", first_name="Stolen inside")])
