"""The component schemas of sessions and tokens in `/openapi.json` (floor 9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crm_kernel.operations.own_tokens import MAX_NAME
from crm_kernel.operations.passwords import MAX_LENGTH, MIN_LENGTH

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
_FLAG: Schema = {"type": "boolean"}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_ID: Schema = {"type": "string", "format": "uuid"}
_MOMENT: Schema = {"type": "string", "format": "date-time"}
_NEW_PASSWORD: Schema = {"type": "string", "minLength": MIN_LENGTH, "maxLength": MAX_LENGTH}


def _object(properties: Mapping[str, Schema], *, optional: tuple[str, ...] = ()) -> Schema:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
    }


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def people_schemas() -> dict[str, Schema]:
    """What is sent and answered by the routes of sessions and tokens."""
    user = {
        "id": _ID,
        "login": _TEXT,
        "name": _TEXT_OR_NULL,
        "team": _or_null(_ID),
        "locale": _TEXT,
        "timezone": _TEXT,
    }
    csrf = {**_TEXT_OR_NULL, "description": "What changes of this session send as X-CSRF-Token; null with a token."}
    session = {
        "id": _ID,
        "created_at": _MOMENT,
        "seen_at": _MOMENT,
        "expires_at": _MOMENT,
        "agent": _TEXT_OR_NULL,
        "current": _FLAG,
    }
    entities = {"anyOf": [{**_TEXTS, "minItems": 1}, {"type": "null"}], "description": "Only these; null: all."}
    token = {
        "id": _ID,
        "user": _ID,
        "name": _TEXT,
        "read_only": _FLAG,
        "entities": entities,
        "created_at": _MOMENT,
        "expires_at": _or_null(_MOMENT),
        "last_used_at": _or_null(_MOMENT),
    }
    new = {name: token[name] for name in ("read_only", "entities", "expires_at")}
    reset = {**_TEXT, "description": "A token of `crm user reset-password`; `password` is a new one then."}
    given = {**_TEXTS, "minItems": 1}
    fields = {"read": given, "write": given}
    person = _object({"id": _ID, "name": _TEXT_OR_NULL})
    share = {
        "id": _ID,
        "user": person,
        "actions": _TEXTS,
        "fields": _object({"read": _TEXTS, "write": _TEXTS}),
        "expires_at": _or_null(_MOMENT),
        "created_at": _MOMENT,
        "created_by": _or_null(person),
    }
    new_share = {
        "user": {**_TEXT, "description": "The id or the login of a user."},
        "actions": {**given, "default": ["read"]},
        "fields": _object(fields, optional=tuple(fields)),
        "expires_at": _or_null(_MOMENT),
    }
    return {
        "Share": _object(share),
        "Shares": _object({"items": {"type": "array", "items": _object(share)}}),
        "NewShare": _object(new_share, optional=("actions", "fields", "expires_at")),
        "Session": _object({"user": _object(user), "teams": _TEXTS, "roles": _TEXTS, "csrf": csrf}),
        "LogIn": _object({"login": _TEXT, "password": _TEXT, "reset": reset}, optional=("reset",)),
        "ChangePassword": _object({"current": _TEXT, "new": _NEW_PASSWORD}),
        "Sessions": _object({"items": {"type": "array", "items": _object(session)}}),
        "Token": _object(token),
        "Tokens": _object({"items": {"type": "array", "items": _object(token)}}),
        "NewToken": _object({"name": {**_TEXT, "minLength": 1, "maxLength": MAX_NAME}, **new}, optional=tuple(new)),
        "ShownToken": _object({**token, "token": {**_TEXT, "description": "Shown this once."}}),
    }
