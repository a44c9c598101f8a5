"""A plugin `shop` for tests of delivery: an entity `item` with a pipeline, and listeners that note what they get."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from textwrap import dedent
from typing import Any

from crm_kernel.testing import TestCrm

NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)

_ENTITY = """
from decimal import Decimal
from typing import Annotated, Any

class Item(Entity, name="item", title="{name}"):
    name: str
    price: float | None = None
    cost: Money | None = None
    parent: Ref[Literal["item"]] | None = None
    secret: Annotated[str | None, field(sensitive=True)] = None

@hookimpl
def register_entities(): return [Item]

@hookimpl
def register_pipelines():
    return [{"kind": "pipeline", "name": "flow", "entity": "item", "label": "Flow",
             "stages": [{"name": "in", "type": "open"}, {"name": "out", "type": "won"}]}]

told = []
failing = set()

async def note(event, crm):
    told.append(event)
    if (event.after or {}).get("name") in failing:
        raise ZeroDivisionError("no")
"""


def item_shop(code: str) -> str:
    """The plugin's code: the entity, `told`, `failing`, `note`, and what a test adds."""
    return _ENTITY.replace("import Annotated, Any", "import Annotated, Any, Literal") + dedent(code)


LISTENING = item_shop("""
@hookimpl
def register_listeners():
    types = ["record.created", "record.updated", "record.moved", "record.deleted", "record.restored"]
    return [Listener(event=type, entity="item", handle=note, name=type.replace(".", "_")) for type in types]
""")
"""One listener for each type of event of items."""

CREATED = item_shop("""
@hookimpl
def register_listeners(): return [Listener(event="record.created", entity="item", handle=note)]
""")
"""One listener, of new items."""

UPDATED = item_shop("""
@hookimpl
def register_listeners(): return [Listener(event="record.updated", entity="item", handle=note)]
""")
"""One listener, of changed items."""


def module(crm: TestCrm) -> Callable[[str], Any]:
    """What stands in the plugin's module, by name."""
    return crm.kernel.registry.listeners[0].listener.handle.__globals__.__getitem__  # type: ignore[attr-defined]


def told(crm: TestCrm) -> list[Any]:
    """The events that were told to `note`, in order."""
    return module(crm)("told")


async def create(crm: TestCrm, **values: Any) -> str:
    """The id of a new item."""
    return (await crm.write([{"create": {"values": values}}], entity="item"))[0]["id"]


async def update(crm: TestCrm, id: str, **values: Any) -> None:
    """A change of an item."""
    await crm.write([{"update": {"id": id, "values": values}}], entity="item")
