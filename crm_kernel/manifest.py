"""What a plugin says of itself, and the declarations that are no documents (floor 1)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, TypeVar

import msgspec


class Plugin(msgspec.Struct, frozen=True, kw_only=True):
    """The manifest: `plugin = Plugin(…)` in the module of a plugin.

    `name` is the name of the folder and of the entry point, `kernel` the versions of crm-kernel it works with
    (`">=0.1,<1"`). `requires` names plugins it cannot do without, `before` and `after` others that it precedes or
    follows where they are there. `settings` is a `msgspec.Struct` class for `[plugins.NAME]` of crm.toml. `on_error`
    says what an unexpected fault in one of its hooks does: `refuse` the operation, or `skip` the hook. `actions` are
    what one may do with its records that the kernel does not know: grants give them like the kernel's own.
    """

    name: str
    title: str
    kernel: str
    requires: Sequence[str] = ()
    before: Sequence[str] = ()
    after: Sequence[str] = ()
    settings: Any = None
    on_error: Literal["refuse", "skip"] = "refuse"
    actions: Sequence[str] = ()


class Listener(msgspec.Struct, frozen=True, kw_only=True):
    """Code that runs after the commit: `async def handle(event, crm)`.

    `event` is a type such as `record.moved`, `entity` limits it to one entity, `where` is an expression on the event
    (`event.to = 'completed'`). `name` tells two listeners with one function apart; deliveries are counted by it.
    """

    event: str
    handle: Callable[[Any, Any], Awaitable[None]]
    entity: str | None = None
    where: str | None = None
    name: str | None = None

    @property
    def label(self) -> str:
        """The name it is known by within its plugin: `name`, or that of the function."""
        return self.name or self.handle.__name__


class Restriction(msgspec.Struct, frozen=True, kw_only=True):
    """Narrows what anybody may do: `actions` (all where none are named) on records of `entity` where `where` holds.

    It gives nothing. It holds for the role `admin` too, before and after a change, and not for the system: the command
    line, jobs, a plugin's own writes. `name` tells several of one plugin for one entity apart.
    """

    entity: str
    where: str
    actions: Sequence[str] = ()
    name: str | None = None

    @property
    def label(self) -> str:
        """The name it is known by within its plugin: `name`, or that of the entity."""
        return self.name or self.entity


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A question about the health of the app: `async def run(crm)` gives a sentence for each fault, [] for none."""

    name: str
    run: Callable[[Any], Awaitable[Sequence[str]]]
    title: str | None = None


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Work that is due by the clock: `async def handle(crm)`.

    `every` is a cron expression of five fields in the app's time zone (`"0 6 * * *"`: each day at six). One process at
    a time runs it. What was missed while no server ran is done once. It is cut after `timeout` seconds.
    """

    name: str
    every: str
    handle: Callable[[Any], Awaitable[None]]
    title: str | None = None
    timeout: float = 3600.0


class Migration(msgspec.Struct, frozen=True, kw_only=True):
    """What must be done once with records that an earlier version of the plugin has left: `async def run(crm)`.

    `version` is that of the plugin which needs it (`"0.2.0"`); they run by version, those of one version in the order
    of the list. `name` is what the database remembers: it must not change.
    """

    version: str
    name: str
    run: Callable[[Any], Awaitable[None]]


H = TypeVar("H", bound=Callable[..., Any])

CONCERNS = "crm_kernel_concerns"
"""The attribute of a hook's function that `concerns` sets: the classes of the entities it is about."""


def concerns(*entities: type) -> Callable[[H], H]:
    """Says of a hook that is given a batch which entities it is about, by their classes: `@concerns(Viewing, Offer)`.

    It is called only where a change of the batch is of one of them, and then with all changes. A plugin with other
    classes than those of entities, or without any, is refused as faulty.
    """

    def mark(function: H) -> H:
        setattr(function, CONCERNS, entities)
        return function

    return mark
