"""The component schemas of `/openapi.json`: the shared ones, and those of an entity (floor 9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from crm_kernel.errors import CATALOGUE
from crm_kernel.operations.batch_json import MAX_CHANGES, MAX_KEY
from crm_kernel.schema.walk import parts

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
_NUMBER: Schema = {"type": "integer"}
_FLAG: Schema = {"type": "boolean"}
_OBJECT: Schema = {"type": "object"}
_ID: Schema = {"type": "string", "format": "uuid"}
_MOMENT: Schema = {"type": "string", "format": "date-time"}


def ref(name: str) -> Schema:
    """A reference to a component schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def _array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _object(properties: Mapping[str, Schema], *, optional: tuple[str, ...] = ()) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": dict(properties), "required": required}


def _problem() -> Schema:
    fault = {
        "pointer": {"type": "string", "description": "JSON Pointer to the value at fault.", "examples": ["/field"]},
        "code": {"type": "string", "examples": ["minimum", "required", "reference"]},
        "detail": _TEXT,
        "row": {"type": "integer", "minimum": 1, "description": "The change of a batch."},
        "hint": _TEXT,
    }
    return _object(
        {
            "type": _TEXT,
            "title": _TEXT,
            "status": _NUMBER,
            "code": {"type": "string", "enum": list(CATALOGUE)},
            "detail": _TEXT,
            "hint": _TEXT,
            "errors": _array(_object(fault, optional=("row", "hint"))),
            "plan": ref("Plan"),
        },
        optional=("plan",),
    )


def _batch_result() -> Schema:
    result = {
        "row": _NUMBER,
        "status": _NUMBER,
        "id": {"anyOf": [_ID, {"type": "null"}]},
        "version": {"type": ["integer", "null"]},
        "code": _TEXT,
        "errors": _array(_OBJECT),
    }
    names = ("created", "updated", "unchanged", "deleted", "moved", "failed")
    return _object(
        {
            "counts": _object(dict.fromkeys(names, _NUMBER)),
            "results": _array(_object(result, optional=("id", "version", "code", "errors"))),
        }
    )


def _moves() -> Schema:
    move = {
        "to": _TEXT,
        "label": _TEXT,
        "type": {"type": "string", "enum": ["open", "won", "lost"]},
        "allowed": _FLAG,
        "reasons": {"type": ["array", "null"], "items": _TEXT},
        "missing": {**_array(_TEXT), "description": "Pointers to the fields that the stage needs."},
        "refused": _array(_OBJECT),
    }
    return _object({"id": _ID, "version": _NUMBER, "pipeline": _TEXT, "stage": _TEXT, "moves": _array(_object(move))})


def _entry() -> Schema:
    entry = {
        "seq": _NUMBER,
        "at": _MOMENT,
        "actor": {"type": ["object", "null"], "properties": {"id": _TEXT, "name": _TEXT_OR_NULL}},
        "channel": _TEXT,
        "cause": {},
        "action": _TEXT,
        "version": _NUMBER,
        "changes": {"type": "object", "additionalProperties": _object({"old": {}, "new": {}})},
        "move": {"type": ["object", "null"]},
    }
    return _object(entry)


def _timeline() -> Schema:
    item = {
        "at": _MOMENT,
        "kind": {"type": "string", "enum": ["activity", "move", "change"]},
        "activity": {"type": ["object", "null"]},
        "change": {"anyOf": [_entry(), {"type": "null"}]},
    }
    return _object({"items": _array(_object(item)), "next": _TEXT_OR_NULL})


def _job() -> Schema:
    names = ("created", "updated", "unchanged", "skipped", "refused")
    job = {
        "id": {"anyOf": [_ID, {"type": "null"}]},
        "kind": {"type": "string", "enum": ["import", "recompute"]},
        "state": {"type": "string", "enum": ["queued", "running", "done", "failed", "cancelled", "undone"]},
        "rows": {**_NUMBER, "description": "Rows of the file; 0 as long as a large file was not looked through."},
        "counts": _object(dict.fromkeys(names, _NUMBER)),
        "errors": _array(_OBJECT),
        "errors_url": _TEXT_OR_NULL,
        "undo": {"type": "string", "enum": ["possible", "partly", "no"]},
        "entity": _TEXT,
        "file": _TEXT_OR_NULL,
        "dry_run": _FLAG,
        "done": {**_NUMBER, "description": "Rows that are done."},
        "undone": _object({"records": _NUMBER, "refused": _NUMBER}),
        "fields": {**_array(_TEXT), "description": "The formulas and rollups that are computed anew."},
    }
    return _object(job, optional=("undone", "fields"))


