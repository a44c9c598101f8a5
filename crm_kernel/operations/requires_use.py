"""Records that a changed pipeline leaves in a stage whose `requires` they do not fulfil any more (floor 7).

They stay where they are, and each later change has to fulfil it: this is told, and asks for no choice by itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from crm_kernel.errors import Fault
from crm_kernel.operations.foreseen import Foreseen
from crm_kernel.operations.impact import SAMPLE, Changed, Impact
from crm_kernel.pipelines import Pipeline
from crm_kernel.registry import Registry
from crm_kernel.schema.validate import SchemaValidator

Rules = dict[str, SchemaValidator]
"""What a stage requires."""


async def unmet_requirements(foreseen: Foreseen, changes: Sequence[Changed]) -> list[Impact]:
    """For each changed pipeline that requires something else: the records in its stages that lack it."""
    before, after = foreseen.before, foreseen.after
    impacts: list[Impact] = []
    for kind, name, _ in changes:
        old, new = before.pipelines.get(name), after.pipelines.get(name)
        if kind != "pipeline" or old is None or new is None or _required(old) == _required(new):
            continue
        if old.entity == new.entity and new.entity in before.entities:
            impacts.append(await _unmet(foreseen, new))
    return impacts


def _required(pipeline: Pipeline) -> dict[str, object]:
    return {stage: pipeline.required_in(stage) for stage in pipeline.stage_names}


def _rules(registry: Registry, name: str) -> Rules:
    found = {stage: rule for (pipeline, stage), rule in registry.requirements.items() if pipeline == name}
    return {stage: rule for stage, rule in found.items() if isinstance(rule, SchemaValidator)}


async def _unmet(foreseen: Foreseen, pipeline: Pipeline) -> Impact:
    was, will = _rules(foreseen.before, pipeline.name), _rules(foreseen.after, pipeline.name)
    now = {"pipeline", "stage"}.union(*(rule.reads for rule in was.values()))
    then = frozenset[str]().union(*(rule.reads for rule in will.values()))
    total = invalid = already = 0
    sample: list[tuple[str, Sequence[Fault]]] = []
    async for page in foreseen.pages(pipeline.entity, now, then):
        for pair in page.pairs:
            stage = str(pair.now["stage"])
            total += 1
            rule = will.get(stage) if pair.now["pipeline"] == pipeline.name else None
            if rule is None or rule.holds(pair.then):
                continue
            if stage in was and not was[stage].holds(pair.now):
                already += 1
                continue
            invalid += 1
            if len(sample) < SAMPLE:
                sample.append((pair.id, rule(pair.then)))
    return Impact("pipeline", pipeline.name, pipeline.entity, total, invalid, already, 0, sample)
