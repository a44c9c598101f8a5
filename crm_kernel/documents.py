"""The kinds of documents as typed, frozen data, and the JSON Schema of each (floor 4).

A document is JSON with `kind` and `name`. `document_check.py` says what is wrong with one, `document_files.py` reads
them from an app folder. The structs here are the one source: `schemas/<kind>.schema.json` is generated from them
by `document_schemas.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from crm_kernel.schema.check import CLOSING

NAME_PATTERN = "^[a-z](?:_?[a-z0-9])*_?$"
"""Names of entities, fields, columns: `^[a-z][a-z0-9_]{0,47}$` without a double underscore."""

DOCUMENT_NAME_PATTERN = "^[a-z](?:_?[a-z0-9-])*_?$"
"""Names of documents: the same, and also `-`."""

RESERVED_KINDS = ("automation", "dashboard", "template", "webhook", "segment", "form", "calendar")
"""Kinds whose shape is fixed when they are built; until then they are refused by name."""

_METASCHEMA = {"$ref": "https://json-schema.org/draft/2020-12/schema"}
_TIME = r"(?:\d{1,5}H(?:\d{1,6}M)?(?:\d{1,7}S)?|\d{1,6}M(?:\d{1,7}S)?|\d{1,7}S)"
DURATION_PATTERN = rf"^P(?:\d{{1,4}}W|\d{{1,5}}D(?:T{_TIME})?|T{_TIME})$"
"""ISO 8601 durations of a fixed length: weeks, or days and a time; months and years have none."""


NAME_FORM = "a name of lower-case letters, digits and single underscores, beginning with a letter"

Name = Annotated[str, Meta(pattern=NAME_PATTERN, max_length=48, description=NAME_FORM)]
DocumentName = Annotated[
    str, Meta(pattern=DOCUMENT_NAME_PATTERN, max_length=48, description=f"{NAME_FORM}; hyphens too")
]
Label = Annotated[str, Meta(min_length=1, max_length=200)]
Labels = Annotated[dict[str, str], Meta(description="The label in other languages, by locale.")]
Expression = Annotated[str, Meta(min_length=1, description="An expression of the filter language (docs/filters.md).")]
Action = Annotated[str, Meta(min_length=1, max_length=80)]
StageName = Annotated[str, Meta(min_length=1, max_length=80)]
Duration = Annotated[
    str, Meta(pattern=DURATION_PATTERN, description="an ISO 8601 duration of weeks, days or time: P2W, P3D, PT12H")
]
EntitySchema = Annotated[
    dict[str, Any],
    Meta(
        description="JSON Schema 2020-12 of a record; top-level `properties` defines the fields.",
        extra_json_schema={
            **_METASCHEMA,
            "propertyNames": {"not": {"enum": sorted(CLOSING)}},
            "properties": {
                "properties": {
                    "maxProperties": 500,
                    "propertyNames": {"pattern": NAME_PATTERN, "maxLength": 48, "description": NAME_FORM},
                }
            },
        },
    ),
]


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of a document: unknown members are refused."""


class Document(Part, frozen=True, kw_only=True, tag_field="kind"):
    """What every document has."""

    name: DocumentName
    labels: Labels = {}
    description: str | None = None
    overrides: Annotated[str, Meta(description="The plugin whose document of this name it replaces.")] | None = None


OnInvalid = Annotated[
    Literal["reject", "keep", "backfill"],
    Meta(description="What happens to stored records that the change makes invalid."),
]


class FieldsDocument(Document, frozen=True, kw_only=True, tag="fields"):
    """Custom fields of an entity."""

    label: Label | None = None
    entity: Name
    schema: EntitySchema
    on_invalid: OnInvalid | None = None


class EntityDocument(Document, frozen=True, kw_only=True, tag="entity"):
    """A custom object without code."""

    label: Label | None = None
    name: Name
    schema: EntitySchema
    plural: Label | None = None
    title: Annotated[str, Meta(min_length=1, description="How a record is named: text with {fields}.")] | None = None
    icon: str | None = None
    history: bool = True
    on_invalid: OnInvalid | None = None


class StagePart(Part, frozen=True, kw_only=True):
    """One stage of a pipeline. `requires` holds here and in all later stages of type open or won."""

    name: StageName
    type: Literal["open", "won", "lost"]
    label: Label | None = None
    labels: Labels = {}
    probability: Annotated[float, Meta(ge=0, le=100)] | None = None
    rots_after: Duration | None = None
    requires: Annotated[dict[str, Any], Meta(extra_json_schema=_METASCHEMA)] | None = None
    reasons: list[Annotated[str, Meta(min_length=1, max_length=200)]] = []


