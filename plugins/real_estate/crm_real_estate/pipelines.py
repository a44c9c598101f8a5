"""The pipelines of listing, viewing and offer.

RESO names the values of StandardStatus and prescribes no transitions: those here are the office's.
"""

from typing import Any

SHOWN = ("Active", "Active Under Contract")
"""Stages in which a listing is shown; Coming Soon joins them by the setting `show_coming_soon`."""

BOOKED = ("requested", "confirmed", "completed")
"""Stages in which a viewing takes its listing and its agent up."""

LISTING: dict[str, Any] = {
    "kind": "pipeline",
    "name": "listing",
    "entity": "listing",
    "label": "Listing",
    "default": True,
    "stages": [
        {"name": "Incomplete", "type": "open", "probability": 0, "rots_after": "P30D"},
        {"name": "Coming Soon", "type": "open", "probability": 10},
        {"name": "Active", "type": "open", "probability": 30, "rots_after": "P90D"},
        {"name": "Active Under Contract", "type": "open", "probability": 80},
        {"name": "Pending", "type": "open", "probability": 90, "rots_after": "P60D"},
        {"name": "Hold", "type": "open", "probability": 10},
        {"name": "Withdrawn", "type": "open", "probability": 5},
        {"name": "Closed", "type": "won", "requires": {"required": ["close_date", "close_price"]}},
        {"name": "Canceled", "type": "lost"},
        {"name": "Expired", "type": "lost"},
        {"name": "Delete", "type": "lost"},
    ],
    "transitions": [
        {"from": ["Incomplete"], "to": "Coming Soon"},
        {
            "from": ["Incomplete", "Coming Soon", "Hold", "Withdrawn", "Active Under Contract", "Pending"],
            "to": "Active",
        },
        {"from": ["Active"], "to": "Hold"},
        {"from": ["Coming Soon", "Active"], "to": "Withdrawn"},
        {"from": ["Active", "Pending"], "to": "Active Under Contract"},
        {"from": ["Active", "Active Under Contract"], "to": "Pending"},
        {"from": ["Active Under Contract", "Pending"], "to": "Closed"},
        {"from": ["Coming Soon", "Active", "Pending"], "to": "Canceled"},
        {"from": ["Active", "Coming Soon", "Hold", "Withdrawn"], "to": "Expired"},
        {"from": "*", "to": "Delete", "roles": ["admin"]},
    ],
}

VIEWING: dict[str, Any] = {
    "kind": "pipeline",
    "name": "viewing",
    "entity": "viewing",
    "label": "Viewing",
    "default": True,
    "stages": [
        {"name": "requested", "type": "open", "probability": 10, "rots_after": "P3D"},
        {"name": "confirmed", "type": "open", "probability": 60, "requires": {"required": ["starts_at", "agent"]}},
        {"name": "completed", "type": "won"},
        {
            "name": "cancelled",
            "type": "lost",
            "reasons": ["buyer withdrew", "seller withdrew", "sold elsewhere", "no answer", "rescheduled"],
        },
        {"name": "denied", "type": "lost"},
        {"name": "no_show", "type": "lost"},
    ],
    "transitions": [
        {
            "from": ["requested"],
            "to": "confirmed",
            # The setting decides about Coming Soon (checks.shown): a guard knows no settings.
            "guard": "listing.stage in ('Active', 'Active Under Contract', 'Coming Soon')",
        },
        {"from": ["requested"], "to": "denied"},
        {"from": ["confirmed"], "to": "completed"},
        {"from": ["confirmed"], "to": "no_show"},
        {"from": ["requested", "confirmed"], "to": "cancelled"},
        {"from": ["cancelled", "denied", "no_show"], "to": "requested"},
    ],
}

OFFER: dict[str, Any] = {
    "kind": "pipeline",
    "name": "offer",
    "entity": "offer",
    "label": "Offer",
    "default": True,
    "stages": [
        {"name": "draft", "type": "open", "probability": 5},
        {"name": "submitted", "type": "open", "probability": 40, "rots_after": "P5D"},
        {"name": "countered", "type": "open", "probability": 50, "rots_after": "P5D"},
        {"name": "accepted", "type": "won"},
        {"name": "rejected", "type": "lost"},
        {"name": "withdrawn", "type": "lost"},
        {"name": "expired", "type": "lost"},
    ],
    "transitions": [
        {"from": ["draft", "countered"], "to": "submitted"},
        {"from": ["submitted"], "to": "countered"},
        {"from": ["submitted", "countered"], "to": "accepted"},
        {"from": ["submitted", "countered"], "to": "rejected"},
        {"from": ["draft", "submitted", "countered"], "to": "withdrawn"},
        {"from": ["accepted"], "to": "withdrawn"},  # fell through
        {"from": ["submitted", "countered"], "to": "expired"},
    ],
}

ALL = [LISTING, VIEWING, OFFER]
