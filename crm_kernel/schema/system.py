"""The fields that every record has, and those of records in a pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from crm_kernel.fields.base import FieldType, Options
from crm_kernel.fields.choice import Choice
from crm_kernel.fields.moment import Moment
from crm_kernel.fields.number import Integer
from crm_kernel.fields.reference import Id, Reference
from crm_kernel.fields.rotting import Rotting
from crm_kernel.fields.text import Text
from crm_kernel.model import SYSTEM, Field

MAX_STAGE_NAME = 80

_UUID = {"type": "string", "format": "uuid"}
_MOMENT = {"type": "string", "format": "date-time"}
_WRITABLE = frozenset({"owner", "team", "pipeline", "stage", "stage_reason"})

NO_PIPELINES: Mapping[str, Sequence[str]] = MappingProxyType({})


def system_fields(pipelines: Mapping[str, Sequence[str]] = NO_PIPELINES) -> dict[str, Field]:
    """The system fields in their fixed order.

    `pipelines`: the stage names of each pipeline of the entity, default pipeline first; with none the five fields of
    a pipeline are left out. Stages sort in declared order.
    """
    found = [
        _field("id", Id(), _UUID),
        _field("version", Integer(), {"type": "integer", "minimum": 1}),
        _field("created_at", Moment(), _MOMENT),
        _reference("created_by", "user"),
        _field("updated_at", Moment(), _MOMENT),
        _reference("updated_by", "user"),
        _reference("owner", "user"),
        _reference("team", "team"),
        _field("deleted_at", Moment(), _MOMENT),
    ]
    if pipelines:
        found += _pipeline_fields(pipelines)
    return {field.name: field for field in found}


def _pipeline_fields(pipelines: Mapping[str, Sequence[str]]) -> list[Field]:
    stages = tuple(dict.fromkeys(stage for names in pipelines.values() for stage in names))
    return [
        _field("pipeline", Choice(tuple(pipelines)), {"type": "string", "enum": list(pipelines)}),
        _field("stage", Choice(stages), {"type": "string", "maxLength": MAX_STAGE_NAME, "enum": list(stages)}),
        _field("stage_since", Moment(), _MOMENT),
        _field("stage_reason", Text(), {"type": "string"}),
        _field("rotting", Rotting(), {"type": "boolean"}),
    ]


def _reference(name: str, target: str) -> Field:
    return _field(name, Reference(target), {**_UUID, "x-crm": {"reference": target}}, Options(reference=target))


def _field(name: str, type: FieldType, schema: dict[str, Any], options: Options | None = None) -> Field:
    return Field(
        name=name,
        type=type,
        schema=schema,
        source=SYSTEM,
        options=options or Options(),
        read_only=name not in _WRITABLE,
    )
