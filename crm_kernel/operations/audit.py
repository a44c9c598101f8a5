"""What each role, everybody who is signed in, and a guest may do: from the rules that hold (floor 7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from crm_kernel.access import ALWAYS_READABLE, Grant
from crm_kernel.callers import ADMIN
from crm_kernel.registry import Registry

SIGNED_IN = "(signed in)"
"""Everybody who is signed in, beside what his roles give."""
EVERYBODY = "(narrowed)"
"""What plugins leave of an entity to anybody, the role `admin` included."""
GUEST = "(guest)"
"""Who is not signed in: no rule names him, and a request without a credential ends at the door."""

_WRITING = frozenset({"create", "update", "move"})


def audit(registry: Registry) -> list[dict[str, Any]]:
    """An item for each grant, and one without an entity for who has none.

    `where` and `check` are the conditions on the record before and after, null for all records, without what plugins
    narrow for everybody: that stands first, with `where` and the actions that are left on such records. `readable` and
    `writable` are names of fields, `["*"]` for the administrator, who may do everything.
    """
    everything = {"where": None, "check": None, "readable": ["*"], "writable": ["*"]}
    found = [*_narrowed(registry), {"role": ADMIN, "entity": "*", "actions": ["*"], **everything}]
    for role in sorted(registry.roles.keys() - {ADMIN}):
        found += _of(registry, role, registry.roles[role])
    found += _of(registry, SIGNED_IN, registry.builtin_grants)
    return found + _of(registry, GUEST, {})


def _narrowed(registry: Registry) -> list[dict[str, Any]]:
    """An item for each restriction of a plugin."""
    rules = [n for entity in registry.narrowings for n in registry.narrowings[entity]]
    return [
        {
            "role": EVERYBODY,
            "entity": n.entity,
            "actions": sorted(n.actions) or ["*"],
            "where": n.where.text,
            "check": n.where.text,
            "readable": ["*"],
            "writable": ["*"],
        }
        for n in rules
    ]


def _of(registry: Registry, role: str, grants: Mapping[str, Iterable[Grant]]) -> list[dict[str, Any]]:
    items = [_item(registry, role, grant) for entity in grants for grant in grants[entity]]
    nothing = {"where": None, "check": None, "readable": [], "writable": []}
    return items or [{"role": role, "entity": None, "actions": [], **nothing}]


def _item(registry: Registry, role: str, grant: Grant) -> dict[str, Any]:
    fields = registry.entities[grant.entity].fields
    readable = grant.readable if "read" in grant.actions else frozenset[str]()
    writable = grant.writable if grant.actions & _WRITING else frozenset[str]()
    return {
        "role": role,
        "entity": grant.entity,
        "actions": sorted(grant.actions),
        "where": None if grant.where is None else grant.where.text,
        "check": None if grant.check is None else grant.check.text,
        "readable": [name for name in fields if name in readable],
        "writable": [name for name, field in fields.items() if name in writable and not field.read_only],
    }


def in_words(names: list[str], all_names: Iterable[str]) -> str:
    """A list of fields as people read it: all, all but a few, or the few."""
    every = [name for name in all_names if name not in ALWAYS_READABLE]
    missing = [name for name in every if name not in names]
    if names == ["*"] or (names and not missing):
        return "all"
    if names and len(missing) < len(every) - len(missing):
        return f"all but {', '.join(missing)}"
    return ", ".join(names) or "none"
