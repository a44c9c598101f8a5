"""The stays of records in the stages of a pipeline as a table: what `stage_reports` are computed of."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from crm_kernel.filters.expression import Place
from crm_kernel.filters.scope import Rows
from crm_kernel.filters.sql import Sql, compose, join, param
from crm_kernel.filters.sql_parts import Cursor
from crm_kernel.filters.to_sql import Compiler
from crm_kernel.pipelines import Pipeline, Stage
from crm_kernel.storage.columns import quoted, table_name

_RECORD = Cursor("r")
_OTHER = "FROM crm_stage_history AS o WHERE o.entity = h.entity AND o.record = h.record AND o.seq"
_NEXT = f"(SELECT {{}} {_OTHER} > h.seq ORDER BY o.seq LIMIT 1)"


def stays_sql(pipeline: Pipeline, rows: Rows, told: Iterable[Place], compiler: Compiler) -> Sql:
    """The columns of `stays_model` for the live records that `rows` gives, where every place of `told` is readable.

    What came before and after is looked up for each stay: windows over the history would be computed for all records
    and for columns that a report does not ask for (400,000 moves on SQLite: 8 and 15 s).
    """
    lasting = {stage.name: place for place, stage in enumerate(pipeline.stages) if stage.type != "lost"}
    last = max(lasting.values(), default=-1)
    ahead = {name: place for name, place in lasting.items() if place < last}
    columns = [
        Sql('h.to_stage AS "stage", substr(h.at, 1, length(h.at) - 1) AS "at"'),
        Sql(f"{_NEXT.format('o.seconds')} AS seconds"),
        Sql(f"CASE WHEN {_NEXT.format('o.seq')} IS NULL THEN 1 ELSE 0 END AS present"),
        Sql(
            f"CASE WHEN EXISTS (SELECT 1 {_OTHER} < h.seq AND o.pipeline = h.pipeline AND o.to_stage = h.to_stage)"
            " THEN 1 ELSE 0 END AS again"
        ),
        compose(
            f"CASE WHEN {{}} IS NOT NULL THEN CASE WHEN EXISTS (SELECT 1 {_OTHER} > h.seq AND o.pipeline = h.pipeline"
            " AND {} > {}) THEN 1 ELSE 0 END END AS went_on",
            _place("h.to_stage", ahead),
            _place("o.to_stage", lasting),
            _place("h.to_stage", ahead),
        ),
        *(_now(pipeline, kind) for kind in ("won", "lost", "open")),
    ]
    seen = [*compiler.visible("r", rows), *(compose("{} IS NOT NULL", compiler.scalar(p, _RECORD)) for p in told)]
    return compose(
        f'(SELECT {{}} FROM crm_stage_history AS h JOIN {quoted(table_name(pipeline.entity))} AS r ON r."id" = h.record'
        " WHERE h.entity = {} AND h.pipeline = {} AND {}) AS t",
        join(", ", columns),
        param(pipeline.entity),
        param(pipeline.name),
        join(" AND ", seen),
    )


def _place(column: str, places: dict[str, int]) -> Sql:
    """The place of a stage in the pipeline, null for one that is not among `places`."""
    whens = [compose(f"WHEN {{}} THEN {place}", param(name)) for name, place in places.items()]
    return compose(f"CASE {column} {{}} END", join(" ", whens)) if whens else Sql("NULL")


def _now(pipeline: Pipeline, kind: str) -> Sql:
    """Whether the record is in a stage of this type now, as 1 or 0."""
    return compose(
        f'CASE WHEN r."pipeline" = {{}} AND {{}} THEN 1 ELSE 0 END AS "{kind}"',
        param(pipeline.name),
        _is_one(pipeline, lambda stage: stage.type == kind),
    )


def _is_one(pipeline: Pipeline, wanted: Callable[[Stage], bool]) -> Sql:
    names = [param(stage.name) for stage in pipeline.stages if wanted(stage)]
    return compose('r."stage" IN ({})', join(", ", names)) if names else Sql("1 = 0")
