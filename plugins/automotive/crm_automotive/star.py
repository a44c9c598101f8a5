"""Values of the STAR standards (Standards for Technology in Automotive Retail) and of ADF, spelled as there."""

from __future__ import annotations

from typing import Literal

UnitCondition = Literal["new", "used", "certified", "demo"]
OdometerUnit = Literal["km", "mi"]
LeadInterest = Literal["buy", "lease", "sell", "trade-in", "test-drive"]
LeadSourceType = Literal[
    "ORGANIC_SEARCH",
    "PAID_SEARCH",
    "PAID_SOCIAL",
    "SOCIAL_MEDIA",
    "EMAIL_MARKETING",
    "REFERRAL",
    "DIRECT_TRAFFIC",
    "PHONE_INBOUND",
    "PHONE_OUTBOUND",
    "EVENT_SHOW",
    "RECALL_CAMPAIGN",
    "AFFILIATE_PROGRAM",
    "PARTNER_PROGRAM",
    "OFFLINE_SOURCE",
    "OTHER_CAMPAIGNS",
]
HoldStatus = Literal["CUSTOMER_HOLD", "PAYMENT_HOLD", "WARRANTY_HOLD", "FINANCE_HOLD"]
LaborType = Literal[
    "MAINTENANCE",
    "REPAIR",
    "DIAGNOSTIC",
    "RECALL",
    "WARRANTY",
    "INTERNAL",
    "ACCESSORY_INSTALL",
    "INSPECTION",
    "BODY_SHOP",
]
LaborStatus = Literal[
    "SCHEDULED",
    "DISPATCHED",
    "PENDING",
    "IN_PROGRESS",
    "ON_HOLD",
    "COMPLETED",
    "DEFERRED",
    "DECLINED",
    "CANCELLED",
]
PayType = Literal["CUSTOMER_PAY", "WARRANTY", "INTERNAL", "SUBLET", "MANUFACTURER", "DEALER"]
Authorization = Literal["DRAFT", "REQUESTED", "APPROVED", "PARTIALLY_APPROVED", "DECLINED", "EXPIRED"]
AuthorizationMethod = Literal["signature", "portal", "SMS link", "phone"]

NOT_BILLED = ("DEFERRED", "DECLINED", "CANCELLED")
"""Statuses of a labour line that is not on the invoice."""
