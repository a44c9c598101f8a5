"""Lists that every office looks at in the morning."""

from typing import Any

UNDER_CONTRACT: dict[str, Any] = {
    "kind": "view",
    "name": "listings-under-contract",
    "entity": "listing",
    "label": "Under contract",
    "labels": {"lv": "Ar parakstītu līgumu", "ru": "Под договором"},
    "filter": "stage in ('Active Under Contract', 'Pending')",
    "columns": ["listing_id", "unparsed_address", "list_price", "list_agent.name", "purchase_contract_date"],
    "sort": ["purchase_contract_date"],
    "layout": "list",
}

TO_CONFIRM: dict[str, Any] = {
    "kind": "view",
    "name": "viewings-to-confirm",
    "entity": "viewing",
    "label": "Viewings to confirm",
    "labels": {"lv": "Apstiprināmās apskates", "ru": "Показы на подтверждение"},
    "filter": "stage = 'requested' and starts_at >= @now",
    "columns": ["starts_at", "listing.unparsed_address", "buyer.name", "agent.name"],
    "sort": ["starts_at"],
    "layout": "list",
}

ALL = [UNDER_CONTRACT, TO_CONFIRM]
