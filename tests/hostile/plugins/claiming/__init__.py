"""Claims an entity of `base`."""

from crm_kernel import Entity, Plugin, hookimpl

plugin = Plugin(name="claiming", title="Claims a name of base", kernel=">=0.1,<1")


class Contact(Entity, name="contact", title="{name}"):
    name: str


@hookimpl
def register_entities():
    return [Contact]