def _import() -> Schema:
    form = {
        "file": {"type": "string", "contentMediaType": "text/csv", "description": "CSV with a line of column names."},
        "format": {**_TEXT, "description": "The format of a plugin; else by the suffix of the file, or csv."},
        "mapping": {**_TEXT, "description": "An import mapping, JSON or TOML; else the column names are field names."},
        "dry_run": {"type": "string", "enum": ["false", "true"], "default": "false"},
        "on_duplicate": {"type": "string", "enum": ["error", "skip", "update", "create"], "default": "error"},
    }
    return _object(form, optional=("mapping", "format", "dry_run", "on_duplicate"))


def _report() -> Schema:
    column = {"name": _TEXT, "kind": {"enum": ["group", "measure"]}, "type": _TEXT, "label": _TEXT, "currency": _TEXT}
    return _object(
        {
            "report": _TEXT_OR_NULL,
            "columns": _array(_object(column, optional=("label", "currency"))),
            "rows": _array(_OBJECT),
            "totals": _OBJECT,
            "truncated": _FLAG,
            "as_of": _MOMENT,
        }
    )


def _plugin() -> Schema:
    figures = dict.fromkeys(("calls", "errors", "p50_us", "p95_us", "statements", "waits"), _NUMBER)
    lag = {**dict.fromkeys(("events", "retry", "dead", "cut"), _NUMBER), "seconds": {"type": "number"}}
    plugin = {
        "name": _TEXT,
        "title": _TEXT_OR_NULL,
        "version": _TEXT_OR_NULL,
        "source": {"enum": ["entry_point", "folder", "builtin"]},
        "state": {"enum": ["active", "disabled", "quarantined", "failed", "incompatible"]},
        "reason": _TEXT_OR_NULL,
        "order": {"type": ["integer", "null"]},
        "order_because": _array(_TEXT),
        "requires": _array(_TEXT),
        "on_error": {"enum": ["refuse", "skip"]},
        "hooks": _array(_object({"hook": _TEXT, "order": _NUMBER, **figures})),
        "calls": _array(_object({"call": _TEXT, **figures})),
        "faults": _array(_OBJECT),
        "listeners": {**_array(_object({"listener": _TEXT, **lag})), "description": "How far each is behind."},
    }
    return _object(plugin, optional=("listeners",))


def _question() -> Schema:
    described = {
        "user": {**_TEXT, "description": "An id or a login; left out: yourself."},
        "roles": {**_array(_TEXT), "description": "Instead of a user: whoever would have these roles."},
        "action": {**_TEXT, "examples": ["read", "update"]},
        "entity": _TEXT,
        "id": {**_TEXT, "description": "The record; left out: any record."},
        "field": _TEXT,
    }
    return _object(described, optional=("user", "roles", "id", "field"))


def _explanation() -> Schema:
    source = _object({"kind": _TEXT, "name": _TEXT, "plugin": _TEXT_OR_NULL, "pointer": _TEXT})
    flag = {"type": ["boolean", "null"]}
    rule = {
        "source": source,
        "effect": {"enum": ["grant", "narrow"]},
        "action": _FLAG,
        "row": {**flag, "description": "Whether it holds on the record; null where none was asked about."},
        "field": flag,
        "expression": {**_TEXT_OR_NULL, "description": "null where there is none, or you may not read all it reads."},
        "parts": _array(_object({"expression": _TEXT, "held": _FLAG, "values": _OBJECT})),
    }
    reasons = ["no_grant", "field_not_given", "narrowed", "token_scope", "not_found", None]
    return _object(
        {
            "allowed": _FLAG,
            "action": _TEXT,
            "entity": _TEXT,
            "id": _TEXT_OR_NULL,
            "field": _TEXT_OR_NULL,
            "user": _object({"id": _TEXT_OR_NULL, "login": _TEXT_OR_NULL, "roles": _array(_TEXT)}),
            "reason": {"enum": reasons},
            "rules": _array(_object(rule)),
            "would_grant": _array(source),
        }
    )


def _event() -> Schema:
    """One event of the feed."""
    texts = ("id", "type", "entity", "record", "at", "channel")
    changed = {**_array(_TEXT), "description": "The fields that differ; those you may not read are left out."}
    members = {"seq": _NUMBER, **dict.fromkeys(texts, _TEXT), "version": _NUMBER, "actor": _TEXT_OR_NULL}
    return _object({**members, "changed": changed})


