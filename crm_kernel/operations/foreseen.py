"""Stored records as a plan will leave them: values converted, formulas and rollups computed by the new definitions.

A formula that changes, or reads what changes, is computed; so is a rollup over such. All else is what is stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import NamedTuple

from crm_kernel.errors import Fault
from crm_kernel.formulas.computed import Computed, Formula
from crm_kernel.formulas.measuring import Measure
from crm_kernel.formulas.order import Node
from crm_kernel.formulas.rollup import Rollup
from crm_kernel.operations.conversions import Conversion, converted
from crm_kernel.registry import Registry
from crm_kernel.storage.ddl import DdlPlan
from crm_kernel.storage.decoding import Record
from crm_kernel.storage.future import Pair, future_records
from crm_kernel.storage.ports import Reads

_TURNS = 4


class Page(NamedTuple):
    """Some records; by id the values of each that cannot be converted, and those of another computed value."""

    pairs: Sequence[Pair]
    lost: Mapping[str, Sequence[Fault]]
    recomputed: Collection[str]


class Foreseen:
    """The records of two registries. `roots` are for each entity the changed definitions that its computed fields
    depend on; `computed` the fields whose values may change, in the order of the registry."""

    def __init__(
        self, reads: Reads, before: Registry, after: Registry, ddl: DdlPlan, conversions: Sequence[Conversion]
    ) -> None:
        self.reads = reads
        self.before = before
        self.after = after
        self._ddl = ddl
        self._conversions = conversions
        self._measures: dict[tuple[str, str], Measure] = {}
        self._roots = _roots(before, after)

    def computed(self, entity: str) -> list[str]:
        """The fields of an entity whose values are computed anew."""
        return [node.field for node in self._roots if node.entity == entity]

    def roots(self, entity: str) -> set[Node]:
        """The fields whose definition is new or changed and that the values of an entity follow."""
        return {root for node, roots in self._roots.items() if node.entity == entity for root in roots}

    @property
    def recomputed(self) -> list[str]:
        """The stored entities that have fields whose values are computed anew."""
        return sorted({node.entity for node in self._roots} & self.before.entities.keys())

    def converts(self, entity: str) -> bool:
        """Whether fields of an entity change their type."""
        return any(conversion.entity == entity for conversion in self._conversions)

    async def pages(self, entity: str, now: Collection[str], then: Collection[str]) -> AsyncIterator[Page]:
        """The live records of an entity with the fields that are asked for, as they are and as they will be.

        After each page others are answered: a request takes some turns of the loop.
        """
        old, new = self.before.entities[entity], self.after.entities[entity]
        here = [conversion for conversion in self._conversions if conversion.entity == entity]
        wanted = self._wanted(entity, then)
        computed, held = self.after.computed.get(entity), self._held(entity, wanted)
        for rollup in computed.rollups if computed else ():
            if rollup.name in held:
                await self._measure(rollup)
        present = {*now, *(conversion.old.name for conversion in here), *filter(None, held.values())}
        async for pairs in future_records(self.reads, old, new, self._ddl, present, wanted):
            lost = await converted(self.reads, here, pairs) if here else {}
            recomputed = {pair.id for pair in pairs if computed and self._compute(computed, pair, held)}
            yield Page(pairs, lost, recomputed)
            for _ in range(_TURNS):
                await asyncio.sleep(0)

    def fill(self, entity: str, record: Record) -> None:
        """Compute the formulas of a record of `pages` in which other values were filled in."""
        for formula in self._formulas(entity):
            if formula.name in record:
                record[formula.name] = formula.evaluate(record, self.after.computed[entity].environment)

    def _wanted(self, entity: str, names: Collection[str]) -> frozenset[str]:
        """These fields and all that those of them are computed from."""
        found = set(names)
        for formula in reversed(self._formulas(entity)):
            if formula.name in found:
                found |= formula.inputs
        return frozenset(found)

    def _formulas(self, entity: str) -> Sequence[Formula]:
        computed = self.after.computed.get(entity)
        return computed.formulas if computed else ()

    def _held(self, entity: str, wanted: Collection[str]) -> dict[str, str | None]:
        """Those of some fields that are computed anew, in their order → where their present value is, if anywhere."""
        old, new = self.before.entities[entity].fields, self.after.entities[entity].fields
        computed = self.after.computed.get(entity)
        names = [part.name for part in (*computed.rollups, *computed.formulas)] if computed else []
        due = [name for name in names if name in wanted and Node(entity, name) in self._roots]
        return {name: next((n for n in (name, new[name].options.was) if n in old), None) for name in due}

    def _compute(self, computed: Computed, pair: Pair, held: Mapping[str, str | None]) -> bool:
        """Put the values of what is computed anew into the future record; whether one of them differs."""
        then = pair.then
        for rollup in computed.rollups:
            if rollup.name in held:
                then[rollup.name] = self._measures[rollup.entity, rollup.name].value(pair.id)
        for formula in computed.formulas:
            if formula.name in held:
                then[formula.name] = formula.evaluate(then, computed.environment)
        return any(then[name] != (None if old is None else pair.now[old]) for name, old in held.items())

    async def _measure(self, rollup: Rollup) -> None:
        """One pass over the records that are measured, for all rollups over them that need nothing else first."""
        if (rollup.entity, rollup.name) in self._measures:
            return
        others = self.after.computed[rollup.entity].rollups if self._is_plain(rollup) else ()
        together = [rollup, *(r for r in others if r is not rollup and r.child == rollup.child and self._is_due(r))]
        measures = [Measure(each) for each in together]
        if rollup.child in self.before.entities:
            names = frozenset[str]().union(*(each.inputs for each in together))
            environment = self.after.computed[rollup.entity].environment
            async for page in self.pages(rollup.child, (), names):
                for pair in page.pairs:
                    for measure in measures:
                        measure.take(pair.then, environment)
        self._measures |= {(measure.rollup.entity, measure.rollup.name): measure for measure in measures}

    def _is_due(self, rollup: Rollup) -> bool:
        return Node(rollup.entity, rollup.name) in self._roots and self._is_plain(rollup)

    def _is_plain(self, rollup: Rollup) -> bool:
        """Whether nothing that it measures is computed anew itself."""
        return not any(Node(rollup.child, name) in self._roots for name in rollup.inputs)


def _roots(before: Registry, after: Registry) -> dict[Node, frozenset[Node]]:
    """Each computed field whose values may change → those of another definition than before that it follows."""
    sources: dict[Node, list[Node]] = {}
    found: dict[Node, frozenset[Node]] = {}
    for entity, computed in after.computed.items():
        was = before.computed[entity].digests if entity in before.computed else {}
        for formula in computed.formulas:
            sources[Node(entity, formula.name)] = [Node(entity, name) for name in formula.inputs]
        for rollup in computed.rollups:
            sources[Node(entity, rollup.name)] = [Node(rollup.child, name) for name in rollup.inputs]
        for name, digest in computed.digests.items():
            if was.get(name) != digest:
                found[Node(entity, name)] = frozenset({Node(entity, name)})
    grows = True
    while grows:
        grows = False
        for node, inputs in sources.items():
            roots = found.get(node, frozenset()).union(*(found[source] for source in inputs if source in found))
            if roots and roots != found.get(node):
                found[node], grows = roots, True
    return found
