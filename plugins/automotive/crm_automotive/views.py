"""Lists that a dealership looks at in the morning."""

from __future__ import annotations

from typing import Any

from .pipelines import HERE

_HERE = ", ".join(f"'{stage}'" for stage in HERE)

OLD_STOCK: dict[str, Any] = {
    "kind": "view",
    "name": "stock-over-90-days",
    "entity": "vehicle_unit",
    "label": "In stock for over 90 days",
    "labels": {"lv": "Krājumā ilgāk par 90 dienām"},
    "filter": f"stage in ({_HERE}) and received_on < @today-90d",
    "columns": ["stock_number", "vehicle.make", "vehicle.model", "vehicle.model_year", "price", "received_on", "stage"],
    "sort": ["received_on"],
    "layout": "list",
}

NEW_LEADS: dict[str, Any] = {
    "kind": "view",
    "name": "leads-to-answer",
    "entity": "auto_lead",
    "label": "Leads to answer",
    "labels": {"lv": "Neatbildētie pieprasījumi"},
    "filter": "stage = 'new'",
    "columns": ["number", "requested_at", "source", "name", "phone", "email", "make", "model", "model_year"],
    "sort": ["requested_at"],
    "layout": "list",
}

DECLINED_WORK: dict[str, Any] = {
    "kind": "view",
    "name": "declined-work",
    "entity": "labor_line",
    "label": "Declined and deferred work",
    "labels": {"lv": "Atteiktie un atliktie darbi"},
    "filter": "status in ('DECLINED', 'DEFERRED') and job.contact.do_not_contact = false",
    "columns": ["operation", "complaint", "amount", "job.number", "job.vehicle.plate", "job.contact.name"],
    "sort": ["-created_at"],
    "layout": "list",
}

ALL = [OLD_STOCK, NEW_LEADS, DECLINED_WORK]
