"""Pipelines as frozen data, and the pure questions that a move asks of them (floor 4)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, NamedTuple

import jsonschema_rs
import msgspec

from crm_kernel.documents import DURATION_PATTERN, PipelineDocument
from crm_kernel.errors import Fault, near, unknown
from crm_kernel.fields.rotting import Limit, Rotting
from crm_kernel.model import EntityModel, Field
from crm_kernel.schema.check import mentions

ANY = "*"
"""In `from`: every stage."""

_UNITS = {"W": 604_800, "D": 86_400, "H": 3_600, "M": 60, "S": 1}
_DURATION = re.compile(DURATION_PATTERN)
_MEASURE = re.compile(r"(\d+)([WDHMS])")


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """One stage. `rots_after` is in seconds; `requires` a JSON Schema fragment that a record here must meet."""

    name: str
    type: Literal["open", "won", "lost"]
    label: str
    labels: Mapping[str, str] = {}
    probability: float | None = None
    rots_after: int | None = None
    requires: Mapping[str, Any] | None = None
    reasons: tuple[str, ...] = ()


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """An allowed move from any of `from_` (or `"*"`) to `to`.

    The move needs `guard` (text of an expression) to hold, and one of `roles`, where they are given.
    """

    from_: tuple[str, ...]
    to: str
    guard: str | None = None
    roles: tuple[str, ...] | None = None

    def joins(self, from_: str, to: str) -> bool:
        """Whether it is about this move."""
        return self.to == to and (ANY in self.from_ or from_ in self.from_)


class Requirement(NamedTuple):
    """What a record must meet in a stage: the stage that asks for it, and its JSON Schema fragment."""

    stage: str
    schema: Mapping[str, Any]


class Pipeline(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """The stages of an entity's records in order. `transitions` is None where every move is allowed."""

    name: str
    entity: str
    label: str
    stages: tuple[Stage, ...]
    default: bool = False
    labels: Mapping[str, str] = {}
    transitions: tuple[Transition, ...] | None = None
    remap: Mapping[str, str] = {}

    @cached_property
    def _by_name(self) -> Mapping[str, Stage]:
        return {stage.name: stage for stage in self.stages}

    @property
    def first_stage(self) -> Stage:
        """Where a record begins that is created without a stage, or comes from another pipeline."""
        return self.stages[0]

    @property
    def stage_names(self) -> tuple[str, ...]:
        """The stages in order."""
        return tuple(self._by_name)

    def stage(self, name: str) -> Stage | None:
        """The stage of this name, None where there is none."""
        return self._by_name.get(name)

    @property
    def limits_moves(self) -> bool:
        """Whether transitions are declared; without them every move is allowed."""
        return self.transitions is not None

    def transitions_between(self, from_: str, to: str) -> list[tuple[int, Transition]]:
        """The declared transitions for this move, each with its index in the document."""
        return [(index, t) for index, t in enumerate(self.transitions or ()) if t.joins(from_, to)]

    def named_roles(self) -> Iterator[tuple[str, str]]:
        """The pointer and the name of each role that a move takes."""
        for index, transition in enumerate(self.transitions or ()):
            for place, role in enumerate(transition.roles or ()):
                yield f"/transitions/{index}/roles/{place}", role

    def required_in(self, name: str) -> tuple[Requirement, ...]:
        """What must hold for a record in the stage `name`, in the order of the stages.

        `requires` holds in its stage and in all later stages of type open or won; a lost stage has only its own.
        Raises `KeyError` for an unknown stage.
        """
        return self._requirements[name]

    @cached_property
    def _requirements(self) -> Mapping[str, tuple[Requirement, ...]]:
        found: dict[str, tuple[Requirement, ...]] = {}
        so_far: tuple[Requirement, ...] = ()
        for stage in self.stages:
            own = () if stage.requires is None else (Requirement(stage.name, stage.requires),)
            so_far = (*so_far, *own)
            found[stage.name] = own if stage.type == "lost" else so_far
        return found


def pipeline_of(document: PipelineDocument) -> Pipeline:
    """The pipeline of a document without structural faults (see `pipeline_faults`)."""
    stages = tuple(
        Stage(
            name=part.name,
            type=part.type,
            label=part.label or _words(part.name),
            labels=part.labels,
            probability=part.probability,
            rots_after=None if part.rots_after is None else seconds(part.rots_after),
            requires=part.requires,
            reasons=tuple(part.reasons),
        )
        for part in document.stages
    )
    transitions = (
        None
        if document.transitions is None
        else tuple(
            Transition(
                from_=(ANY,) if part.from_ == ANY else tuple(part.from_),
                to=part.to,
                guard=part.guard,
                roles=None if part.roles is None else tuple(part.roles),
            )
            for part in document.transitions
        )
    )
    return Pipeline(
        name=document.name,
        entity=document.entity,
        label=document.label or _words(document.name),
        labels=document.labels,
        default=document.default,
        stages=stages,
        transitions=transitions,
        remap=document.remap or {},
    )


