"""Who gains and who loses access by a change of roles, counted in the database (floor 7).

For each person who holds a role: the live records on which he may do an action after the change and might not before,
by all his rights; what he does not see he cannot change either. A figure is the number of distinct records that this is
so of for anybody who holds the role; where nobody does, for somebody who held nothing but this role.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from crm_kernel.access import Access, Grant
from crm_kernel.callers import ADMIN, Caller
from crm_kernel.filters.expression import Expression
from crm_kernel.filters.scope import NOTHING, Rows
from crm_kernel.filters.sql import Sql, compose, join
from crm_kernel.filters.sql_parts import FALSE, TRUE
from crm_kernel.filters.to_sql import bind, to_sql
from crm_kernel.registry import Registry
from crm_kernel.storage.ddl import DdlPlan
from crm_kernel.storage.planned import how_many
from crm_kernel.storage.ports import Reads
from crm_kernel.storage.scan import is_stored

_WRITES = frozenset({"create", "update", "import"})
_UNSTORED = frozenset({"create", "import"})
"""Actions on records that are not there yet."""


class Holders(Protocol):
    """Finds the people who hold roles."""

    async def __call__(self, roles: Iterable[str], /) -> Mapping[str, Sequence[Caller]]: ...


class Change(NamedTuple):
    """What the change of one role does to one action on one entity."""

    role: str
    entity: str
    action: str
    records_gained: int
    records_lost: int
    users: int
    fields_gained: list[str]
    fields_lost: list[str]


async def access_changes(
    reads: Reads, before: Registry, after: Registry, ddl: DdlPlan, roles: Iterable[str], holders: Holders, now: datetime
) -> list[dict[str, Any]]:
    """The changes of the access that some roles give, by role, entity and action."""
    named = [role for role in dict.fromkeys(roles) if role != ADMIN and list(_differences(before, after, role))]
    if not named:
        return []
    people = {} if any(step.entity == "user" for step in ddl.steps) else await holders(named)
    found: list[Change] = []
    for role in sorted(named):
        held = list(people.get(role, ()))
        counter = _Counter(reads, before, after, ddl, held or [Caller(roles=frozenset({role}))], now)
        for entity, action in _differences(before, after, role):
            gained, lost = await counter.records(entity, action)
            old, new = (_fields(registry, role, entity, action) for registry in (before, after))
            change = Change(role, entity, action, gained, lost, len(held), sorted(new - old), sorted(old - new))
            if gained or lost or _differs(before, after, role, entity, action):
                found.append(change)
    return [change._asdict() for change in found]


def _differences(before: Registry, after: Registry, role: str) -> Iterator[tuple[str, str]]:
    """The entities and actions for which what a role gives may be another: with what he sees, all that he may do."""
    old, new = before.roles.get(role, {}), after.roles.get(role, {})
    for entity in sorted(old.keys() | new.keys()):
        actions = {action for grants in (old, new) for grant in grants.get(entity, ()) for action in grant.actions}
        sees = _differs(before, after, role, entity, "read")
        yield from ((entity, a) for a in sorted(actions) if sees or _differs(before, after, role, entity, a))


def _differs(before: Registry, after: Registry, role: str, entity: str, action: str) -> bool:
    """Whether a role's grants of an action are not what they were."""
    old, new = (_rules(registry.roles.get(role, {}).get(entity, ()), action) for registry in (before, after))
    return old != new


def _rules(grants: Iterable[Grant], action: str) -> list[Any]:
    return [
        (
            *(None if rule is None else rule.text for rule in (grant.where, grant.check)),
            grant.writable if action in _WRITES else grant.readable,
        )
        for grant in grants
        if action in grant.actions
    ]


def _fields(registry: Registry, role: str, entity: str, action: str) -> set[str]:
    """The fields that a role gives for an action on any row, where it is one that reads or writes fields."""
    grants = registry.roles.get(role, {}).get(entity, ())
    given = [grant for grant in grants if action in grant.actions]
    if action in ("read", "export"):
        return {name for grant in given for name in grant.readable}
    if action in _WRITES:
        return {name for grant in given for name in grant.writable}
    return set()


class _Counter:
    """Counts for the people who hold one role."""

    def __init__(
        self, reads: Reads, before: Registry, after: Registry, ddl: DdlPlan, people: Sequence[Caller], now: datetime
    ) -> None:
        self._reads = reads
        self._ddl = ddl
        self._people = [(before.access(p), after.access(p), after.environment(p, now)) for p in people]
        self._counted: dict[tuple[str, tuple[Any, ...]], int] = {}

    async def records(self, entity: str, action: str) -> tuple[int, int]:
        """How many live records somebody gains, and how many somebody loses."""
        if action in _UNSTORED or not await is_stored(self._reads, entity):
            return 0, 0
        gained: dict[Sql, None] = {}
        lost: dict[Sql, None] = {}
        for old, new, environment in self._people:
            had, has = (self._allowed(access, entity, action) for access in (old, new))
            if had == has:
                continue
            for conditions, there, gone in ((gained, has, had), (lost, had, has)):
                only = compose("({}) AND ({}) IS NOT TRUE", there, gone)
                conditions[Sql(only.text, tuple(bind(only.params, environment)))] = None
        return await self._counted_once(entity, list(gained)), await self._counted_once(entity, list(lost))

    def _allowed(self, access: Access, entity: str, action: str) -> Sql:
        """The condition of the rows on which an action may be done."""
        rules = [_rows(access, entity, needed) for needed in dict.fromkeys(("read", action))]
        return join(" AND ", [compose("({})", self._condition(rule)) for rule in rules])

    def _condition(self, rows: Rows) -> Sql:
        if isinstance(rows, Expression):
            return to_sql(rows, self._reads.dialect)
        return FALSE if rows is NOTHING else TRUE

    async def _counted_once(self, entity: str, conditions: list[Sql]) -> int:
        """How many live records one of the conditions holds for: once for all actions that one rule gives."""
        key = (entity, tuple(conditions))
        if key not in self._counted:
            self._counted[key] = await how_many(self._reads, entity, conditions, self._ddl)
        return self._counted[key]


def _rows(access: Access, entity: str, action: str) -> Rows:
    return access.rows(entity, action) if access.knows(entity) else NOTHING
