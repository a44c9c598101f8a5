"""What the served app consists of: documents, people, tokens."""

from __future__ import annotations

from typing import Any

FIELDS: dict[str, Any] = {
    "kind": "fields",
    "name": "contact-buyer",
    "entity": "contact",
    "schema": {
        "$defs": {"score": {"type": "integer", "minimum": 0}},
        "properties": {
            "budget": {"type": "number", "minimum": 0, "title": "Budget"},
            "purchase_type": {"enum": ["cash", "mortgage"]},
            "bank": {"type": "string", "maxLength": 80},
            "national_id": {"type": "string", "x-crm": {"sensitive": True}},
            "fee": {"type": "number", "multipleOf": 0.01},
            "wish": {"type": "object", "x-crm": {"money": True}},
            "rank": {"enum": ["low", "middle", "high"]},
            "place": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
            "code": {"type": "string", "x-crm": {"unique": True}},
            "scores": {"type": "array", "items": {"$ref": "#/$defs/score"}},
            "exact": {"type": "number", "x-crm": {"decimal": 2}},
        },
        "if": {"properties": {"purchase_type": {"const": "mortgage"}}, "required": ["purchase_type"]},
        "then": {"required": ["bank"]},
        "dependentRequired": {"fee": ["budget"]},
        "allOf": [{"anyOf": [{"not": {"required": ["rank"]}}, {"required": ["code"]}, {"required": ["bank"]}]}],
    },
}
LEASE: dict[str, Any] = {
    "kind": "entity",
    "name": "lease",
    "plural": "Leases",
    "title": "{number}",
    "schema": {
        "properties": {
            "number": {"type": "string", "maxLength": 20, "x-crm": {"unique": True}},
            "tenant": {"type": "string", "x-crm": {"reference": "contact", "reverse": "leases"}},
            "rent": {"type": "number"},
        },
        "required": ["number"],
    },
}
LETTING: dict[str, Any] = {
    "kind": "pipeline",
    "name": "letting",
    "entity": "lease",
    "label": "Letting",
    "stages": [
        {"name": "draft", "type": "open"},
        {"name": "signed", "type": "open", "requires": {"required": ["rent"]}},
        {"name": "ended", "type": "lost", "reasons": ["term", "notice"]},
    ],
    "transitions": [
        {"from": ["draft"], "to": "signed", "guard": "rent > 0"},
        {"from": ["signed"], "to": "ended"},
    ],
}
EVERYTHING = ["read", "create", "update", "delete", "move"]
AGENT: dict[str, Any] = {
    "kind": "role",
    "name": "agent",
    "grants": [
        {"entity": "contact", "actions": EVERYTHING, "where": "owner = @me", "fields": {"readonly": ["external_id"]}},
        {"entity": "lease", "actions": EVERYTHING},
        {"entity": "contact", "actions": ["export"], "where": "owner = @me"},
    ],
}
CLERK: dict[str, Any] = {
    "kind": "role",
    "name": "clerk",
    "grants": [
        {"entity": "contact", "actions": ["read"], "where": "language = 'lv'", "fields": {"deny": ["budget"]}},
        {"entity": "contact", "actions": ["create"], "fields": {"deny": ["budget"]}},
        {"entity": "lease", "actions": ["read"]},
    ],
}
BY_TYPE: dict[str, Any] = {
    "kind": "report",
    "name": "by-type",
    "label": "By type",
    "entity": "contact",
    "params": {"source": {"type": "string"}},
    "filter": "source = @param.source",
    "group_by": ["purchase_type"],
    "measures": [{"count": "*", "as": "n"}, {"sum": "budget", "as": "total"}],
}
DOCUMENTS = [FIELDS, LEASE, LETTING, AGENT, CLERK, BY_TYPE]

PEOPLE = {"ann": ["admin"], "bob": ["agent"], "eve": ["agent"], "cid": ["clerk"], "dan": []}
"""Who there is, with roles: ann administers, bob and eve are agents, cid is a clerk, dan has no role."""

TOKENS = {
    **{login: (login,) for login in PEOPLE},
    "reader": ("ann", "--read-only"),
    "scoped": ("ann", "--entity", "lease"),
}
"""A token of each person, one of ann that only reads, and one of hers for leases only."""
