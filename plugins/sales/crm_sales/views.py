"""Lists that every salesperson looks at in the morning."""

from typing import Any

MY_LEADS: dict[str, Any] = {
    "kind": "view",
    "name": "my-leads",
    "entity": "lead",
    "label": "My open leads",
    "labels": {"lv": "Mani interesenti", "pl": "Moje leady", "kk": "Менің лидтерім", "ru": "Мои лиды"},
    "filter": "owner = @me and converted_at is null and stage_since >= @today-90d",
    "columns": ["name", "company_name", "email", "phone", "source", "stage", "rotting"],
    "sort": ["-created_at"],
    "layout": "list",
}

CLOSING: dict[str, Any] = {
    "kind": "view",
    "name": "deals-closing-soon",
    "entity": "deal",
    "label": "Closing within a month",
    "labels": {
        "lv": "Noslēdzas mēneša laikā",
        "pl": "Zamknięcie w ciągu miesiąca",
        "kk": "Бір ай ішінде жабылады",
        "ru": "Закрываются в течение месяца",
    },
    "filter": "stage_type = 'open' and expected_close_date < @today+1m",
    "columns": ["name", "company.name", "amount", "probability", "expected_close_date", "next_step", "owner.name"],
    "sort": ["expected_close_date"],
    "layout": "list",
}

ALL = [MY_LEADS, CLOSING]
