"""The roles that come with the plugin. A document of the same name replaces one (`"overrides": "automotive"`)."""

from __future__ import annotations

from typing import Any

from crm_kernel import Restriction

OWN = "owner = @me or team in @my_teams"
"""What a salesperson answers for, and what his team does."""

_PEOPLE = (
    {"entity": "contact", "actions": ["read", "create", "update"], "where": OWN},
    {"entity": "company", "actions": ["read"]},
    {"entity": "company", "actions": ["create", "update"], "where": OWN},
    {"entity": "activity", "actions": ["read", "create", "update", "delete"], "where": OWN},
    {"entity": "file", "actions": ["read", "create", "update", "delete"], "where": OWN},
)

CAR_SALES: dict[str, Any] = {
    "kind": "role",
    "name": "car_sales",
    "label": "Car sales",
    "labels": {"lv": "Auto pārdevējs"},
    "description": "Sells from stock: leads without an owner are anybody's to take; costs are not shown.",
    "grants": [
        {"entity": "vehicle", "actions": ["read", "create", "update"]},
        {"entity": "vehicle_unit", "actions": ["read", "update", "move"], "fields": {"readonly": ["price"]}},
        # Everyone sees when a vehicle or a colleague is taken, but not by whom.
        {
            "entity": "test_drive",
            "actions": ["read"],
            "fields": {"read": ["unit", "salesperson", "starts_at", "ends_at", "stage", "pipeline"]},
        },
        {
            "entity": "test_drive",
            "actions": ["read", "create", "update", "move", "export"],
            "where": f"salesperson = @me or {OWN}",
        },
        {
            "entity": "auto_lead",
            "actions": ["read", "create", "update", "move", "import"],
            "where": f"owner is null or {OWN}",
        },
        {"entity": "trade_in", "actions": ["read", "create", "update", "move"], "where": f"owner is null or {OWN}"},
        *_PEOPLE,
    ],
}

WORKSHOP: dict[str, Any] = {
    "kind": "role",
    "name": "workshop",
    "label": "Workshop",
    "labels": {"lv": "Serviss"},
    "description": "Keeps jobs, their lines and what is known of vehicles. Sees units without prices, and no leads.",
    "grants": [
        {"entity": "vehicle", "actions": ["read", "create", "update"]},
        {
            "entity": "vehicle_unit",
            "actions": ["read", "move"],
            "fields": {"deny": ["price", "cost", "sold_price", "buyer", "buyer_company"]},
        },
        {
            "entity": "workshop_job",
            "actions": ["read", "create", "update", "move", "export"],
            "fields": {"read": ["*", "labor_hours", "labor_amount"]},
        },
        {"entity": "labor_line", "actions": ["read", "create", "update", "delete", "export"]},
        {"entity": "contact", "actions": ["read", "create", "update"], "fields": {"readonly": ["do_not_contact"]}},
        {"entity": "company", "actions": ["read", "create", "update"]},
        {"entity": "activity", "actions": ["read", "create", "update", "delete"], "where": OWN},
        {"entity": "file", "actions": ["read", "create", "update", "delete"], "where": OWN},
    ],
}

_ALL_ACTIONS = ["read", "create", "update", "delete", "move", "export", "import"]

DEALER_MANAGER: dict[str, Any] = {
    "kind": "role",
    "name": "dealer_manager",
    "label": "Dealer manager",
    "labels": {"lv": "Salona vadītājs"},
    "grants": [
        {"entity": "vehicle_unit", "actions": _ALL_ACTIONS, "fields": {"read": ["*", "cost"], "write": ["*", "cost"]}},
        {
            "entity": "workshop_job",
            "actions": _ALL_ACTIONS,
            "fields": {"read": ["*", "labor_hours", "labor_amount"]},
        },
        *(
            {"entity": entity, "actions": _ALL_ACTIONS}
            for entity in (
                "vehicle", "test_drive", "auto_lead", "trade_in", "labor_line",
                "contact", "company", "activity", "file",
            )
        ),
    ],
}  # fmt: skip

LEAD_FEED: dict[str, Any] = {
    "kind": "role",
    "name": "lead_feed",
    "label": "Lead provider",
    "labels": {"lv": "Pieprasījumu sūtītājs"},
    "description": "For the token of somebody who sends leads: writes them, and reads only their numbers.",
    "grants": [
        {
            "entity": "auto_lead",
            "actions": ["read", "create", "update"],
            "fields": {"read": ["number", "external_key"]},
        }
    ],
}

ALL = [CAR_SALES, WORKSHOP, DEALER_MANAGER, LEAD_FEED]

DRIVEN_STAYS = Restriction(entity="test_drive", actions=["delete"], where="stage != 'FULFILLED'")
"""Who drove a vehicle when is asked years later (fines, accidents): nobody deletes it, an administrator neither."""

RESTRICTIONS = [DRIVEN_STAYS]
