"""What a new registry means for stored records: which become invalid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from crm_kernel.errors import Fault
from crm_kernel.fields.base import ValueContext
from crm_kernel.model import EntityModel
from crm_kernel.operations.foreseen import Foreseen
from crm_kernel.registry import Registry
from crm_kernel.schema.validate import SchemaValidator
from crm_kernel.storage.decoding import Record

SAMPLE = 20


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


class Recomputed(NamedTuple):
    """How many of the live records of an entity get another value in one of some computed fields."""

    entity: str
    fields: Sequence[str]
    total: int
    changed: int


async def invalid_records(foreseen: Foreseen, changes: Sequence[Changed]) -> tuple[list[Impact], list[Recomputed]]:
    """For each changed entity or `fields` document: the records that it makes invalid, by its rules or by what is
    computed otherwise because of it. For each entity of such values: how many. One pass over an entity."""
    before, after = foreseen.before, foreseen.after
    by_entity: dict[str, list[Changed]] = {}
    for change in changes:
        entity = entity_of(change)
        if entity is not None:
            by_entity.setdefault(entity, []).append(change)
    impacts: list[Impact] = []
    recomputed: list[Recomputed] = []
    for entity in dict.fromkeys([*by_entity, *(foreseen.recomputed if changes else ())]):
        old, new = before.entities.get(entity), after.entities.get(entity)
        fields = foreseen.computed(entity)
        if old is None or new is None or not (fields or old.schema != new.schema or foreseen.converts(entity)):
            continue
        count = _Count(foreseen, old, new, by_entity.get(entity) or _upstream(foreseen, entity, changes))
        changed = 0
        async for page in foreseen.pages(entity, count.now, {*count.reads, *fields}):
            changed += len(page.recomputed)
            for pair in page.pairs:
                count.take(pair.id, pair.now, pair.then, page.lost.get(pair.id, ()))
        impacts += count.impacts()
        if fields:
            recomputed.append(Recomputed(entity, fields, count.total, changed))
    return impacts, recomputed


def _upstream(foreseen: Foreseen, entity: str, changes: Sequence[Changed]) -> list[Changed]:
    """The documents that define what the computed fields of another entity follow."""
    roots = foreseen.roots(entity)
    return [
        change
        for change in changes
        if any(root.entity == entity_of(change) and root.field in properties_of(change[2]) for root in roots)
    ]


class _Tally:
    """The counts of one document. `validator`: of its own part of the entity's rules."""

    def __init__(self, change: Changed, validator: SchemaValidator | None) -> None:
        self.change = change
        self.validator = validator
        self.invalid = self.already = self.left = 0
        self.sample: list[tuple[str, Sequence[Fault]]] = []


class _Count:
    """Counts the records of one entity that its changed documents make invalid."""

    def __init__(self, foreseen: Foreseen, old: EntityModel, new: EntityModel, changes: Sequence[Changed]) -> None:
        after = foreseen.after
        self._fill = foreseen.fill
        self._old, self._new = rules_of(old), rules_of(new)
        self._entity = new.name
        self.total = 0
        parts = parts_of(after, new) if len(changes) > 1 else {}
        self._tallies = [
            _Tally(change, SchemaValidator(new.fields, [parts[change[:2]]]) if change[:2] in parts else None)
            for change in changes
        ]
        self._defaults: Record = {}
        for change in changes:
            if entity_of(change) == new.name:
                self._defaults |= defaults_of(change[2], new, after.value_context)

    @property
    def reads(self) -> frozenset[str]:
        """The fields whose future values are needed."""
        return self._new.reads

    @property
    def now(self) -> frozenset[str]:
        """The fields whose present values are needed."""
        return self._old.reads

    def take(self, id: str, now: Record, then: Record, lost: Sequence[Fault]) -> None:
        """Count one record; `lost` are its values that cannot be converted."""
        self.total += 1
        if not lost and self._new.holds(then):
            return
        was_valid = self._old.holds(now)
        filled = {**then, **{n: v for n, v in self._defaults.items() if n in then and then[n] is None}}
        self._fill(self._entity, filled)
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
            Impact(*t.change[:2], self._entity, self.total, t.invalid, t.already, t.left, t.sample)
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


def parts_of(registry: Registry, model: EntityModel) -> dict[tuple[str, str], dict[str, Any]]:
    """The part of an entity's merged schema that each of its stored documents has given."""
    names = sorted(
        name
        for (kind, name), declared in registry.declarations.items()
        if kind == "fields" and declared.source.kind == "document" and declared.body["entity"] == model.name
    )
    parts: list[dict[str, Any]] = model.schema["allOf"]
    found = {("fields", name): part for name, part in zip(names, parts[len(parts) - len(names) :], strict=True)}
    return {("entity", model.name): parts[0], **found}