class TransitionPart(Part, frozen=True, kw_only=True, rename={"from_": "from"}):
    """An allowed move. `from` is a list of stages, or `"*"` for any."""

    from_: Annotated[list[StageName], Meta(min_length=1)] | Literal["*"]
    to: StageName
    guard: Expression | None = None
    roles: list[DocumentName] | None = None


class PipelineDocument(Document, frozen=True, kw_only=True, tag="pipeline"):
    """The stages of an entity's records and the moves between them."""

    label: Label | None = None
    entity: Name
    stages: Annotated[list[StagePart], Meta(min_length=1, max_length=500)]
    default: bool = False
    transitions: Annotated[list[TransitionPart], Meta(max_length=2000)] | None = None
    remap: Annotated[dict[str, str], Meta(description='Old stage to new; "" for records without one.')] | None = None


class GrantFields(Part, frozen=True, kw_only=True):
    """Which fields a grant gives. `*` covers future fields, not sensitive ones and rollups."""

    read: tuple[str, ...] = ("*",)
    write: tuple[str, ...] = ("*",)
    deny: tuple[str, ...] = ()
    readonly: tuple[str, ...] = ()


class GrantPart(Part, frozen=True, kw_only=True):
    """Actions on rows of one entity, or of all (`"*"`). `check` is `where` on the new image."""

    entity: Annotated[str, Meta(pattern=rf"^(?:\*|{NAME_PATTERN[1:-1]})$", max_length=48)]
    actions: Annotated[list[Action], Meta(min_length=1, examples=[["read", "update"]])]
    where: Expression | None = None
    check: Expression | None = None
    fields: GrantFields | None = None


class Role(Document, frozen=True, kw_only=True, tag="role"):
    """A role: grants add up, nothing is granted by default."""

    label: Label | None = None
    grants: Annotated[list[GrantPart], Meta(max_length=1000)] = []


class GroupPart(Part, frozen=True, kw_only=True, rename={"as_": "as"}):
    """A column to group by; dates in buckets."""

    field: Annotated[str, Meta(min_length=1)]
    by: Literal["day", "week", "month", "quarter", "year"] | None = None
    as_: Name | None = None


class MeasurePart(Part, frozen=True, kw_only=True, rename={"as_": "as"}):
    """One measure: exactly one of count, sum, avg, min, max, median, count_distinct, over the records for which
    `where` holds; or a formula over the columns before it."""

    as_: Name
    count: Literal["*"] | None = None
    sum: str | None = None
    avg: str | None = None
    min: str | None = None
    max: str | None = None
    median: str | None = None
    count_distinct: str | None = None
    formula: Annotated[str, Meta(min_length=1)] | None = None
    where: Expression | None = None


class Chart(Part, frozen=True, kw_only=True):
    """How a report is drawn."""

    type: Literal["bar", "line", "area", "pie", "funnel", "number", "table"]


class Report(Document, frozen=True, kw_only=True, tag="report"):
    """Groups and measures over the records of an entity."""

    label: Label
    entity: Name
    measures: Annotated[list[MeasurePart], Meta(min_length=1, max_length=100)]
    params: dict[Name, Annotated[dict[str, Any], Meta(extra_json_schema=_METASCHEMA)]] = {}
    filter: Expression | None = None
    group_by: Annotated[list[str | GroupPart], Meta(max_length=20)] = []
    having: Expression | None = None
    order: list[Annotated[str, Meta(min_length=1)]] = []
    limit: Annotated[int, Meta(ge=1, le=100_000)] = 1000
    chart: Chart | None = None


class View(Document, frozen=True, kw_only=True, tag="view"):
    """A saved list."""

    label: Label | None = None
    entity: Name
    filter: Expression | None = None
    columns: Annotated[list[Annotated[str, Meta(max_length=500)]], Meta(max_length=1000)] = []
    sort: Annotated[list[str], Meta(max_length=20)] | str = []
    layout: Literal["list"] = "list"
    roles: list[DocumentName] = []


KINDS: Mapping[str, type[Document]] = MappingProxyType(
    {
        "fields": FieldsDocument,
        "entity": EntityDocument,
        "pipeline": PipelineDocument,
        "role": Role,
        "report": Report,
        "view": View,
    }
)
"""The kinds that are built, by the value of `kind`."""

FOLDERS: Mapping[str, str] = MappingProxyType(
    {
        "fields": "fields",
        "entity": "entities",
        "pipeline": "pipelines",
        "role": "roles",
        "report": "reports",
        "view": "views",
    }
)
"""Kind -> the folder that its documents are put into, for order only: `kind` and `name` inside decide."""
