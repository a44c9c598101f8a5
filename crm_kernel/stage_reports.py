"""Two reports that each pipeline brings: how long records stay in its stages, and how many go on (floor 4).

They are reports like any other, over stays instead of records: one row for each time that a record entered a stage.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from crm_kernel.documents import Report
from crm_kernel.errors import Fault
from crm_kernel.fields import Choice, Integer, Moment
from crm_kernel.fields.base import FieldType
from crm_kernel.filters.scope import Scope
from crm_kernel.model import EntityModel, Field, Source
from crm_kernel.pipelines import Pipeline

READ = ("pipeline", "stage", "stage_since")
"""The fields of a record that its stays tell of: who may not read them all is told of none."""

_PARAMS = {
    "since": {"type": "string", "format": "date", "title": "Entered on or after", "default": "0001-01-01"},
    "until": {"type": "string", "format": "date", "title": "Entered on or before", "default": "9999-12-31"},
}
_ENTERED = "at >= @param.since and at <= @param.until"


class StageReport(NamedTuple):
    """A report over the stays in the stages of `pipeline`."""

    document: Report
    pipeline: Pipeline

    def is_known_to(self, scope: Scope) -> bool:
        """Whether all that stays tell of exists for a caller."""
        return all(scope.field_exists(self.pipeline.entity, name) for name in READ)


def stage_reports(pipelines: Iterable[Pipeline]) -> dict[str, StageReport]:
    """The reports of all pipelines by name: `viewing-stage-durations` and `viewing-conversion` of `viewing`."""
    return {
        document.name: StageReport(document, pipeline)
        for pipeline in pipelines
        for document in (_durations(pipeline), _conversion(pipeline))
    }


def stays_model(pipeline: Pipeline) -> EntityModel:
    """Stays as an entity. `at` is when the stage was entered, `seconds` how long it lasted, null while it lasts.

    Of the rest each is 1 or 0: `again` where the record was in that stage before, `present` while the stay lasts;
    `went_on` where the record was in a later open or won stage afterwards, null where there is no such stage; `won`,
    `lost`, `open` where it is in such a stage of this pipeline now.
    """
    number = Integer()
    types: Mapping[str, FieldType] = {
        "stage": Choice(pipeline.stage_names),
        "at": Moment(),
        **dict.fromkeys(("seconds", "again", "present", "went_on", "won", "lost", "open"), number),
    }
    source = Source("builtin", "stays")
    return EntityModel(
        name=pipeline.entity,
        label="Stay",
        plural="Stays",
        title="",
        icon=None,
        history=False,
        source=source,
        fields={n: Field(name=n, type=t, schema={}, source=source) for n, t in types.items()},
        schema={},
        validate=_no_faults,
    )


def _durations(pipeline: Pipeline) -> Report:
    return _report(
        pipeline,
        "stage-durations",
        "bar",
        _ENTERED,
        [
            {"count": "*", "as": "stays"},
            {"sum": "present", "as": "present"},
            {"avg": "seconds", "as": "average_seconds"},
            {"median": "seconds", "as": "median_seconds"},
            {"min": "seconds", "as": "shortest_seconds"},
            {"max": "seconds", "as": "longest_seconds"},
        ],
    )


def _conversion(pipeline: Pipeline) -> Report:
    return _report(
        pipeline,
        "conversion",
        "funnel",
        f"again = 0 and {_ENTERED}",
        [
            {"count": "*", "as": "entered"},
            {"sum": "went_on", "as": "went_on"},
            {"avg": "went_on", "as": "conversion"},
            {"sum": "open", "as": "still_open"},
            {"sum": "won", "as": "won"},
            {"sum": "lost", "as": "lost"},
            {"avg": "won", "as": "win_rate"},
        ],
    )


def _report(pipeline: Pipeline, name: str, chart: str, condition: str, measures: list[dict[str, Any]]) -> Report:
    body = {
        "kind": "report",
        "name": f"{pipeline.name}-{name}",
        "label": f"{pipeline.label}: {name.replace('-', ' ')}",
        "entity": pipeline.entity,
        "params": _PARAMS,
        "filter": condition,
        "group_by": ["stage"],
        "measures": measures,
        "chart": {"type": chart},
    }
    return msgspec.convert(body, Report)


def _no_faults(record: Mapping[str, Any], *, only_known: bool = True, locale: str = "en") -> list[Fault]:  # noqa: ARG001
    return []
