"""Raises in `before_write`."""

from crm_kernel import Entity, Plugin, hookimpl

plugin = Plugin(name="raising", title="Raises", kernel=">=0.1,<1")


class Thing(Entity, name="raising_thing", title="{name}"):
    name: str


@hookimpl
def register_entities():
    return [Thing]


@hookimpl
async def before_write(batch):
    if batch.of(Thing):
        raise ZeroDivisionError("words that nobody may read")
