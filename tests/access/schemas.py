"""What the entities of random worlds may have: their fields, stages and titles.

Tables are made once with every column there is (`WIDEST`); an example's registry knows only the fields of its own.
"""

from __future__ import annotations

from typing import Any

ID = "01900000-0000-7000-8000-{:012x}".format
ENTITIES = ("alpha", "beta")
WORDS = ["ann", "Bob", "Čau", "čau bob", "zed", "=ann"]
PICKS = ["big", "small", "mid"]
MOST = 2
"""What `num` may be at most in some schemas; more is stored all the same, as where a limit came later."""
STAGES = ["new", "busy", "done", "lost"]
SCHEMAS: dict[str, dict[str, Any]] = {
    "word": {"type": "string"},
    "line": {"type": "string", "x-crm": {"search": True}},
    "num": {"type": "integer"},
    "pick": {"enum": PICKS},
    "tags": {"type": "array", "items": {"type": "string"}},
    "place": {"type": "object", "properties": {"city": {"type": "string"}}},
    "link": {"type": "string", "x-crm": {"reference": "alpha"}},
    "boss": {"type": "string", "x-crm": {"reference": "user"}},
    "about": {"type": "string", "x-crm": {"reference": "*"}},
    "hush": {"type": "string", "x-crm": {"sensitive": True}},
    "echo": {"type": "string", "x-crm": {"formula": "word"}},
    "twin": {"type": "string", "x-crm": {"formula": "coalesce(hush, echo)"}},
    "kids": {"type": "integer", "x-crm": {"rollup": {"of": "beta_by_link", "measure": "count"}}},
}
COMPUTED = {"echo": {"word"}, "twin": {"hush", "echo", "word"}, "kids": set[str]()}
"""The fields that nobody enters, each with all fields of its record that it is computed from."""
OTHERS = {"user": ["name", "email", "login"], "activity": ["subject", "about"]}
"""Fields of entities that every app has, of those that questions are about."""
TITLES = {
    "alpha": "{word}",
    "beta": "{link.word} / {word}",
    "user": "{name}",
    "team": "{name}",
    "activity": "{subject}",
}
ACTIONS = ["read", "create", "update", "move", "delete", "export", "admin"]
SYSTEM = ["owner", "team", "created_at", "updated_by", "deleted_at"]
STAGED = ["stage", "stage_reason", "stage_since"]


def entity(name: str, fields: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The document of an entity."""
    return {"kind": "entity", "name": name, "title": TITLES[name], "schema": {"properties": fields}}


def pipeline(name: str) -> dict[str, Any]:
    """A pipeline in which every move is allowed, for an entity."""
    stages = [{"name": stage, "type": "open"} for stage in STAGES[:3]]
    stages.append({"name": "lost", "type": "lost", "reasons": ["dear", "gone"]})  # type: ignore[dict-item]
    return {"kind": "pipeline", "name": f"{name}-line", "entity": name, "label": "Line", "stages": stages}


_ENTERED = {name: {"type": schema["type"]} if name in COMPUTED else schema for name, schema in SCHEMAS.items()}
WIDEST = [*(entity(name, _ENTERED) for name in ENTITIES), *(pipeline(name) for name in ENTITIES)]
