"""What a new registry means for stored records: which become invalid, which stand in stages that go away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from crm_kernel.errors import Fault
from crm_kernel.model import EntityModel
from crm_kernel.registry import Registry
from crm_kernel.storage import scan
from crm_kernel.storage.ports import Reads
from crm_kernel.storage.store import Store

SAMPLE = 20


class Impact(NamedTuple):
    """How many records of an entity a document makes invalid; those that were so before are counted apart."""

    kind: str
    name: str
    entity: str
    total: int
    invalid: int
    already_invalid: int
    sample: Sequence[tuple[str, Sequence[Fault]]]


class StageUse(NamedTuple):
    """Records in a stage that the new pipelines do not have ("" = in none yet), and the stage they are to go to."""

    entity: str
    pipeline: str
    stage: str
    records: int
    target: str | None

    def fault(self) -> Fault:
        """What is missing from the document."""
        where = f"in the stage {self.stage!r}" if self.stage else "without a stage"
        detail = f"{self.records} records of {self.entity} are {where}: `remap` must say where they go."
        return Fault(pointer="/remap", code="required", detail=detail, hint=f'"remap": {{"{self.stage}": "…"}}')


async def invalid_records(
    reads: Reads,
    store: Store,
    before: Registry,
    after: Registry,
    changes: Iterable[tuple[str, str, Mapping[str, Any] | None]],
) -> list[Impact]:
    """For each changed entity or `fields` document: the records that it makes invalid."""
    impacts: list[Impact] = []
    for kind, name, body in changes:
        if kind not in ("entity", "fields"):
            continue
        entity = name if kind == "entity" else str((body or {}).get("entity", ""))
        old, new = before.entities.get(entity), after.entities.get(entity)
        if old is None or new is None or old.schema == new.schema:
            continue
        impacts.append(await _impact(reads, store, kind, name, old, new))
    return impacts


async def _impact(reads: Reads, store: Store, kind: str, name: str, old: EntityModel, new: EntityModel) -> Impact:
    total = invalid = already = 0
    sample: list[tuple[str, Sequence[Fault]]] = []
    kept = {field: None for field in new.fields if field not in old.fields}
    async for record in scan.live_records(reads, store.records, old):
        total += 1
        faults = new.validate({**record, **kept})
        if not faults:
            continue
        if old.validate(record):
            already += 1
            continue
        invalid += 1
        if len(sample) < SAMPLE:
            sample.append((record["id"], faults))
    return Impact(kind, name, new.name, total, invalid, already, sample)


async def stages_in_use(reads: Reads, before: Registry, after: Registry) -> list[StageUse]:
    """Records in stages that go away, and records of an entity that gets its first pipeline."""
    uses: list[StageUse] = []
    for name, model in after.entities.items():
        old = before.entities.get(name)
        if (
            old is None
            or not model.pipelines
            or (old.pipelines == model.pipelines and _same_stages(before, after, model))
        ):
            continue
        for pipeline, stage, records in await scan.stage_counts(reads, old):
            use = _use(after, model, pipeline, stage, records)
            if use is not None:
                uses.append(use)
    return uses


def _same_stages(before: Registry, after: Registry, model: EntityModel) -> bool:
    return all(
        before.pipelines[p].stage_names == after.pipelines[p].stage_names
        for p in model.pipelines
        if p in before.pipelines and p in after.pipelines
    )


def _use(after: Registry, model: EntityModel, pipeline: str | None, stage: str | None, records: int) -> StageUse | None:
    line = after.pipelines.get(pipeline or model.pipelines[0]) or after.pipelines[model.pipelines[0]]
    if stage is not None and line.name == pipeline and line.stage(stage) is not None:
        return None
    return StageUse(model.name, line.name, stage or "", records, line.remap.get(stage or ""))