def pipeline_faults(document: PipelineDocument) -> list[Fault]:
    """What is wrong within one pipeline document, beyond its JSON Schema: names, reasons, `requires`."""
    names = [stage.name for stage in document.stages]
    faults = [
        _fault(f"/stages/{index}/name", "unique", f"The stage {name!r} stands twice.")
        for index, name in enumerate(names)
        if name in names[:index]
    ]
    for index, stage in enumerate(document.stages):
        at = f"/stages/{index}"
        if stage.name == ANY:
            faults.append(_fault(f"{at}/name", "not", 'A stage cannot be called "*": in transitions it means any.'))
        for reason, times in Counter(stage.reasons).items():
            if times > 1:
                faults.append(_fault(f"{at}/reasons", "uniqueItems", f"The reason {reason!r} stands {times} times."))
        faults.extend(_requires_faults(stage.requires, f"{at}/requires"))
    for index, transition in enumerate(document.transitions or ()):
        at = f"/transitions/{index}"
        faults.extend(_unknown(transition.to, names, f"{at}/to"))
        for place, name in enumerate(() if transition.from_ == ANY else transition.from_):
            faults.extend(_unknown(name, [*names, ANY], f"{at}/from/{place}"))
    for old, new in (document.remap or {}).items():
        faults.extend(_unknown(new, names, "/remap/" + old.replace("~", "~0").replace("/", "~1")))
    return faults


def default_faults(pipelines: Sequence[Pipeline]) -> list[tuple[Pipeline, Fault]]:
    """Where the pipelines of one entity do not have exactly one default. A single one is the default by itself."""
    defaults = [p for p in pipelines if p.default]
    if len(defaults) > 1:
        names = " and ".join(repr(p.name) for p in defaults)
        detail = f"{names} are both the default of {defaults[0].entity!r}; only one can be."
        return [(p, _fault("/default", "unique", detail)) for p in defaults[1:]]
    if len(pipelines) > 1 and not defaults:
        names = ", ".join(repr(p.name) for p in pipelines)
        detail = f'One of the pipelines of {pipelines[0].entity!r} must have "default": true: {names}.'
        return [(p, _fault("/default", "required", detail)) for p in pipelines]
    return []


def default_first(pipelines: Iterable[Pipeline]) -> list[Pipeline]:
    """The pipelines of one entity, the default first, then by name."""
    return sorted(pipelines, key=lambda p: (not p.default, p.name))


def seconds(duration: str) -> int:
    """The seconds of an ISO 8601 duration without months and years (`P3D` is 259200). Raises `ValueError`."""
    if _DURATION.match(duration) is None:
        raise ValueError(f"{duration!r} is not a duration of weeks, days or time")
    return sum(int(number) * _UNITS[unit] for number, unit in _MEASURE.findall(duration))


def _words(name: str) -> str:
    """A name as people read it; a name that already is words is kept."""
    return name.replace("_", " ").replace("-", " ").capitalize() if name.islower() else name


def _unknown(name: str, names: list[str], pointer: str) -> list[Fault]:
    if name in names:
        return []
    hint = near(name, names) or f" known are {', '.join(names)}."
    return [_fault(pointer, "stage", f"There is no stage {name!r};{hint}")]


def _requires_faults(schema: dict[str, Any] | None, pointer: str) -> list[Fault]:
    """A fragment that no validator can be made of: a pattern beyond linear time, a `$ref` to nowhere."""
    try:
        jsonschema_rs.validator_for(
            schema or {}, pattern_options=jsonschema_rs.RegexOptions(), retriever=_fetch_nothing
        )
    except (ValueError, jsonschema_rs.ValidationError) as error:
        return [_fault(pointer, "requires", f"The schema cannot be used: {str(error).splitlines()[0]}")]
    return []


def _fetch_nothing(uri: str) -> Any:
    raise ValueError(f"{uri} is never fetched; $ref reaches the same document only")


def _fault(pointer: str, code: str, detail: str) -> Fault:
    return Fault(pointer=pointer, code=code, detail=detail)


def with_rotting(model: EntityModel, pipelines: Sequence[Pipeline]) -> EntityModel:
    """The entity with the limits of its stages in `rotting`."""
    if not pipelines:
        return model
    limits = tuple(
        Limit(p.name, stage.name, stage.rots_after) for p in pipelines for stage in p.stages if stage.rots_after
    )
    rotting = msgspec.structs.replace(model.fields["rotting"], type=Rotting(limits))
    fields: dict[str, Field] = {**model.fields, "rotting": rotting}
    return msgspec.structs.replace(model, fields=fields)


def requires_faults(pipeline: Pipeline, model: EntityModel) -> list[Fault]:
    """Names in `requires` that are no fields of the entity."""
    return [
        Fault(
            pointer=f"/stages/{index}/requires",
            code="unknown_field",
            detail=f"{pipeline.entity} has no field {name[:100]!r}" + (f";{hint}" if hint else "."),
        )
        for index, stage in enumerate(pipeline.stages)
        if stage.requires
        for name, hint in unknown(dict.fromkeys(name for _, name in mentions(stage.requires)), model.fields)
    ]
