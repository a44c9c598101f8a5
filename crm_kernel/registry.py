"""All that plugins and documents declared, resolved against each other; immutable, rebuilt and swapped on change.

Building never raises for a document: what does not fit is left out and told in `broken`, with the faults.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

import msgspec

from crm_kernel.access import Access, Grant, access_for
from crm_kernel.callers import Caller
from crm_kernel.documents import Report, View
from crm_kernel.errors import Fault
from crm_kernel.fields import BUILTIN_TYPES
from crm_kernel.fields.base import FieldType, ValueContext
from crm_kernel.fields.rotting import Rotting
from crm_kernel.filters.environment import Environment
from crm_kernel.filters.expression import Expression
from crm_kernel.filters.my_teams import MOST
from crm_kernel.filters.values import SecondsAgo
from crm_kernel.formulas.computed import Computed
from crm_kernel.formulas.rollup import Rollup
from crm_kernel.manifest import Listener
from crm_kernel.model import EntityModel, Model, Source, Validator
from crm_kernel.pipelines import Pipeline
from crm_kernel.restrictions import Narrowing
from crm_kernel.stage_reports import StageReport, stage_reports

MAX_ACCESSES = 1000
"""So many compiled accesses are kept: users with shares of their own kinds have one each."""


class Declaration(NamedTuple):
    """One document in force, or proposed: `source` is its plugin (or built-in) or the document itself.

    `checked`: its structure is known to be sound, as that of plugins is since they were loaded.
    """

    source: Source
    kind: str
    name: str
    body: Mapping[str, Any]
    cls: type | None = None
    checked: bool = False


class Broken(NamedTuple):
    """A document that does not fit and is left out, with what is wrong with it."""

    source: Source
    kind: str
    name: str
    faults: Sequence[Fault]


class BoundListener(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A plugin's listener with its condition resolved. `name` is `plugin.label`: deliveries are counted by it."""

    name: str
    plugin: str
    listener: Listener
    where: Expression | None


class Registry(msgspec.Struct, frozen=True, kw_only=True, eq=False, dict=True):
    """Everything declared, by kind and name. `version` differs between any two registries of a process.

    `narrowings` are plugins' restrictions by entity, `actions` all that grants may name, `computed` the formulas and
    rollups of each entity that has any.
    `aside` are (entity, field) of stored documents whose name a plugin has taken since, `adopted` those that it is to
    have with their data.
    """

    version: int
    entities: Model
    pipelines: Mapping[str, Pipeline]
    guards: Mapping[tuple[str, int], Expression]
    requirements: Mapping[tuple[str, str], Validator]
    roles: Mapping[str, dict[str, list[Grant]]]
    builtin_grants: Mapping[str, list[Grant]]
    narrowings: Mapping[str, list[Narrowing]]
    actions: Sequence[str]
    reports: Mapping[str, Report]
    views: Mapping[str, View]
    listeners: Sequence[BoundListener]
    computed: Mapping[str, Computed]
    declarations: Mapping[tuple[str, str], Declaration]
    broken: Sequence[Broken]
    aside: frozenset[tuple[str, str]] = frozenset()
    adopted: frozenset[tuple[str, str]] = frozenset()
    value_context: ValueContext
    types: Sequence[type[FieldType]] = BUILTIN_TYPES

    @cached_property
    def rollups_over(self) -> Mapping[str, Sequence[Rollup]]:
        """The rollups that measure records of an entity, by that entity."""
        found: dict[str, list[Rollup]] = {}
        for rollup in (r for computed in self.computed.values() for r in computed.rollups):
            found.setdefault(rollup.child, []).append(rollup)
        return found

    @cached_property
    def _accesses(self) -> dict[Any, Access]:
        return {}

    def access(self, caller: Caller) -> Access:
        """The caller's access, compiled once for each set of roles, token scope, number of teams, kinds of shares."""
        cache = self._accesses
        unlimited = caller.system or (caller.is_admin and not self.narrowings)
        teams = 0 if unlimited else min(len(caller.teams), MOST + 1)
        shares = tuple((s.entity, s.actions, s.readable, s.writable) for s in caller.shares) if caller.shares else ()
        key = (caller.system, caller.roles, caller.entities, teams, shares)
        found = cache.get(key)
        if found is None:
            if len(cache) >= MAX_ACCESSES:
                cache.clear()
            found = cache[key] = access_for(caller, self.entities, self.roles, self.builtin_grants, self.narrowings)
        return found

    @cached_property
    def stage_reports(self) -> Mapping[str, StageReport]:
        """The reports that pipelines bring, without those whose names report documents have."""
        return {name: r for name, r in stage_reports(self.pipelines.values()).items() if name not in self.reports}

    def reports_for(self, access: Access) -> list[str]:
        """The names of the reports that a caller may run."""
        documents = [name for name, report in self.reports.items() if access.allows(report.entity, "read")]
        brought = self.stage_reports.items()
        return documents + [
            name for name, r in brought if access.allows(r.document.entity, "read") and r.is_known_to(access)
        ]

    def environment(self, caller: Caller, now: datetime, *, params: Mapping[str, Any] | None = None) -> Environment:
        """The variables of filters for a caller at a moment."""
        return Environment(
            now=now,
            zone=caller.timezone,
            me=caller.id,
            my_team=caller.team,
            my_teams=caller.teams,
            shared=[shared.ids(now) for shared in caller.shares] if caller.shares else (),
            params=params or {},
        )

    def requirement(self, pipeline: str, stage: str) -> Validator | None:
        """The validator of all that `requires` asks in a stage, None where it asks nothing."""
        return self.requirements.get((pipeline, stage))

    def source_of(self, kind: str, name: str) -> Source:
        """Who declared a document. Raises `KeyError`."""
        return self.declarations[kind, name].source

    def rotting(self, model: EntityModel, record: Mapping[str, Any], now: datetime) -> bool:
        """Whether a record in hand has been in its stage for longer than the stage allows."""
        kind = model.fields["rotting"].type
        since = record["stage_since"]
        if not isinstance(kind, Rotting) or since is None:
            return False
        limit = next(
            (m.seconds for m in kind.limits if (m.pipeline, m.stage) == (record["pipeline"], record["stage"])), None
        )
        if limit is None:
            return False
        return bool(since < SecondsAgo(limit).get(Environment(now=now)))
