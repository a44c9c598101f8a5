"""What plugins narrow, resolved: the rows on which actions are left to anybody, the role `admin` included (floor 4)."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec

from crm_kernel.errors import Error, Fault, missing
from crm_kernel.filters.expression import Expression
from crm_kernel.filters.resolver import resolve
from crm_kernel.manifest import Restriction
from crm_kernel.model import Model

_NO_ROW = "id is null"


class Narrowing(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A plugin's restriction with its condition resolved. `actions` is empty where all of them are meant."""

    plugin: str
    name: str
    entity: str
    actions: frozenset[str]
    where: Expression

    def narrows(self, action: str) -> bool:
        """Whether it is about `action`."""
        return not self.actions or action in self.actions


def compile_restriction(
    plugin: str, restriction: Restriction, entities: Model, actions: Collection[str]
) -> tuple[Narrowing | None, list[Fault]]:
    """A restriction resolved, None where its entity is not there, and what is wrong with it.

    One that is faulty gives no row at all: what was meant to be hidden is not shown because of a mistake.
    """
    entity = restriction.entity
    if entity not in entities:
        return None, [missing("entity", entity, entities, "/entity")]
    faults = action_faults(restriction.actions, actions)
    named = frozenset[str]() if faults else frozenset(restriction.actions)
    where = restriction.where
    try:
        resolve(where, entity, entities)
    except Error as error:
        faults.append(Fault(pointer="/where", code=error.code, detail=error.detail, hint=error.hint))
    if faults:
        where = _NO_ROW
    rule = resolve(where, entity, entities)
    return Narrowing(plugin=plugin, name=restriction.label, entity=entity, actions=named, where=rule), faults


def action_faults(named: Iterable[str], known: Collection[str], at: str = "") -> list[Fault]:
    """What is wrong with a list of actions at a pointer: those that neither the kernel nor a plugin knows."""
    return [
        missing("action", action, known, f"{at}/actions/{n}", "enum")
        for n, action in enumerate(named)
        if action not in known
    ]
