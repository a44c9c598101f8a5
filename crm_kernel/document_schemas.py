"""The JSON Schema of each kind of document, generated from its struct (floor 4).

`make schemas` writes them into `schemas/` for editors and integrators; the kernel itself checks documents against the
same schemas built in memory.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from crm_kernel.document_help import FIELD_HELP, help_of
from crm_kernel.documents import KINDS
from crm_kernel.mappings import ImportMapping

DRAFT = "https://json-schema.org/draft/2020-12/schema"

_MEASURES = ("count", "sum", "avg", "min", "max", "median", "count_distinct", "formula")

_EXAMPLES: Mapping[str, dict[str, Any]] = {
    "fields": {
        "kind": "fields",
        "name": "contact-buyer",
        "entity": "contact",
        "schema": {
            "properties": {
                "budget": {"type": "number", "minimum": 0, "title": "Budget", "x-crm": {"index": True}},
                "purchase_type": {"enum": ["cash", "mortgage"]},
                "bank": {"type": "string", "maxLength": 80},
            },
            "if": {"properties": {"purchase_type": {"const": "mortgage"}}, "required": ["purchase_type"]},
            "then": {"required": ["bank"]},
        },
    },
    "entity": {
        "kind": "entity",
        "name": "lease",
        "label": "Lease",
        "plural": "Leases",
        "title": "{number} {tenant.name}",
        "icon": "key",
        "schema": {
            "properties": {
                "number": {"type": "string", "maxLength": 40, "x-crm": {"unique": True}},
                "tenant": {"type": "string", "x-crm": {"reference": "contact"}},
            },
            "required": ["number"],
        },
    },
    "pipeline": {
        "kind": "pipeline",
        "name": "viewing",
        "entity": "viewing",
        "label": "Viewing",
        "default": True,
        "stages": [
            {"name": "requested", "type": "open", "probability": 10, "rots_after": "P3D"},
            {"name": "confirmed", "type": "open", "probability": 60, "requires": {"required": ["starts_at", "agent"]}},
            {"name": "completed", "type": "won"},
            {"name": "cancelled", "type": "lost", "reasons": ["buyer withdrew", "sold elsewhere", "no answer"]},
        ],
        "transitions": [
            {"from": ["requested"], "to": "confirmed", "guard": "listing.stage in ('Active', 'Active Under Contract')"},
            {"from": ["confirmed"], "to": "completed", "roles": ["agent", "manager"]},
            {"from": ["requested", "confirmed"], "to": "cancelled"},
        ],
    },
    "role": {
        "kind": "role",
        "name": "agent",
        "grants": [
            {
                "entity": "contact",
                "actions": ["read"],
                "where": "owner.team in @my_teams",
                "fields": {"deny": ["national_id"]},
            },
            {
                "entity": "contact",
                "actions": ["create", "update", "move"],
                "where": "owner = @me",
                "fields": {"write": ["*"], "readonly": ["credit_limit"]},
            },
        ],
    },
    "report": {
        "kind": "report",
        "name": "volume-by-month",
        "label": "Volume by month",
        "entity": "listing",
        "filter": "stage = 'Closed'",
        "group_by": [{"field": "close_date", "by": "month", "as": "month"}],
        "measures": [{"count": "*", "as": "n"}, {"sum": "close_price", "as": "value"}],
        "order": ["month"],
        "chart": {"type": "bar"},
    },
    "view": {
        "kind": "view",
        "name": "hot-leads",
        "entity": "contact",
        "label": "Hot leads",
        "filter": "owner = @me and budget > 100000",
        "columns": ["name", "phone", "budget"],
        "sort": ["-budget", "name"],
        "layout": "list",
        "roles": ["agent"],
    },
    "mapping": {
        "key": ["parcel_number"],
        "timezone": "America/Los_Angeles",
        "unmapped": "ignore",
        "columns": {"id": "parcel_number", "price": {"field": "close_price", "currency": "USD"}},
        "constants": {"stage": "Closed"},
    },
}


def _generated(name: str, struct: type[msgspec.Struct]) -> dict[str, Any]:
    [root], parts = msgspec.json.schema_components([struct], ref_template="#/$defs/{name}")
    body = _without_null(parts.pop(root["$ref"].rpartition("/")[2]))
    parts = {part: _without_null(schema) for part, schema in parts.items()}
    if "MeasurePart" in parts:
        # A measure is one member out of eight, which a struct cannot say.
        parts["MeasurePart"]["oneOf"] = [{"required": [measure]} for measure in _MEASURES]
    for part, schema in ((name, body), *parts.items()):
        schema["properties"] = {member: _told(part, member, s) for member, s in schema["properties"].items()}
    if name in ("fields", "entity"):
        body["properties"]["schema"]["properties"]["properties"]["additionalProperties"] = dict(FIELD_HELP)
    body["title"] = f"A document of kind {name}" if name in KINDS else "An import mapping"
    return {"$schema": DRAFT, **body, "examples": [_EXAMPLES[name]], **({"$defs": parts} if parts else {})}


def _told(part: str, member: str, schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a member with title, description and example; a description of its form stays."""
    title, description, example = help_of(part, member)
    if member == "kind":
        example = schema["enum"][0]
    told = {"title": title, "description": description, "examples": [example]}
    return {**told, **schema} if "pattern" in schema else {**schema, **told}


def _without_null(schema: Any) -> Any:
    """The schema with `X` for each `X | None`: an absent member is left out of a document, never null."""
    if isinstance(schema, list):
        return [_without_null(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    slim = {k: _without_null(v) for k, v in schema.items() if not (k == "default" and v is None)}
    branches = [s for s in slim.get("anyOf", ()) if s != {"type": "null"}]
    if len(branches) == 1:
        del slim["anyOf"]
        return {**branches[0], **slim}
    return {**slim, "anyOf": branches} if branches else slim


SCHEMAS: Mapping[str, dict[str, Any]] = MappingProxyType(
    {name: _generated(name, struct) for name, struct in [*KINDS.items(), ("mapping", ImportMapping)]}
)
"""The schema of each kind, and of an import mapping as `mapping`. Not to be changed."""


def render(name: str) -> str:
    """The text of `schemas/<name>.schema.json`."""
    return json.dumps(SCHEMAS[name], indent=2, ensure_ascii=False) + "\n"
