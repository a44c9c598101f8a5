"""The roles that come with the plugin, and what nobody may do. A document of the same name replaces a role."""

from typing import Any

from crm_kernel import Restriction

OWN = "owner = @me or team in @my_teams"

_READ = ["lead_source", "segment", "segment_member", "campaign", "campaign_member", "touchpoint", "conversion"]

MARKETER: dict[str, Any] = {
    "kind": "role",
    "name": "marketer",
    "label": "Marketer",
    "labels": {"lv": "Mārketinga speciālists", "ru": "Маркетолог"},
    # Segments reach whom their writer may read: a marketer writes to the contacts of his teams.
    "grants": [
        *({"entity": entity, "actions": ["read"]} for entity in (*_READ, "company")),
        {"entity": "contact", "actions": ["read"], "where": OWN, "fields": {"read": ["*", "converted_at"]}},
        {"entity": "contact", "actions": ["update"], "where": OWN, "fields": {"write": ["lead_source", "lead_on"]}},
        {"entity": "segment", "actions": ["create", "update", "delete"], "where": OWN},
        {"entity": "segment_member", "actions": ["create", "delete"], "where": "segment.owner = @me"},
        {"entity": "campaign", "actions": ["create", "update", "move"], "where": OWN},
        {"entity": "campaign_member", "actions": ["update", "move"], "where": "campaign.owner = @me"},
        {"entity": "touchpoint", "actions": ["create"]},
        {
            "entity": "consent",
            "actions": ["read", "create"],
            "where": "contact.owner = @me or contact.team in @my_teams",
        },
        {"entity": "suppression", "actions": ["create"]},
    ],
}

_ALL_ACTIONS = ["read", "create", "update", "delete", "move", "export", "import"]

MANAGER: dict[str, Any] = {
    "kind": "role",
    "name": "marketing_manager",
    "label": "Marketing manager",
    "labels": {"lv": "Mārketinga vadītājs", "ru": "Руководитель маркетинга"},
    "grants": [
        *({"entity": entity, "actions": _ALL_ACTIONS} for entity in _READ),
        {"entity": "company", "actions": ["read"]},
        {"entity": "contact", "actions": ["read"], "fields": {"read": ["*", "converted_at"]}},
        {"entity": "contact", "actions": ["update", "export", "import"]},
        {"entity": "consent", "actions": ["read", "create", "export", "import"]},
        {"entity": "suppression", "actions": ["read", "create", "update", "delete", "export", "import"]},
    ],
}

ALL = [MARKETER, MANAGER]

NEVER = "id is null"

CHANGING = ["update", "delete", "admin"]
"""What changes or removes a record; `admin` is to purge it."""

RESTRICTIONS = [
    Restriction(entity="consent", actions=CHANGING, where=NEVER, name="append_only"),
    # Who complained, bounced or asked to be forgotten stays on the list, whoever would like to write to him.
    Restriction(entity="suppression", actions=CHANGING, where="reason in ('manual', 'do_not_mail')"),
]
"""They hold for the role `admin` too, not for the system: a merge, an erasure."""
