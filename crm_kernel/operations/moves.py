"""Pipeline rules: what a move needs, and for a record in hand what is possible and why the rest is not."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from crm_kernel.errors import Fault
from crm_kernel.filters.explain import explain, reads_all
from crm_kernel.filters.expression import Expression
from crm_kernel.model import EntityModel, in_language
from crm_kernel.operations.work import Work
from crm_kernel.pipelines import Pipeline, Stage, Transition
from crm_kernel.registry import Registry


def seconds_between(start: str, end: str) -> int:
    """Whole seconds from one canonical moment to another."""
    return int((datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())


def requirement_faults(
    registry: Registry, pipeline: Pipeline, record: dict[str, Any], locale: str = "en"
) -> list[Fault]:
    """Faults of `requires` of the record's stage, inherited requirements included, with their keyword codes."""
    validate = registry.requirement(pipeline.name, record["stage"])
    return [] if validate is None else validate(record, locale=locale)


def lost_reason_faults(pipeline: Pipeline, record: dict[str, Any], *, moved: bool) -> list[Fault]:
    """A lost stage with `reasons` demands one of them; a stage without reasons takes none it does not know."""
    stage = pipeline.stage(record["stage"])
    reason = record["stage_reason"]
    if stage is None or not stage.reasons:
        return []
    if reason is None and not moved:
        return []
    if reason not in stage.reasons:
        known = ", ".join(repr(r) for r in stage.reasons)
        got = "none was given" if reason is None else f"{reason!r} is none of them"
        return [Fault(pointer="/stage", code="reason", detail=f"{stage.label} needs a reason out of {known}; {got}.")]
    return []


def check_transition(
    work: Work, pipeline: Pipeline, old: dict[str, Any], new: dict[str, Any], *, trusted: bool
) -> list[Fault]:
    """Faults `no_transition`, `role`, `guard` of a move from the stage of `old` to that of `new`."""
    if old["pipeline"] != new["pipeline"]:
        first = pipeline.first_stage.name
        if new["stage"] == first:
            return []
        detail = f"Into {pipeline.label} a record moves to its first stage {first!r}."
        return [Fault(pointer="/stage", code="no_transition", detail=detail)]
    if not pipeline.limits_moves:
        return []
    candidates = pipeline.transitions_between(old["stage"], new["stage"])
    if not candidates:
        detail = f"{pipeline.label} has no transition from {old['stage']!r} to {new['stage']!r}."
        return [Fault(pointer="/stage", code="no_transition", detail=detail)]
    attempts = [_transition_faults(work, pipeline, index, t, new, trusted) for index, t in candidates]
    return min(attempts, key=len)


def _transition_faults(
    work: Work, pipeline: Pipeline, index: int, transition: Transition, record: dict[str, Any], trusted: bool
) -> list[Fault]:
    faults: list[Fault] = []
    roles = transition.roles
    if roles and not trusted and not work.caller.unrestricted and not work.caller.roles & set(roles):
        detail = f"This move takes the role {' or '.join(roles)}."
        faults.append(_fault(work, pipeline, "role", detail, f"/transitions/{index}/roles"))
    guard = work.registry.guards.get((pipeline.name, index))
    if guard is not None and not work.holds(guard, record):
        detail, shown = _quoted(work, guard, record, trusted=trusted)
        faults.append(_fault(work, pipeline, "guard", detail, f"/transitions/{index}/guard", **shown))
    return faults


def _quoted(work: Work, guard: Expression, record: dict[str, Any], *, trusted: bool) -> tuple[str, dict[str, Any]]:
    """What may be said of a guard that does not hold: the expression to whom may read all its paths, its values to
    whom no row or field rule keeps from any of them."""
    seen = guard if trusted else work.as_seen(guard)
    if seen is None:
        return "A condition of this move does not hold.", {}
    detail = f"The condition of this move does not hold: {guard.text}"
    if not reads_all(seen):
        return detail, {"expression": guard.text}
    parts = explain(guard, record, work.environment)
    failed = [{"expression": p.expression, "values": p.values} for p in parts if not p.held]
    return detail, {"expression": guard.text, "failed": failed}


def _fault(work: Work, pipeline: Pipeline, code: str, detail: str, pointer: str, **extra: Any) -> Fault:
    source = work.registry.source_of("pipeline", pipeline.name)
    plugin = source.name if source.kind in ("plugin", "builtin") else None
    where = {"kind": "pipeline", "name": pipeline.name, "plugin": plugin, "pointer": pointer}
    return Fault(pointer="/stage", code=code, detail=detail, extra={"source": where, **extra})


async def possible_moves(
    work: Work, model: EntityModel, record: dict[str, Any], *, may_move: bool, readable: frozenset[str]
) -> dict[str, Any]:
    """The answer of `GET …/moves`: for each other stage of the record's pipeline whether and why not.

    `readable` are the fields of the record that the caller may read: without its stage there are no moves to tell.
    """
    shown = {name: record[name] if name in readable else None for name in ("pipeline", "stage")}
    moves: list[dict[str, Any]] = []
    if "stage" in readable and record["pipeline"] in work.registry.pipelines:
        pipeline = work.registry.pipelines[record["pipeline"]]
        await work.prefetch(_guards(work.registry, pipeline), [record])
        others = [stage for stage in pipeline.stages if stage.name != record["stage"]]
        moves = [_move(work, model, pipeline, stage, record, may_move, readable) for stage in others]
    return {"id": record["id"], "version": record["version"], **shown, "moves": moves}


def _guards(registry: Registry, pipeline: Pipeline) -> Iterable[Any]:
    return [guard for (name, _), guard in registry.guards.items() if name == pipeline.name]


def _move(
    work: Work,
    model: EntityModel,
    pipeline: Pipeline,
    stage: Stage,
    record: dict[str, Any],
    may_move: bool,
    readable: frozenset[str],
) -> dict[str, Any]:
    image = {**record, "stage": stage.name, "stage_reason": None}
    faults = check_transition(work, pipeline, record, image, trusted=False)
    missing = requirement_faults(work.registry, pipeline, image)
    if not may_move:
        faults.append(Fault(pointer="/stage", code="forbidden", detail=f"You may not move this {model.name}."))
    return {
        "to": stage.name,
        "label": in_language(stage.labels, work.caller.locale) or stage.label,
        "type": stage.type,
        "allowed": not faults and not missing,
        "reasons": list(stage.reasons) or None,
        "missing": sorted({f.pointer for f in missing if not f.pointer or f.pointer.split("/")[1] in readable}),
        "refused": [f.render() for f in faults],
    }
