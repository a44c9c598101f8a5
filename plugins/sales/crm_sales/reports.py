"""The figures of sales. They read the type of a stage, never its name, so they hold for every pipeline.

Amounts of several currencies do not add up: reports of amounts are grouped by currency, or asked with a filter on it.
"""

from typing import Any

PERIOD: dict[str, Any] = {
    "since": {"type": "string", "format": "date", "title": "Closed on or after", "default": "0001-01-01"},
    "until": {"type": "string", "format": "date", "title": "Closed on or before", "default": "9999-12-31"},
}
CLOSED = "closed_at >= @param.since and closed_at <= @param.until"
WON = "stage_type = 'won'"
LOST = "stage_type = 'lost'"
OPEN = "stage_type = 'open'"
BY_CURRENCY = {"field": "amount.currency", "as": "currency"}

RATES: list[dict[str, Any]] = [
    {"count": "*", "where": WON, "as": "won"},
    {"count": "*", "where": LOST, "as": "lost"},
    {"formula": "won / (won + lost)", "as": "win_rate"},
]

WIN_RATE: dict[str, Any] = {
    "kind": "report",
    "name": "win-rate",
    "label": "Win rate",
    "labels": {"lv": "Uzvaru īpatsvars", "pl": "Skuteczność", "kk": "Жеңіс үлесі", "ru": "Доля побед"},
    "description": "Of the deals that were closed in the period, how many each person won.",
    "entity": "deal",
    "params": PERIOD,
    "filter": f"stage_type in ('won', 'lost') and {CLOSED}",
    "group_by": [{"field": "owner.name", "as": "owner"}],
    "measures": RATES,
    "order": ["-won"],
    "chart": {"type": "bar"},
}

WIN_RATE_BY_MONTH: dict[str, Any] = {
    **WIN_RATE,
    "name": "win-rate-by-month",
    "label": "Win rate by month",
    "labels": {
        "lv": "Uzvaru īpatsvars pa mēnešiem",
        "pl": "Skuteczność według miesięcy",
        "kk": "Айлар бойынша жеңіс үлесі",
        "ru": "Доля побед по месяцам",
    },
    "description": "Of the deals that were closed in a month, how many were won.",
    "group_by": [{"field": "closed_at", "by": "month", "as": "month"}],
    "order": ["month"],
    "chart": {"type": "line"},
}

FORECAST: dict[str, Any] = {
    "kind": "report",
    "name": "forecast",
    "label": "Forecast",
    "labels": {"lv": "Prognoze", "pl": "Prognoza", "kk": "Болжам", "ru": "Прогноз"},
    "description": "Open deals by the month they are expected to close in and how sure they are.",
    "entity": "deal",
    "params": {
        "since": {"type": "string", "format": "date", "title": "Expected on or after", "default": "0001-01-01"},
        "until": {"type": "string", "format": "date", "title": "Expected on or before", "default": "9999-12-31"},
    },
    "filter": f"{OPEN} and forecast_category != 'omitted'"
    " and expected_close_date >= @param.since and expected_close_date <= @param.until",
    "group_by": [{"field": "expected_close_date", "by": "month", "as": "month"}, "forecast_category", BY_CURRENCY],
    "measures": [
        {"count": "*", "as": "deals"},
        {"sum": "amount", "as": "amount"},
        {"sum": "weighted_amount", "as": "weighted"},
    ],
    "chart": {"type": "bar"},
}

VELOCITY_MEASURES: list[dict[str, Any]] = [
    {"count": "*", "where": OPEN, "as": "open"},
    *RATES,
    {"sum": "amount", "where": WON, "as": "revenue"},
    {"formula": "revenue / won", "as": "average_won"},
    {"sum": "cycle_days", "where": WON, "as": "days"},
    {"formula": "days / won", "as": "average_cycle_days"},
    # From the sums, so that nothing is rounded before the end: open x win rate x average won / average cycle.
    {"formula": "revenue * (open * won / (won + lost)) / days", "as": "velocity"},
]

VELOCITY: dict[str, Any] = {
    "kind": "report",
    "name": "sales-velocity",
    "label": "Sales velocity",
    "labels": {
        "lv": "Pārdošanas ātrums",
        "pl": "Szybkość sprzedaży",
        "kk": "Сату жылдамдығы",
        "ru": "Скорость продаж",
    },
    "description": "What the open deals bring in a day at the win rate, average amount and cycle of the period.",
    "entity": "deal",
    "params": PERIOD,
    "filter": f"{OPEN} or ({CLOSED})",
    "measures": VELOCITY_MEASURES,
    "chart": {"type": "number"},
}

CYCLE: dict[str, Any] = {
    "kind": "report",
    "name": "sales-cycle",
    "label": "Sales cycle",
    "labels": {"lv": "Pārdošanas cikls", "pl": "Cykl sprzedaży", "kk": "Сату циклі", "ru": "Цикл продаж"},
    "description": "How many days it took from opening a deal to winning it.",
    "entity": "deal",
    "params": PERIOD,
    "filter": f"{WON} and {CLOSED}",
    "group_by": [{"field": "owner.name", "as": "owner"}],
    "measures": [
        {"count": "*", "as": "won"},
        {"avg": "cycle_days", "as": "average_days"},
        {"median": "cycle_days", "as": "median_days"},
    ],
    "chart": {"type": "bar"},
}

PIPELINE: dict[str, Any] = {
    "kind": "report",
    "name": "pipeline-by-stage",
    "label": "Pipeline by stage",
    "labels": {
        "lv": "Darījumi pa posmiem",
        "pl": "Szanse według etapów",
        "kk": "Кезеңдер бойынша мәмілелер",
        "ru": "Сделки по этапам",
    },
    "description": "Open deals: how many, how much, and how much of it is likely.",
    "entity": "deal",
    "filter": OPEN,
    "group_by": ["pipeline", "stage", BY_CURRENCY],
    "measures": [
        {"count": "*", "as": "deals"},
        {"sum": "amount", "as": "amount"},
        {"sum": "weighted_amount", "as": "weighted"},
    ],
    "chart": {"type": "funnel"},
}

REVENUE_MEASURES: list[dict[str, Any]] = [
    {"count": "*", "as": "won"},
    {"sum": "amount", "as": "revenue"},
    {"avg": "amount", "as": "average"},
]

PRODUCTS: dict[str, Any] = {
    "kind": "report",
    "name": "product-sales",
    "label": "Product sales",
    "labels": {
        "lv": "Pārdošana pa produktiem",
        "pl": "Sprzedaż według produktów",
        "kk": "Өнімдер бойынша сатылым",
        "ru": "Продажи по продуктам",
    },
    "entity": "deal",
    "params": PERIOD,
    "filter": f"{WON} and {CLOSED}",
    "group_by": [{"field": "product.name", "as": "product"}, BY_CURRENCY],
    "measures": REVENUE_MEASURES,
    "order": ["-revenue"],
    "chart": {"type": "bar"},
}

REVENUE: dict[str, Any] = {
    **PRODUCTS,
    "name": "revenue-by-month",
    "label": "Revenue by month",
    "labels": {
        "lv": "Ieņēmumi pa mēnešiem",
        "pl": "Przychód według miesięcy",
        "kk": "Айлар бойынша түсім",
        "ru": "Выручка по месяцам",
    },
    "group_by": [{"field": "closed_at", "by": "month", "as": "month"}, BY_CURRENCY],
    "order": ["month"],
    "chart": {"type": "line"},
}

ALL = [WIN_RATE, WIN_RATE_BY_MONTH, FORECAST, VELOCITY, CYCLE, PIPELINE, PRODUCTS, REVENUE]
