"""The pipelines of campaign and campaign member."""

from typing import Any

REACHED = ("sent", "delivered", "opened", "clicked", "replied", "converted")
"""Stages of a member whom the message was sent to, and who did not turn it down."""

IN_WORK = "stage in ('scheduled', 'sending', 'paused')"
"""Campaigns whose messages are still to be sent."""

CAMPAIGN: dict[str, Any] = {
    "kind": "pipeline",
    "name": "campaign",
    "entity": "campaign",
    "label": "Campaign",
    "default": True,
    "stages": [
        {"name": "draft", "type": "open", "rots_after": "P30D"},
        {"name": "scheduled", "type": "open", "requires": {"required": ["segment"]}},
        {"name": "sending", "type": "open"},
        {"name": "paused", "type": "open", "rots_after": "P7D"},
        {"name": "sent", "type": "won"},
        {"name": "cancelled", "type": "lost"},
        {"name": "archived", "type": "lost"},
    ],
    "transitions": [
        {"from": ["scheduled"], "to": "draft"},
        {"from": ["draft"], "to": "scheduled"},
        {"from": ["draft", "scheduled", "paused"], "to": "sending"},
        {"from": ["sending"], "to": "paused"},
        {"from": ["sending"], "to": "sent"},
        {"from": ["draft", "scheduled", "sending", "paused"], "to": "cancelled"},
        {"from": ["sent", "cancelled"], "to": "archived"},
    ],
}

MEMBER: dict[str, Any] = {
    "kind": "pipeline",
    "name": "campaign_member",
    "entity": "campaign_member",
    "label": "Campaign member",
    "default": True,
    "stages": [
        {"name": "pending", "type": "open"},
        {"name": "sent", "type": "open"},
        {"name": "delivered", "type": "open"},
        {"name": "opened", "type": "open"},
        {"name": "clicked", "type": "open"},
        {"name": "replied", "type": "open"},
        {"name": "converted", "type": "won"},
        {"name": "bounced", "type": "lost", "requires": {"required": ["bounce"]}},
        {"name": "complained", "type": "lost"},
        {"name": "unsubscribed", "type": "lost"},
        {"name": "suppressed", "type": "lost", "requires": {"required": ["suppressed_reason"]}},
        {"name": "failed", "type": "lost"},
    ],
    # Nothing leads back to pending: who was sent to is never sent to again. What mail servers and trackers report
    # comes in any order and with steps left out.
    "transitions": [
        {"from": ["pending"], "to": "sent"},
        {"from": ["pending"], "to": "suppressed"},
        {"from": ["pending", "sent"], "to": "failed"},
        {"from": ["sent"], "to": "delivered"},
        {"from": ["sent", "delivered"], "to": "opened"},
        {"from": ["sent", "delivered", "opened"], "to": "clicked"},
        {"from": ["sent", "delivered", "opened", "clicked"], "to": "replied"},
        {"from": list(REACHED[:-1]), "to": "converted"},
        {"from": ["sent", "delivered"], "to": "bounced"},
        {"from": list(REACHED), "to": "complained"},
        {"from": list(REACHED), "to": "unsubscribed"},
    ],
}

ALL = [CAMPAIGN, MEMBER]
