"""What a new registry means for stored records: which become invalid."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from crm_kernel.errors import Fault
from crm_kernel.fields.base import ValueContext
from crm_kernel.model import EntityModel
from crm_kernel.operations.conversions import Conversion, converted
from crm_kernel.registry import Registry
from crm_kernel.schema.validate import SchemaValidator
from crm_kernel.storage.ddl import DdlPlan
from crm_kernel.storage.decoding import Record
from crm_kernel.storage.future import future_records
from crm_kernel.storage.ports import Reads

SAMPLE = 20
_TURNS = 4


class Impact(NamedTuple):
    """How many records of an entity a document makes invalid; those that were so before are counted apart.

    `left` are those that its defaults do not make valid either.
    """

    kind: str
    name: str
    entity: str
    total: int
    invalid: int
    already_invalid: int
    left: int
    sample: Sequence[tuple[str, Sequence[Fault]]]


Changed = tuple[str, str, Mapping[str, Any] | None]
"""(kind, name, body) of a document; the body is None where it is removed."""


def entity_of(change: Changed) -> str | None:
    """The entity whose records a document has rules for; None where it has none, or is removed."""
    kind, name, body = change
    if body is None:
        return None
    return name if kind == "entity" else str(body.get("entity")) if kind == "fields" else None


async def invalid_records(
    reads: Reads,
    before: Registry,
    after: Registry,
    ddl: DdlPlan,
    changes: Sequence[Changed],
    conversions: Sequence[Conversion],
) -> list[Impact]:
    """For each changed entity or `fields` document: the records that it makes invalid. One pass over an entity."""
    by_entity: dict[str, list[Changed]] = {}
    for change in changes:
        entity = entity_of(change)
        if entity is not None:
            by_entity.setdefault(entity, []).append(change)
    impacts: list[Impact] = []
    for entity, mine in by_entity.items():
        old, new = before.entities.get(entity), after.entities.get(entity)
        here = [c for c in conversions if c.entity == entity]
        if old is None or new is None or (old.schema == new.schema and not here):
            continue
        count = _Count(after, old, new, mine)
        async for page in future_records(reads, old, new, ddl, count.now(here), count.reads):
            faults = await converted(reads, here, page)
            for pair in page:
                count.take(pair.id, pair.now, pair.then, faults.get(pair.id, ()))
            await let_others()
        impacts += count.impacts()
    return impacts


async def let_others() -> None:
    """Let whoever else asks something be answered: a request takes some turns of the loop."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)


class _Tally:
    """The counts of one document. `validator`: of its own part of the entity's rules."""

    def __init__(self, change: Changed, validator: SchemaValidator | None) -> None:
        self.change = change
        self.validator = validator
        self.invalid = self.already = self.left = 0
        self.sample: list[tuple[str, Sequence[Fault]]] = []


class _Count:
    """Counts the records of one entity that its changed documents make invalid."""

    def __init__(self, after: Registry, old: EntityModel, new: EntityModel, changes: Sequence[Changed]) -> None:
        self._old, self._new = rules_of(old), rules_of(new)
        self._entity = new.name
        self._total = 0
        parts = _parts(after, new) if len(changes) > 1 else {}
        self._tallies = [
            _Tally(change, SchemaValidator(new.fields, [parts[change[:2]]]) if change[:2] in parts else None)
            for change in changes
        ]
        self._defaults: Record = {}
        for _, _, body in changes:
            self._defaults |= defaults_of(body, new, after.value_context)

    @property
    def reads(self) -> frozenset[str]:
        """The fields whose future values are needed."""
        return self._new.reads

    def now(self, conversions: Sequence[Conversion]) -> set[str]:
        """The fields whose present values are needed."""
        return {*self._old.reads, *(c.old.name for c in conversions)}

    def take(self, id: str, now: Record, then: Record, lost: Sequence[Fault]) -> None:
        """Count one record; `lost` are its values that cannot be converted."""
        self._total += 1
        if not lost and self._new.holds(then):
            return
        was_valid = self._old.holds(now)
        filled = {**then, **{n: v for n, v in self._defaults.items() if n in then and then[n] is None}}
        is_left = was_valid and not self._new.holds(filled)
        for tally in self._guilty(then, lost):
            tally.already += not was_valid
            tally.invalid += was_valid
            tally.left += is_left
            if was_valid and len(tally.sample) < SAMPLE:
                tally.sample.append((id, [*lost, *self._new(then)]))

    def _guilty(self, then: Record, lost: Sequence[Fault]) -> list[_Tally]:
        """The documents whose rules do not hold; where none can be told from the others, the first one."""
        if len(self._tallies) == 1:
            return self._tallies
        names = {fault.pointer.split("/")[1] for fault in lost}
        return [
            tally
            for tally in self._tallies
            if names & properties_of(tally.change[2]).keys()
            or (tally.validator is not None and not tally.validator.holds(then))
        ] or self._tallies[:1]

    def impacts(self) -> list[Impact]:
        """What was counted."""
        return [
            Impact(*t.change[:2], self._entity, self._total, t.invalid, t.already, t.left, t.sample)
            for t in self._tallies
        ]


def rules_of(model: EntityModel) -> SchemaValidator:
    """The rules that a model is merged from."""
    return SchemaValidator(model.fields, model.schema["allOf"])


def properties_of(body: Mapping[str, Any] | None) -> dict[str, Any]:
    """The fields that a document defines; it need not be sound."""
    schema: Any = (body or {}).get("schema")
    properties: Any = cast("dict[str, Any]", schema).get("properties") if isinstance(schema, dict) else None
    return dict(cast("dict[str, Any]", properties)) if isinstance(properties, dict) else {}


def defaults_of(body: Mapping[str, Any] | None, model: EntityModel, context: ValueContext) -> dict[str, Any]:
    """The defaults of the fields that a document defines, as they are stored."""
    own = [model.fields[name] for name in properties_of(body) if name in model.fields]
    return {f.name: f.type.canonical(f.default, context) for f in own if f.default is not None}


def _parts(registry: Registry, model: EntityModel) -> dict[tuple[str, str], dict[str, Any]]:
    """The part of an entity's merged schema that each of its stored documents has given."""
    names = sorted(
        name
        for (kind, name), declared in registry.declarations.items()
        if kind == "fields" and declared.source.kind == "document" and declared.body["entity"] == model.name
    )
    parts: list[dict[str, Any]] = model.schema["allOf"]
    found = {("fields", name): part for name, part in zip(names, parts[len(parts) - len(names) :], strict=True)}
    return {("entity", model.name): parts[0], **found}
