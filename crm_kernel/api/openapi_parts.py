"""Parameters and headers of `/openapi.json` (floor 9)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crm_kernel.api.cookies import SECURE_NAME
from crm_kernel.operations.list_query import DEFAULT_LIMIT, MAX_LIMIT

_TEXT: dict[str, Any] = {"type": "string"}


def _query(name: str, description: str, schema: dict[str, Any] = _TEXT) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _path(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _names(names: Iterable[str]) -> dict[str, Any]:
    known = sorted(names)
    return {**_TEXT, "enum": known} if known else _TEXT


def parameters(
    entities: Iterable[str], reports: Iterable[str], kinds: Iterable[str], formats: Iterable[str] = ()
) -> dict[str, dict[str, Any]]:
    """The parameters there are, by the names that routes know them by; `formats` are those of plugins' exports."""
    limit = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
    fields = "The members to answer, as a comma list; a path such as owner.name is a flat member of that name."
    flag = {"type": "boolean", "default": False}
    count = {**_TEXT, "enum": ["none", "capped", "exact"], "default": "none"}
    export_format = {**_TEXT, "enum": ["csv", "jsonl", *formats], "default": "csv"}
    sort = {**_TEXT, "default": "-created_at"}
    return {
        "id": _path("id", {"type": "string", "format": "uuid"}),
        "share": _path("share", {"type": "string", "format": "uuid"}),
        "entity": _path("entity", _names(entities)),
        "report": _path("name", _names(reports)),
        "kind": _path("kind", _names(kinds)),
        "name": _path("name", _TEXT),
        "version": _path("version", {"type": "integer", "minimum": 1}),
        "filter": _query("filter", "A filter expression, such as owner = @me and created_at > @today-7d."),
        "q": _query("q", "Words that all have to occur, in any order and any searched field, the last as a beginning."),
        "searched": {**_query("q", "Words that all have to occur, the last as a beginning."), "required": True},
        "sort": _query("sort", "At most 4 fields as a comma list, - for descending.", sort),
        "fields": _query("fields", fields),
        "expand": _query("expand", "References to answer as objects, as a comma list."),
        "limit": _query("limit", "How many items a page has at most.", limit),
        "cursor": _query("cursor", "Where to go on: the `next` of the answer before."),
        "after": _query("after", "The `next` of the answer before; left out: from the first event."),
        "count": _query("count", "Whether to count.", count),
        "deleted": _query("deleted", "Only deleted records; needs the action delete.", {**_TEXT, "enum": ["only"]}),
        "purge": _query("purge", "Remove it for good; needs the action admin.", flag),
        "dry_run": _query("dry_run", "Answer the plan and change nothing.", flag),
        "format": _query("format", "How rows are answered.", {**_TEXT, "enum": ["json", "csv"], "default": "json"}),
        "export_format": _query("format", "CSV, one JSON object a line, or a format of a plugin.", export_format),
        "lossless": _query("lossless", "CSV exactly as stored, even what a spreadsheet would run.", flag),
        "If-Match": {
            "name": "If-Match",
            "in": "header",
            "description": "The ETag of the version that is to be changed; another one is refused with 412.",
            "schema": _TEXT,
        },
        "Idempotency-Key": {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "A text of your own for this request: repeated with it, it is done once, for 24 hours.",
            "schema": {**_TEXT, "minLength": 1, "maxLength": 255},
        },
    }


def headers() -> dict[str, dict[str, Any]]:
    """The component headers of answers."""
    described = {
        "X-Request-Id": "The id of this request: the one it came with, or a new one.",
        "ETag": "The version of the record.",
        "Content-Disposition": "The name of a file for it.",
        "Location": "Where the new record or the job is.",
        "WWW-Authenticate": "How to authenticate.",
        "Idempotency-Replayed": "`true` where the request was done before and this is its answer.",
        "Set-Cookie": "The id of the session; a browser keeps it, and no page can read it.",
        "Retry-After": "After how many seconds to try again.",
    }
    return {name: {"description": text, "schema": _TEXT} for name, text in described.items()}


def security_schemes() -> dict[str, dict[str, Any]]:
    """How to authenticate: by token, or by session cookie, which needs the CSRF token beside it to change anything."""
    csrf = "Needed by POST, PUT, PATCH and DELETE of a session: the member `csrf` of GET /api/session."
    return {
        "token": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": SECURE_NAME},
        "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token", "description": csrf},
    }
