"""Where leads come from and what becomes of them, what campaigns bring, what people agreed to."""

from typing import Any


def _credit(touch: str, label: str, lv: str, ru: str) -> dict[str, Any]:
    """The conversions by the channel of their first or last touch. By currency: amounts of several do not add up."""
    return {
        "kind": "report",
        "name": f"{touch}-touch-credit",
        "label": label,
        "labels": {"lv": lv, "ru": ru},
        "entity": "conversion",
        "group_by": [
            {"field": f"{touch}_channel", "as": "channel"},
            {"field": "amount.currency", "as": "currency"},
        ],
        "measures": [{"count": "*", "as": "conversions"}, {"sum": "amount", "as": "amount"}],
        "order": ["-conversions", "channel"],
        "chart": {"type": "bar"},
    }


LEADS_BY_SOURCE: dict[str, Any] = {
    "kind": "report",
    "name": "leads-by-source",
    "label": "Leads by source",
    "labels": {"lv": "Interesenti pēc avota", "ru": "Лиды по источникам"},
    "description": "People by where they came from, and the share of them that converted.",
    "entity": "contact",
    "filter": "lead_source is not null",
    "group_by": [{"field": "lead_source.name", "as": "source"}],
    "measures": [
        {"count": "*", "as": "leads"},
        {"sum": "converted", "as": "converted"},
        {"avg": "converted", "as": "conversion_rate"},
    ],
    "order": ["-leads", "source"],
    "chart": {"type": "bar"},
}

LEADS_BY_MONTH: dict[str, Any] = {
    "kind": "report",
    "name": "leads-by-month",
    "label": "Leads by month",
    "labels": {"lv": "Interesenti pa mēnešiem", "ru": "Лиды по месяцам"},
    "entity": "contact",
    "filter": "lead_on is not null",
    "group_by": [{"field": "lead_on", "by": "month", "as": "month"}],
    "measures": LEADS_BY_SOURCE["measures"],
    "chart": {"type": "line"},
}

RESPONSE: dict[str, Any] = {
    "kind": "report",
    "name": "campaign-response",
    "label": "Campaign response",
    "labels": {"lv": "Kampaņu atsaucība", "ru": "Отклик на кампании"},
    "description": "Who was reached, replied and converted. Rates are shares of those who were reached.",
    "entity": "campaign_member",
    "filter": "stage not in ('pending', 'suppressed', 'failed')",
    "group_by": [{"field": "campaign.name", "as": "campaign"}],
    "measures": [
        {"count": "*", "as": "reached"},
        {"sum": "responded", "as": "responded"},
        {"sum": "converted", "as": "converted"},
        {"avg": "responded", "as": "response_rate"},
        {"avg": "converted", "as": "conversion_rate"},
    ],
    "order": ["-reached", "campaign"],
    "chart": {"type": "bar"},
}

MEMBERS: dict[str, Any] = {
    "kind": "report",
    "name": "campaign-members",
    "label": "Campaign members",
    "labels": {"lv": "Kampaņu dalībnieki", "ru": "Участники кампаний"},
    "entity": "campaign_member",
    "group_by": [{"field": "campaign.name", "as": "campaign"}, "stage", "suppressed_reason"],
    "measures": [{"count": "*", "as": "members"}],
    "chart": {"type": "table"},
}

CONSENTS: dict[str, Any] = {
    "kind": "report",
    "name": "consent-state",
    "label": "Consent",
    "labels": {"lv": "Piekrišanas", "ru": "Согласия"},
    "description": "What people said last, by purpose and channel.",
    "entity": "consent",
    "filter": "latest = true",
    "group_by": ["purpose", "channel", "status", "basis"],
    "measures": [{"count": "*", "as": "people"}],
    "chart": {"type": "table"},
}

ALL = [
    LEADS_BY_SOURCE,
    LEADS_BY_MONTH,
    RESPONSE,
    MEMBERS,
    CONSENTS,
    _credit("first", "First-touch credit", "Pirmais kontakts", "Первое касание"),
    _credit("last", "Last-touch credit", "Pēdējais kontakts", "Последнее касание"),
]
