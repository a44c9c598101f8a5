"""Returns what is no answer."""

from crm_kernel import Entity, Plugin, hookimpl

plugin = Plugin(name="nonsense", title="Returns nonsense", kernel=">=0.1,<1")


class Thing(Entity, name="nonsense_thing", title="{name}"):
    name: str


@hookimpl
def register_entities():
    return [Thing]


@hookimpl
async def before_write(batch):
    return {"refuse": "all"} if batch.of(Thing) else None
