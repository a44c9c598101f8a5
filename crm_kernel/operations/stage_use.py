"""Records in stages that go away: where they are to go, and their way there (floor 7)."""

from __future__ import annotations

from typing import Any, NamedTuple

from crm_kernel.errors import Fault
from crm_kernel.model import EntityModel
from crm_kernel.operations.changes import AnyChange, Change
from crm_kernel.operations.work import WriteWork
from crm_kernel.operations.write_computed import compute, roll_up
from crm_kernel.operations.write_store import store as store_changes
from crm_kernel.registry import Registry
from crm_kernel.storage import scan
from crm_kernel.storage.ports import Reads

AT_ONCE = 500


class StageUse(NamedTuple):
    """Records in a stage that the new pipelines do not have ("" = in none yet), and the stage they are to go to.

    `source` is the pipeline they are in, `pipeline` the one that takes them: the same, or the default where that goes.
    """

    entity: str
    source: str | None
    stage: str
    records: int
    pipeline: str
    target: str | None

    def fault(self) -> Fault:
        """What is missing from the document."""
        where = f"in the stage {self.stage!r}" if self.stage else "without a stage"
        of = f" of the pipeline {self.source!r}" if self.source not in (None, self.pipeline) else ""
        detail = f"{self.records} records of {self.entity} are {where}{of}: `remap` must say where they go."
        hint = f'In the pipeline {self.pipeline!r}: "remap": {{"{self.stage}": "…"}}'
        return Fault(pointer="/remap", code="required", detail=detail, hint=hint)

    def answer(self) -> dict[str, Any]:
        """As a plan tells it."""
        return {"pipeline": self.source or self.pipeline, "stage": self.stage, "records": self.records}


async def stages_in_use(reads: Reads, before: Registry, after: Registry) -> list[StageUse]:
    """Records in stages that go away, and records of an entity that gets its first pipeline."""
    uses: list[StageUse] = []
    for name, model in after.entities.items():
        old = before.entities.get(name)
        if old is None or not model.pipelines or _stages(before, old) == _stages(after, model):
            continue
        for pipeline, stage, records in await scan.stage_counts(reads, old):
            use = _use(after, model, pipeline, stage, records)
            if use is not None:
                uses.append(use)
    return uses


def _stages(registry: Registry, model: EntityModel) -> dict[str, tuple[str, ...]]:
    return {name: registry.pipelines[name].stage_names for name in model.pipelines if name in registry.pipelines}


def _use(after: Registry, model: EntityModel, pipeline: str | None, stage: str | None, records: int) -> StageUse | None:
    default = after.pipelines[model.pipelines[0]]
    line = after.pipelines[pipeline] if pipeline in model.pipelines else default
    if stage is not None and line.name == pipeline and line.stage(stage) is not None:
        return None
    return StageUse(model.name, pipeline, stage or "", records, line.name, line.remap.get(stage or ""))


async def remap(work: WriteWork, use: StageUse) -> None:
    """Put records into the stage that the document names; no rule of a move applies, history tells of it."""
    model = work.model(use.entity)
    ids = await scan.ids_in_stage(work.tx, model, use.source, use.stage or None)
    for start in range(0, len(ids), AT_ONCE):
        records = await work.store.records.load(work.tx, model, ids[start : start + AT_ONCE])
        changes = [_restaged(work, use, record) for record in records]
        for change in changes:
            compute(work, change)
        await store_changes(work, changes)
        await roll_up(work, changes)


def _restaged(work: WriteWork, use: StageUse, record: dict[str, Any]) -> AnyChange:
    change: AnyChange = Change.update(use.entity, record["id"], {})
    change.model = work.model(use.entity)
    change.kind, change.old = "move", record
    change.new = {**record, "pipeline": use.pipeline, "stage": use.target, "stage_since": work.now}
    change.changed = ["pipeline", "stage", "stage_since"]
    change.move_record = {"from": record["stage"], "to": use.target, "reason": None, "seconds": None}
    return change
