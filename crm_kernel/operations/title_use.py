"""Titles of records that name what their entity does not have (floor 7).

Asked of a plan only: an entity is not left out for its title, which shows then what there is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from crm_kernel.errors import Error, Fault
from crm_kernel.filters.path_sql import find_place
from crm_kernel.filters.scope import SYSTEM_SCOPE
from crm_kernel.operations.impact import Changed
from crm_kernel.registry import Registry

_PATH = re.compile(r"\{([^{}]*)\}")


def unresolved(registry: Registry, entity: str) -> list[Fault]:
    """A fault at `/title` for each path in the title of an entity that leads nowhere."""
    faults: list[Fault] = []
    for path in dict.fromkeys(_PATH.findall(registry.entities[entity].title)):
        try:
            find_place(path, entity, registry.entities, SYSTEM_SCOPE)
        except Error as error:
            faults.append(Fault(pointer="/title", code=error.code, detail=error.detail, hint=error.hint))
    return faults


def changed_titles(after: Registry, changes: Sequence[Changed]) -> list[tuple[str, str, Fault]]:
    """(kind, name, fault) of entity documents that are put."""
    return [
        (kind, name, fault)
        for kind, name, body in changes
        if kind == "entity" and body is not None and name in after.entities
        for fault in unresolved(after, name)
    ]


def stale_titles(before: Registry, after: Registry, changes: Sequence[Changed]) -> list[dict[str, Any]]:
    """Entities beside these whose titles named what there was."""
    put = {name for kind, name, _ in changes if kind == "entity"}
    return [
        {"kind": "entity", "name": name, "pointer": fault.pointer, "code": fault.code, "detail": fault.detail}
        for name in sorted(before.entities.keys() & after.entities.keys() - put)
        if not unresolved(before, name)
        for fault in unresolved(after, name)
    ]
