"""The three reports of an office."""

from typing import Any

DAYS_ON_MARKET: dict[str, Any] = {
    "kind": "report",
    "name": "days-on-market",
    "label": "Days on market",
    "labels": {"lv": "Dienas tirgū", "ru": "Дней на рынке"},
    "entity": "listing",
    "filter": "stage = 'Closed' and days_on_market is not null",
    "group_by": ["city_region", "property_sub_type"],
    "measures": [
        {"count": "*", "as": "listings"},
        {"median": "days_on_market", "as": "median_days"},
        {"avg": "days_on_market", "as": "average_days"},
    ],
    "order": ["-listings"],
    "chart": {"type": "bar"},
}

VIEWINGS_TO_OFFER: dict[str, Any] = {
    "kind": "report",
    "name": "viewings-to-offer",
    "label": "Viewings to offer",
    "labels": {"lv": "Apskates līdz piedāvājumam", "ru": "Показы до предложения"},
    "description": "Completed viewings, and the offers they led to.",
    "entity": "viewing",
    "filter": "stage = 'completed'",
    "group_by": [{"field": "starts_at", "by": "month", "as": "month"}, {"field": "agent.name", "as": "agent"}],
    "measures": [
        {"count": "*", "as": "viewings"},
        {"count_distinct": "offer", "as": "offers"},
        {"avg": "interest", "as": "interest"},
    ],
    "chart": {"type": "bar"},
}

VOLUME: dict[str, Any] = {
    "kind": "report",
    "name": "volume-by-month-and-district",
    "label": "Volume by month and district",
    "labels": {"lv": "Apjoms pa mēnešiem un apkaimēm", "ru": "Объём по месяцам и районам"},
    "entity": "listing",
    "filter": "stage = 'Closed'",
    # By currency, because amounts of several do not add up.
    "group_by": [
        {"field": "close_date", "by": "month", "as": "month"},
        {"field": "city_region", "as": "district"},
        {"field": "close_price.currency", "as": "currency"},
    ],
    "measures": [
        {"count": "*", "as": "sales"},
        {"sum": "close_price", "as": "volume"},
        {"avg": "close_price", "as": "average_price"},
    ],
    "chart": {"type": "area"},
}

ALL = [DAYS_ON_MARKET, VIEWINGS_TO_OFFER, VOLUME]
