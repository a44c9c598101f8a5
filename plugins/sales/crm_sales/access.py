"""The roles that come with the plugin. A document of the same name replaces one (`"overrides": "sales"`)."""

from typing import Any

from crm_kernel import Restriction

OWN = "owner = @me or team in @my_teams"
"""What a salesperson answers for, and what his team does."""

_WORK = ["read", "create", "update", "move", "export"]
_ALL = ["read", "create", "update", "delete", "move", "export", "import", "merge", "share"]

REP: dict[str, Any] = {
    "kind": "role",
    "name": "sales_rep",
    "label": "Sales representative",
    "labels": {"lv": "Pārdevējs", "pl": "Handlowiec", "kk": "Сату өкілі", "ru": "Менеджер по продажам"},
    "grants": [
        {
            "entity": "lead",
            "actions": _WORK,
            "where": OWN,
            "fields": {"readonly": ["converted_at", "company", "contact", "deal"]},
        },
        {"entity": "deal", "actions": _WORK, "where": OWN, "fields": {"readonly": ["stage_type"]}},
        {"entity": "product", "actions": ["read"]},
        # Everyone sees which companies there are: a lead of one should not be worked on twice.
        {"entity": "company", "actions": ["read"]},
        {"entity": "company", "actions": ["create", "update"], "where": OWN},
        {"entity": "contact", "actions": ["read", "create", "update"], "where": OWN},
        {"entity": "activity", "actions": ["read", "create", "update", "delete"], "where": OWN},
        {"entity": "file", "actions": ["read", "create", "update", "delete"], "where": OWN},
    ],
}

MANAGER: dict[str, Any] = {
    "kind": "role",
    "name": "sales_manager",
    "label": "Sales manager",
    "labels": {
        "lv": "Pārdošanas vadītājs",
        "pl": "Kierownik sprzedaży",
        "kk": "Сату бөлімінің басшысы",
        "ru": "Руководитель продаж",
    },
    "grants": [
        {"entity": entity, "actions": _ALL}
        for entity in ("lead", "deal", "product", "company", "contact", "activity", "file")
    ],
}

ALL = [REP, MANAGER]

KEPT = Restriction(entity="lead", actions=["delete"], where="converted_at is null")
"""A converted lead says where a customer came from: nobody deletes it, an administrator neither."""

RESTRICTIONS = [KEPT]
