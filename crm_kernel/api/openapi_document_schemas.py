"""The component schemas of documents and their plans in `/openapi.json` (floor 9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
_NUMBER: Schema = {"type": "integer", "minimum": 0}
_OBJECT: Schema = {"type": "object"}
_CHOSEN: Schema = {"type": "string", "enum": ["reject", "keep", "backfill"]}
_STATUS: Schema = {"type": "string", "enum": ["clean", "ready", "needs_choice", "refused"]}
_CHANGE: Schema = {"type": "string", "enum": ["add", "change", "remove", "drift", "conflict", "broken"]}


def _array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _object(properties: Mapping[str, Schema], *, optional: tuple[str, ...] = ()) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": dict(properties), "required": required}


def _plan() -> Schema:
    named = {"kind": _TEXT, "name": _TEXT}
    document = {**named, "change": _CHANGE, "origin": _TEXT, "file": _TEXT_OR_NULL}
    listed = {"diff": _array(_OBJECT), "errors": _array(_OBJECT)}
    counts = dict.fromkeys(("total", "invalid", "already_invalid"), _NUMBER)
    sample = _object({"id": _TEXT, "errors": _array(_OBJECT)})
    impact = {**named, "entity": _TEXT, **counts, "sample": _array(sample), "chosen": _CHOSEN}
    given = dict.fromkeys(("records_gained", "records_lost", "users"), _NUMBER)
    fields = dict.fromkeys(("fields_gained", "fields_lost"), _array(_TEXT))
    return _object(
        {
            "digest": _TEXT,
            "status": _STATUS,
            "documents": _array(_object({**document, **listed})),
            "ddl": _array(_object(dict.fromkeys(("entity", "change", "name", "sql"), _TEXT))),
            "impact": _array(_object(impact)),
            "recomputed": _array(
                _object({"entity": _TEXT, "fields": _array(_TEXT), "total": _NUMBER, "changed": _NUMBER})
            ),
            "stages": _array(_object({"pipeline": _TEXT, "stage": _TEXT, "records": _NUMBER})),
            "dependants": _array(_object({**named, "pointer": _TEXT, "code": _TEXT, "detail": _TEXT})),
            "plugins": _array(
                _object({"name": _TEXT, "from": {"type": ["string", "null"]}, "to": _TEXT, "migrations": _array(_TEXT)})
            ),
            "access": _array(_object({**dict.fromkeys(("role", "entity", "action"), _TEXT), **given, **fields})),
        }
    )


def _document_set() -> Schema:
    named = _object({"kind": _TEXT, "name": _TEXT})
    digest = {**_TEXT_OR_NULL, "description": "Of the plan that was agreed to; another one is refused: plan_changed."}
    chosen = {"enum": [*_CHOSEN["enum"], None]}
    members = {"documents": _array(named), "remove": _array(named), "on_invalid": chosen, "digest": digest}
    return _object(members, optional=tuple(members))


def _version() -> Schema:
    who = _object({"id": _TEXT, "name": _TEXT_OR_NULL})
    return _object(
        {
            "version": {"type": "integer", "minimum": 1},
            "change": {"enum": ["add", "change", "remove"]},
            "at": {"type": "string", "format": "date-time"},
            "by": {"anyOf": [who, {"type": "null"}], "description": "null: the system."},
            "diff": _array(_OBJECT),
            "body": {"type": ["object", "null"], "description": "The document; null where it was removed."},
        }
    )


def document_schemas() -> dict[str, Schema]:
    """What is sent and answered by the routes of documents."""
    stored = {"kind": _TEXT, "name": _TEXT}
    plan = {"$ref": "#/components/schemas/Plan"}
    return {
        "Plan": _plan(),
        "Applied": _object({"applied": {"type": "boolean"}, "plan": plan, "job": _TEXT_OR_NULL}),
        "DocumentSet": _document_set(),
        "Document": _object(stored),
        "DocumentVersions": _object({"items": _array(_version())}),
        "Documents": _object({"items": _array(_object(stored))}),
    }
