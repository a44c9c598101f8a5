"""Who may do what, as a table that a test asserts (floor 11)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from crm_kernel.callers import Caller
from crm_kernel.testing.kit import TestCrm

Rights = str | Mapping[str, str]
"""Actions as words, or `{"actions": "read update", "hidden": "seller", "readonly": "list_price"}`."""


def assert_access(crm: TestCrm, matrix: Mapping[str, Mapping[str, Rights]]) -> None:
    """Hold roles to a table: role -> entity -> the actions it gives on some record of it, all of them and no other.

    `{"agent": {"listing": "read update", "offer": ""}}`. As an object it names fields too: `hidden` those that the
    role can read on no record, `readonly` those that it can update on none. Raises `AssertionError` with all that
    differs; `Error` or `KeyError` for names that do not exist.
    """
    found = [fault for role, rights in matrix.items() for fault in _differing(crm, role, rights)]
    assert not found, "\n".join(found)


def _differing(crm: TestCrm, role: str, matrix: Mapping[str, Rights]) -> Iterator[str]:
    registry = crm.kernel.registry
    if role not in registry.roles and role != "admin":
        raise KeyError(f"there is no role {role!r}")
    access = registry.access(Caller(id="00000000-0000-7000-8000-000000000000", roles=frozenset({role})))
    for entity, rights in matrix.items():
        model = registry.entities[entity]
        said: Mapping[str, Any] = {"actions": rights} if isinstance(rights, str) else rights
        if "actions" in said:
            given = {action for action in registry.actions if access.allows(entity, action)}
            yield from _told(f"{role} on {entity}", given, set(said["actions"].split()))
        if "hidden" in said:
            hidden = set(model.fields) - access.readable(entity)
            yield from _told(f"hidden from {role} on {entity}", hidden, set(said["hidden"].split()))
        if "readonly" in said:
            fixed = {n for n, f in model.fields.items() if not f.read_only} - access.writable(entity)
            yield from _told(f"read only for {role} on {entity}", fixed, set(said["readonly"].split()))


def _told(what: str, got: set[str], wanted: set[str]) -> Iterator[str]:
    if got - wanted:
        yield f"{what}: {' '.join(sorted(got - wanted))} too"
    if wanted - got:
        yield f"{what}: not {' '.join(sorted(wanted - got))}"