def shared_schemas() -> dict[str, Schema]:
    """The component schemas that stand in every description."""
    entity = dict.fromkeys(("name", "label", "plural", "title"), _TEXT)
    listed = {**entity, "icon": _TEXT_OR_NULL, "pipelines": _array(_TEXT), "actions": _array(_TEXT)}
    pending = _object({"kind": _TEXT, "name": _TEXT, "change": _TEXT})
    return {
        "Problem": _problem(),
        "BatchResult": _batch_result(),
        "Moves": _moves(),
        "History": _object({"items": _array(_entry()), "next": _TEXT_OR_NULL}),
        "Timeline": _timeline(),
        "Job": _job(),
        "Import": _import(),
        "Report": _report(),
        "Question": _question(),
        "Explanation": _explanation(),
        "Search": _object({"items": _array(_object(dict.fromkeys(("entity", "id", "title", "snippet"), _TEXT)))}),
        "Events": _object({"items": _array(_event()), "next": _TEXT}),
        "Plugin": _plugin(),
        "Plugins": _object({"items": _array(ref("Plugin"))}),
        "Entities": _object({"items": _array(_object(listed, optional=("title",)))}),
        "Live": _object({"status": {"const": "live"}}),
        "Ready": _object({"status": {"const": "ready"}, "pending": _array(pending)}),
        "Undo": _object({"version": {**_NUMBER, "description": "The version whose change is taken back."}}),
        "Merge": _object({"records": _array(_TEXT), "values": _OBJECT}, optional=("values",)),
        "Move": _object(
            {"to": _TEXT, "pipeline": _TEXT, "reason": _TEXT, "values": _OBJECT},
            optional=("pipeline", "reason", "values"),
        ),
    }


def entity_schemas(name: str, described: Mapping[str, Any]) -> dict[str, Schema]:
    """What is sent, patched, answered, listed and batched of one entity, from its description for a caller."""
    sent = _moved({key: value for key, value in described.items() if key != "$schema"}, name)
    properties: dict[str, Any] = sent["properties"]
    nullable = {key: {"anyOf": [_property(name, key), {"type": "null"}]} for key in properties}
    writable = {key: value for key, value in nullable.items() if not _is_read_only(properties[key])}
    title = str(described["title"])
    always = {key: _property(name, key) for key in ("id", "version") if key in properties}
    return {
        name: sent,
        f"{name}.patch": {
            "title": f"{title}, a merge patch (RFC 7396)",
            "type": "object",
            "properties": writable,
            "additionalProperties": False,
        },
        f"{name}.record": {
            "title": f"{title}, as answered",
            "description": "Empty fields are null; `fields` answers fewer members, `expand` objects for references.",
            "type": "object",
            "properties": {**nullable, **always},
        },
        f"{name}.list": {
            "type": "object",
            "properties": {
                "items": _array(ref(f"{name}.record")),
                "next": {**_TEXT_OR_NULL, "description": "The cursor of the next page."},
                "count": {"type": ["integer", "null"]},
                "count_capped": _FLAG,
            },
            "required": ["items", "next", "count"],
        },
        f"{name}.batch": _batch(name),
    }


def _property(entity: str, name: str) -> Schema:
    return ref(f"{entity}/properties/{name}")


def _is_read_only(schema: Any) -> bool:
    return isinstance(schema, dict) and cast("Schema", schema).get("readOnly") is True


def _batch(name: str) -> Schema:
    values = {"values": ref(name)}
    patch = {"values": ref(f"{name}.patch")}
    one = {"id": _ID}
    version = {"version": _NUMBER}
    move = {"to": _TEXT, "pipeline": _TEXT, "reason": _TEXT, **patch}
    kinds = {
        "create": _object(values),
        "update": _object({**one, **version, **patch}, optional=("version",)),
        "upsert": _object({"on": {**_array(_TEXT), "minItems": 1, "maxItems": MAX_KEY}, **patch}),
        "delete": _object({**one, **version}, optional=("version",)),
        "restore": _object(one),
        "move": _object({**one, **version, **move}, optional=("version", "pipeline", "reason", "values")),
        "merge": _object({**one, **version, "from": _array(_ID), **patch}, optional=("version", "values")),
    }
    change = {"type": "object", "properties": kinds, "minProperties": 1, "maxProperties": 1}
    changes = {**_array({**change, "additionalProperties": False}), "maxItems": MAX_CHANGES}
    atomic = {"type": "boolean", "default": True, "description": "All changes or none."}
    return _object({"atomic": atomic, "changes": changes}, optional=("atomic",))


def _moved(schema: Any, entity: str) -> Any:
    """A schema whose `#/$defs/…` lead to where they stand once it is a component of the description."""
    if not isinstance(schema, dict):
        return schema
    result = dict(cast("Schema", schema))
    if "$id" in result:
        return result  # its references are its own
    if isinstance(target := result.get("$ref"), str) and target.startswith("#/"):
        result["$ref"] = f"#/components/schemas/{entity}{target[1:]}"
    for path, part, _ in parts(result):
        keyword = str(path[0])
        if len(path) == 1:
            result[keyword] = _moved(part, entity)
            continue
        if result[keyword] is cast("Schema", schema)[keyword]:
            result[keyword] = result[keyword].copy()
        result[keyword][path[1]] = _moved(part, entity)
    return result
