"""What editors tell of each member of a document: a title, a sentence, an example (floor 4).

Keys are `part.member`, or the member alone where it means the same in every kind. `document_schemas` puts them into the
schemas; a description that stands at the member's type already stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple


class Help(NamedTuple):
    """What an editor shows of one member."""

    title: str
    description: str
    example: Any


_STAGES = [{"name": "requested", "type": "open"}, {"name": "completed", "type": "won"}]
_HELP: Mapping[str, tuple[str, str, Any]] = {
    "kind": ("Kind", "What sort of document it is; it decides what else may stand here.", "view"),
    "name": ("Name", "The name of the document, unique among its kind.", "hot-leads"),
    "label": ("Label", "How people read it.", "Hot leads"),
    "labels": ("Labels in other languages", "The label by locale.", {"lv": "Karstie klienti", "pl": "Gorące kontakty"}),
    "description": ("Description", "A note for other administrators.", "Agreed with the letting team."),
    "overrides": ("Overrides", "The plugin whose document of this name it replaces as a whole.", "real_estate"),
    "entity": ("Entity", "The entity whose records it is about.", "contact"),
    "schema": (
        "Schema",
        "JSON Schema 2020-12 of a record; top-level `properties` defines the fields.",
        {"properties": {"budget": {"type": "number", "minimum": 0, "x-crm": {"index": True}}}},
    ),
    "on_invalid": (
        "Records that become invalid",
        "reject: the change is refused; keep: they stay; backfill: the default is written into empty fields.",
        "backfill",
    ),
    "entity.name": ("Name", "The name of the entity in filters, routes and references.", "lease"),
    "entity.plural": ("Plural", "The label of several records.", "Leases"),
    "entity.title": ("Title of a record", "How a record is named: text with {fields}.", "{number} {tenant.name}"),
    "entity.icon": ("Icon", "The name of an icon.", "key"),
    "entity.history": ("History", "Whether changes of records are kept.", True),
    "pipeline.stages": ("Stages", "The stages in order; new records begin in the first.", _STAGES),
    "pipeline.default": ("Default", "Whether records begin here that name no pipeline.", True),
    "pipeline.transitions": (
        "Transitions",
        "The moves that are allowed; left out, every move is.",
        [{"from": ["requested"], "to": "completed"}, {"from": "*", "to": "cancelled"}],
    ),
    "pipeline.remap": (
        "Where records go",
        'Old stage to new, where stages go away; "" is for records without one.',
        {"viewed": "completed", "": "requested"},
    ),
    "StagePart.name": ("Name", "What is stored in the record's field `stage`.", "requested"),
    "StagePart.type": ("Type", "open, won or lost: what the stage means for conversion.", "open"),
    "StagePart.probability": ("Probability", "How likely a record here is won, in percent.", 60),
    "StagePart.rots_after": ("Rots after", "How long a record may stay before `rotting` is true.", "P3D"),
    "StagePart.requires": (
        "Requires",
        "What a record here must meet, as JSON Schema; it holds in later open and won stages too.",
        {"required": ["starts_at", "agent"]},
    ),
    "StagePart.reasons": ("Reasons", "A move here names one of them.", ["buyer withdrew", "no answer"]),
    "TransitionPart.from": ("From", 'The stages it begins in, or "*" for any.', ["requested"]),
    "TransitionPart.to": ("To", "The stage it leads to.", "confirmed"),
    "TransitionPart.guard": ("Guard", "A filter expression that must hold for the record.", "listing.stage = 'Active'"),
    "TransitionPart.roles": ("Roles", "Only who has one of them may move so; left out, everybody.", ["agent"]),
    "role.grants": ("Grants", "What the role gives; grants add up.", [{"entity": "contact", "actions": ["read"]}]),
    "GrantPart.entity": ("Entity", 'The entity, or "*" for all but user, team and file.', "contact"),
    "GrantPart.actions": ("Actions", "What may be done.", ["read", "update"]),
    "GrantPart.where": ("Where", "Which stored records, as a filter expression; left out, all.", "owner = @me"),
    "GrantPart.check": ("Check", "What the record must be like afterwards; left out, as `where`.", "team = @my_team"),
    "GrantPart.fields": ("Fields", "Which fields; left out, all but sensitive ones.", {"deny": ["national_id"]}),
    "GrantFields.read": ("Read", "Fields that may be read; * is all but sensitive ones and rollups.", ["*"]),
    "GrantFields.write": ("Write", "Fields that may be set; * is all but sensitive ones.", ["*"]),
    "GrantFields.deny": ("Deny", "Fields this grant does not give at all.", ["national_id"]),
    "GrantFields.readonly": ("Read-only", "Fields this grant gives to read only.", ["credit_limit"]),
    "report.params": (
        "Parameters",
        "Values that are asked for, each as JSON Schema; `@param.NAME` in the filter.",
        {"since": {"type": "string", "format": "date", "default": "2026-01-01"}},
    ),
    "filter": ("Filter", "Which records, as a filter expression; left out, all.", "owner = @me and budget > 100000"),
    "report.group_by": (
        "Groups",
        "Fields or paths, dates in buckets; left out, one row over all.",
        ["stage", {"field": "created_at", "by": "month", "as": "month"}],
    ),
    "report.measures": ("Measures", "What is computed of each group.", [{"count": "*", "as": "n"}]),
    "report.having": ("Having", "Which rows are kept, as a filter expression over the columns.", "n > 10"),
    "report.order": ("Order", "Columns, - for descending; left out, by the groups.", ["-value"]),
    "report.limit": ("Limit", "How many rows at most.", 100),
    "report.chart": ("Chart", "How it is drawn.", {"type": "bar"}),
    "MeasurePart.as": ("Column", "The name of the column.", "value"),
    "MeasurePart.count": ("Count", "How many records.", "*"),
    "MeasurePart.sum": ("Sum", "The sum of a field.", "close_price"),
    "MeasurePart.avg": ("Average", "The mean of a field.", "close_price"),
    "MeasurePart.min": ("Smallest", "The smallest value of a field.", "close_date"),
    "MeasurePart.max": ("Largest", "The largest value of a field.", "close_date"),
    "MeasurePart.median": ("Median", "The middle value of a field.", "close_price"),
    "MeasurePart.count_distinct": ("Different values", "How many different values a field has.", "owner"),
    "MeasurePart.formula": ("Formula", "Computed of the columns before it.", "won / (won + lost)"),
    "MeasurePart.where": ("Where", "Only the records that satisfy this count.", "stage = 'Won'"),
    "GroupPart.field": ("Field", "A field or path to group by.", "created_at"),
    "GroupPart.by": ("By", "The length of the buckets of dates.", "month"),
    "GroupPart.as": ("Column", "The name of the column; left out, the field.", "month"),
    "Chart.type": ("Type", "The form of the chart.", "bar"),
    "view.columns": ("Columns", "Fields or paths, in order.", ["name", "phone", "company.name"]),
    "view.sort": ("Sort", "Fields, - for descending; at most four.", ["-budget", "name"]),
    "view.layout": ("Layout", "How records are shown.", "list"),
    "view.roles": ("Roles", "For whom it is meant; left out, for everybody.", ["agent"]),
    "mapping.key": ("Key", "Fields that make a duplicate; left out, nothing is one.", ["external_id"]),
    "mapping.timezone": ("Time zone", "Of times without offset.", "Europe/Riga"),
    "mapping.delimiter": ("Delimiter", "What stands between cells.", ";"),
    "mapping.encoding": ("Encoding", "How the file's letters are written.", "utf-8"),
    "mapping.decimal": ("Decimal sign", "What stands before fractions.", ","),
    "mapping.unmapped": ("Other columns", "Whether columns that are not named are ignored or refused.", "error"),
    "mapping.columns": (
        "Columns",
        "Column of the file to field, or to several.",
        {"Name": ["name", "external_id"], "Owner": {"field": "owner", "match": "login"}},
    ),
    "mapping.constants": ("Constants", "Fields with the same value in each row.", {"source": "old system"}),
    "ColumnMapping.field": ("Field", "The field it fills.", "close_price"),
    "ColumnMapping.currency": ("Currency", "Of amounts without one.", "EUR"),
    "ColumnMapping.format": ("Format", "Of dates, as strptime has it.", "%d.%m.%Y"),
    "ColumnMapping.match": ("Match", "The unique field by which a reference is found.", "login"),
    "ColumnMapping.values": ("Values", "Text of a cell to value.", {"yes": True, "": False}),
}


def help_of(part: str, member: str) -> Help:
    """What is told of a member. Raises `KeyError` for one without help, which no schema may have."""
    return Help(*(_HELP.get(f"{part}.{member}") or _HELP[member]))


_KEYWORDS: Mapping[str, tuple[str, Any]] = {
    "index": ("An index: filters and sorts by it are quick.", True),
    "unique": ("No two live records have the same value; empty ones are free.", True),
    "labels": ("The title in other languages, by locale.", {"lv": "Budžets"}),
    "help": ("A sentence for whoever fills it in.", "As agreed on the phone."),
    "group": ("The heading under which it is shown.", "Search"),
    "order": ("Its place among the fields.", 10),
    "widget": ("How it is shown and edited.", "textarea"),
    "search": ("Its words are found by the search.", True),
    "sensitive": ("Given only by grants that name it; in no log, event or search.", True),
    "formula": ("Computed of the same record.", "price / area"),
    "rollup": ("Computed of related records.", {"of": "viewings", "measure": "count", "where": "stage = 'completed'"}),
    "reference": ("The entity it refers to, * for any.", "contact"),
    "reverse": ("The name to come back by; left out, <entity>_by_<field>.", "leases"),
    "money": ("An exact amount with its currency.", True),
    "decimal": ("An exact number with at most so many decimals.", 2),
    "phone": ("A phone number, kept as E.164.", True),
    "unit": ("What it is measured in.", "m²"),
    "autonumber": ("Numbers new records by this pattern.", "LV-{0000}"),
    "choices": ("Labels and colours of the values of a choice.", {"cash": {"labels": {"lv": "Skaidra nauda"}}}),
    "was": ("The former name: a rename that keeps the data.", "size"),
    "personal": ("Belongs to one person's data, for export and erasure.", True),
    "adopt": ("Leaves the field, with its data, to the plugin that has taken its name.", True),
    "convert": ("How stored values become those of another type.", {"values": {"two": 2}}),
}

FIELD_HELP: Mapping[str, Any] = MappingProxyType(
    {
        "properties": {
            "x-crm": {
                "title": "What JSON Schema cannot say",
                "description": "How the field is stored, found, shown and computed.",
                "examples": [{"index": True, "labels": {"lv": "Budžets"}}],
                "properties": {
                    name: {"title": name, "description": text, "examples": [example]}
                    for name, (text, example) in _KEYWORDS.items()
                },
            }
        }
    }
)
"""What editors tell of `x-crm` in the schema of a field; it refuses nothing, that is left to the registry."""
