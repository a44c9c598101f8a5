"""The reports of a dealership."""

from __future__ import annotations

from typing import Any

from .pipelines import HERE

_HERE = ", ".join(f"'{stage}'" for stage in HERE)

STOCK_AGEING: dict[str, Any] = {
    "kind": "report",
    "name": "stock-ageing",
    "label": "Stock ageing",
    "labels": {"lv": "Krājuma vecums"},
    "description": "What stands on the lot, by the month it came: the oldest first.",
    "entity": "vehicle_unit",
    "filter": f"stage in ({_HERE}) and received_on is not null",
    # By currency, because amounts of several do not add up.
    "group_by": [
        {"field": "received_on", "by": "month", "as": "received"},
        "condition",
        {"field": "price.currency", "as": "currency"},
    ],
    "measures": [
        {"count": "*", "as": "units"},
        {"sum": "price", "as": "asked"},
        {"min": "received_on", "as": "oldest"},
    ],
    "order": ["received"],
    "chart": {"type": "bar"},
}

DRIVES_TO_SALES: dict[str, Any] = {
    "kind": "report",
    "name": "test-drives-to-sales",
    "label": "Test drives to sales",
    "labels": {"lv": "No izmēģinājuma brauciena līdz pārdevumam"},
    "description": "Drives that took place, who drove, and the units they led to.",
    "entity": "test_drive",
    "filter": "stage = 'FULFILLED'",
    "group_by": [
        {"field": "starts_at", "by": "month", "as": "month"},
        {"field": "salesperson.name", "as": "salesperson"},
    ],
    "measures": [
        {"count": "*", "as": "drives"},
        {"count_distinct": "contact", "as": "customers"},
        {"count_distinct": "sale", "as": "sales"},
        {"avg": "interest", "as": "interest"},
    ],
    "chart": {"type": "bar"},
}

WORKSHOP_THROUGHPUT: dict[str, Any] = {
    "kind": "report",
    "name": "workshop-throughput",
    "label": "Workshop throughput",
    "labels": {"lv": "Servisa caurlaide"},
    "description": "Jobs completed each week: how many, how long the vehicles stood there, hours of labour.",
    "entity": "workshop_job",
    "filter": "completed_at is not null",
    "group_by": [{"field": "completed_at", "by": "week", "as": "week"}],
    "measures": [
        {"count": "*", "as": "jobs"},
        {"avg": "hours_in_workshop", "as": "hours_in_workshop"},
        {"median": "hours_in_workshop", "as": "median_hours"},
        {"sum": "labor_hours", "as": "labor_hours"},
    ],
    "chart": {"type": "line"},
}

LEADS_BY_SOURCE: dict[str, Any] = {
    "kind": "report",
    "name": "leads-by-source",
    "label": "Leads by source",
    "labels": {"lv": "Pieprasījumi pēc avota"},
    "description": "Where leads came from and how far they are; drives and units are those of the leads.",
    "entity": "auto_lead",
    "group_by": ["source", "stage"],
    "measures": [{"count": "*", "as": "leads"}, {"count_distinct": "contact", "as": "people"}],
    "chart": {"type": "bar"},
}

ALL = [STOCK_AGEING, DRIVES_TO_SALES, WORKSHOP_THROUGHPUT, LEADS_BY_SOURCE]
