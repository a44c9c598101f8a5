"""The pipelines of leads and deals. A document of the same name replaces one (`"overrides": "sales"`).

Nothing in this plugin reads the name of a stage: what counts is its type and its probability.
"""

from typing import Any

REASONS = [
    "price",
    "competitor",
    "no budget",
    "no decision",
    "timing",
    "product fit",
    "no response",
    "duplicate",
]
"""Why a deal is lost."""

LEAD: dict[str, Any] = {
    "kind": "pipeline",
    "name": "lead",
    "entity": "lead",
    "label": "Lead",
    "default": True,
    "stages": [
        {"name": "new", "type": "open", "rots_after": "P3D"},
        {"name": "working", "type": "open", "rots_after": "P14D"},
        {"name": "qualified", "type": "won"},
        {
            "name": "disqualified",
            "type": "lost",
            "reasons": [
                "not interested",
                "no budget",
                "no response",
                "wrong contact",
                "competitor",
                "duplicate",
                "spam",
            ],
        },
    ],
    "transitions": [
        {"from": ["new"], "to": "working"},
        {"from": ["new", "working"], "to": "qualified"},
        {"from": ["new", "working"], "to": "disqualified"},
        {"from": ["qualified", "disqualified"], "to": "working"},
    ],
}

SALES: dict[str, Any] = {
    "kind": "pipeline",
    "name": "sales",
    "entity": "deal",
    "label": "Sales",
    "default": True,
    "stages": [
        {"name": "Prospecting", "type": "open", "probability": 10, "rots_after": "P30D"},
        {"name": "Qualification", "type": "open", "probability": 20, "rots_after": "P30D"},
        {"name": "Proposal", "type": "open", "probability": 50, "rots_after": "P21D"},
        {"name": "Negotiation", "type": "open", "probability": 80, "rots_after": "P14D"},
        {"name": "Won", "type": "won", "probability": 100},
        {"name": "Lost", "type": "lost", "probability": 0, "reasons": REASONS},
    ],
}

ALL = [LEAD, SALES]
