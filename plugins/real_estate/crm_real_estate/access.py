"""The roles that come with the plugin. A document of the same name replaces one (`"overrides": "real_estate"`)."""

from typing import Any

from crm_kernel import Restriction

OWN = "owner = @me or team in @my_teams"
"""What an agent answers for, and what his team does."""

AGENT: dict[str, Any] = {
    "kind": "role",
    "name": "agent",
    "label": "Agent",
    "labels": {"lv": "Aģents", "ru": "Агент"},
    "grants": [
        {"entity": "listing", "actions": ["read"], "fields": {"deny": ["private_remarks"]}},
        {
            "entity": "listing",
            "actions": ["read", "create", "update", "move", "export"],
            "where": f"list_agent = @me or {OWN}",
        },
        # Everyone sees when a listing or a colleague is taken, but not by whom.
        {
            "entity": "viewing",
            "actions": ["read"],
            "fields": {"read": ["listing", "agent", "starts_at", "ends_at", "group_viewing", "stage", "pipeline"]},
        },
        {
            "entity": "viewing",
            "actions": ["read", "create", "update", "move", "delete", "export"],
            "where": f"agent = @me or {OWN}",
        },
        {
            "entity": "offer",
            "actions": ["read", "create", "update", "move"],
            "where": f"listing.list_agent = @me or {OWN}",
        },
        {
            "entity": "buyer_requirement",
            "actions": ["read", "create", "update", "delete"],
            "where": OWN,
        },
        {"entity": "listing_match", "actions": ["read"], "where": OWN},
        {
            "entity": "listing_match",
            "actions": ["update"],
            "where": OWN,
            "fields": {"write": ["preference", "sent_at"]},
        },
        {"entity": "contact", "actions": ["read", "create", "update"], "where": OWN},
        {"entity": "company", "actions": ["read"]},
        {"entity": "company", "actions": ["create", "update"], "where": OWN},
        {"entity": "activity", "actions": ["read", "create", "update", "delete"], "where": OWN},
        {"entity": "file", "actions": ["read", "create", "update", "delete"], "where": OWN},
    ],
}

_ALL_ACTIONS = ["read", "create", "update", "delete", "move", "export", "import"]

MANAGER: dict[str, Any] = {
    "kind": "role",
    "name": "manager",
    "label": "Office manager",
    "labels": {"lv": "Biroja vadītājs", "ru": "Руководитель офиса"},
    "grants": [
        *(
            {"entity": entity, "actions": _ALL_ACTIONS}
            for entity in ("listing", "viewing", "offer", "buyer_requirement", "contact", "company", "activity", "file")
        ),
        {"entity": "listing_match", "actions": ["read", "update", "export"]},
    ],
}

ALL = [AGENT, MANAGER]

SIGNED = Restriction(entity="offer", actions=["delete"], where="stage != 'accepted'")
"""An accepted offer is a contract: nobody deletes it, an administrator neither."""

RESTRICTIONS = [SIGNED]
