"""Fails its data migration, amid a batch of records."""

from crm_kernel import Change, Entity, Migration, Plugin, hookimpl

plugin = Plugin(name="migrating", title="Fails its migration", kernel=">=0.1,<1")


class Thing(Entity, name="migrating_thing", title="{name}"):
    name: str


@hookimpl
def register_entities():
    return [Thing]


# What the next version brings.


async def spoil(crm):
    done = 0
    async for things in crm.batches(Thing, size=2):
        names = [None if done and n else f"spoilt {thing.name}" for n, thing in enumerate(things)]
        await crm.write([Change.update(Thing, t.id, name=name) for t, name in zip(things, names, strict=True)])
        done += 1


async def follow(crm):
    crm.log.error("something followed")


@hookimpl
def register_migrations():
    return [
        Migration(version="0.1.0", name="spoil", run=spoil),
        Migration(version="0.1.0", name="follow", run=follow),
    ]
