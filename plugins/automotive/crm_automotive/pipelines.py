"""The pipelines: stock, test drives, trade-ins, leads, workshop jobs. Stages are spelled as in the STAR standards.

STAR names the statuses and prescribes no moves: those here are the dealership's. Terms of ours are in lower case.
"""

from __future__ import annotations

from typing import Any

COMING = ("ON_ORDER", "IN_TRANSIT", "RECEIVED", "PREPARATION")
DRIVEN = ("AVAILABLE", "RESERVED", "PRE_SOLD")
"""Stages in which a unit may be driven."""
UNSOLD = (*COMING, "AVAILABLE", "RESERVED", "ON_HOLD", "SERVICE_HOLD", "RECALL_HOLD", "PRE_SOLD")
HERE = ("RECEIVED", "PREPARATION", "AVAILABLE", "RESERVED", "ON_HOLD", "SERVICE_HOLD", "RECALL_HOLD", "PRE_SOLD")
"""Stages of a unit that stands on the lot and is not sold."""

BOOKED = ("REQUESTED", "TENTATIVE", "CONFIRMED", "ARRIVED", "IN_PROGRESS", "FULFILLED")
"""Stages in which a test drive takes its unit and its salesperson up."""

BILLED = ("INVOICE", "CHECKOUT", "VEHICLE_DELIVERED", "CLOSED", "FOLLOW_UP")
"""Stages of a job whose lines are on an invoice."""


def _stages(*stages: str, type: str = "open", **more: Any) -> list[dict[str, Any]]:
    return [{"name": stage, "type": type, **more} for stage in stages]


_REMEDY = ["workshop", "dealer_manager", "admin"]

UNIT: dict[str, Any] = {
    "kind": "pipeline",
    "name": "vehicle_unit",
    "entity": "vehicle_unit",
    "label": "Stock",
    "labels": {"lv": "Krājums"},
    "default": True,
    "stages": [
        *_stages("ON_ORDER", "IN_TRANSIT"),
        *_stages("RECEIVED", rots_after="P7D"),
        *_stages("PREPARATION", rots_after="P14D"),
        *_stages("AVAILABLE", rots_after="P90D"),
        *_stages("RESERVED", rots_after="P7D"),
        *_stages("ON_HOLD", "SERVICE_HOLD", "RECALL_HOLD", "RETURNED", "DAMAGED"),
        *_stages("PRE_SOLD", rots_after="P30D"),
        *_stages("SOLD", type="won", requires={"required": ["sold_price"]}),
        *_stages("WHOLESALE", "DISPOSAL", type="lost"),
    ],
    "transitions": [
        {"from": ["ON_ORDER"], "to": "IN_TRANSIT"},
        {"from": ["IN_TRANSIT"], "to": "RECEIVED"},
        {"from": ["RECEIVED", "RETURNED", "DAMAGED"], "to": "PREPARATION"},
        {"from": ["PREPARATION", "RESERVED", "ON_HOLD", "SERVICE_HOLD", "PRE_SOLD"], "to": "AVAILABLE"},
        # Whether a recall is remedied is not for sales to say.
        {"from": ["RECALL_HOLD"], "to": "PREPARATION", "roles": _REMEDY},
        {"from": ["RECALL_HOLD"], "to": "AVAILABLE", "roles": _REMEDY},
        {"from": ["AVAILABLE", "PRE_SOLD"], "to": "RESERVED"},
        {"from": ["PREPARATION", "AVAILABLE", "RESERVED"], "to": "ON_HOLD"},
        {"from": ["AVAILABLE", "RESERVED", "ON_HOLD", "PRE_SOLD"], "to": "SERVICE_HOLD"},
        {"from": [stage for stage in UNSOLD if stage != "RECALL_HOLD"], "to": "RECALL_HOLD"},
        {"from": ["AVAILABLE", "RESERVED"], "to": "PRE_SOLD"},
        {"from": ["PRE_SOLD"], "to": "SOLD", "guard": "buyer is not null or buyer_company is not null"},
        {"from": ["SOLD"], "to": "RETURNED"},
        {"from": [*HERE, "RETURNED"], "to": "DAMAGED"},
        {"from": ["RECEIVED", "PREPARATION", "AVAILABLE", "ON_HOLD", "RETURNED", "DAMAGED"], "to": "WHOLESALE"},
        {"from": ["RECALL_HOLD", "RETURNED", "DAMAGED"], "to": "DISPOSAL"},
    ],
}

TEST_DRIVE: dict[str, Any] = {
    "kind": "pipeline",
    "name": "test_drive",
    "entity": "test_drive",
    "label": "Test drive",
    "labels": {"lv": "Izmēģinājuma brauciens"},
    "default": True,
    "stages": [
        *_stages("REQUESTED", "TENTATIVE", rots_after="P3D"),
        *_stages("CONFIRMED", requires={"required": ["salesperson"]}),
        *_stages("ARRIVED"),
        *_stages(
            "IN_PROGRESS",
            requires={
                "required": ["plate", "odometer_out"],
                "properties": {"licence_checked": {"const": True}, "agreement_signed": {"const": True}},
            },
        ),
        *_stages("FULFILLED", type="won", requires={"required": ["odometer_in"]}),
        *_stages("CANCELLED", type="lost", reasons=["customer", "vehicle sold", "vehicle not fit", "dealer"]),
        *_stages("NO_SHOW", "EXPIRED", "DECLINED", type="lost"),
    ],
    "transitions": [
        {"from": ["REQUESTED"], "to": "TENTATIVE"},
        {"from": ["REQUESTED", "TENTATIVE"], "to": "CONFIRMED"},
        {"from": ["REQUESTED", "TENTATIVE"], "to": "DECLINED"},
        {"from": ["REQUESTED", "TENTATIVE"], "to": "EXPIRED"},
        {"from": ["CONFIRMED"], "to": "ARRIVED"},
        {"from": ["CONFIRMED"], "to": "NO_SHOW"},
        {"from": ["ARRIVED"], "to": "IN_PROGRESS"},
        {"from": ["IN_PROGRESS"], "to": "FULFILLED"},
        {"from": ["REQUESTED", "TENTATIVE", "CONFIRMED", "ARRIVED"], "to": "CANCELLED"},
        {"from": ["CANCELLED", "NO_SHOW", "EXPIRED"], "to": "REQUESTED"},
    ],
}

TRADE_IN: dict[str, Any] = {
    "kind": "pipeline",
    "name": "trade_in",
    "entity": "trade_in",
    "label": "Trade-in",
    "labels": {"lv": "Ieskaits"},
    "default": True,
    "stages": [
        *_stages("requested", rots_after="P3D"),
        *_stages("appraised", requires={"required": ["appraised_value"]}),
        *_stages("offered", requires={"required": ["allowance"]}, rots_after="P14D"),
        *_stages("accepted", type="won"),
        *_stages("declined", "expired", type="lost"),
    ],
    "transitions": [
        {"from": ["requested"], "to": "appraised"},
        {"from": ["appraised"], "to": "offered"},
        {"from": ["offered"], "to": "appraised"},
        {"from": ["offered"], "to": "accepted"},
        {"from": ["requested", "appraised", "offered"], "to": "declined"},
        {"from": ["appraised", "offered"], "to": "expired"},
        {"from": ["expired"], "to": "appraised"},
    ],
}

LEAD: dict[str, Any] = {
    "kind": "pipeline",
    "name": "auto_lead",
    "entity": "auto_lead",
    "label": "Leads",
    "labels": {"lv": "Pieprasījumi"},
    "default": True,
    "stages": [
        *_stages("new", rots_after="P1D"),
        *_stages("working", rots_after="P14D"),
        *_stages("qualified", type="won", requires={"required": ["contact"]}),
        *_stages(
            "disqualified",
            type="lost",
            reasons=["price", "competitor", "no budget", "timing", "vehicle sold", "no response", "duplicate", "spam"],
        ),
    ],
    "transitions": [
        {"from": ["new", "disqualified"], "to": "working"},
        {"from": ["new", "working"], "to": "qualified"},
        {"from": ["new", "working"], "to": "disqualified"},
    ],
}

_UNHELD = "hold is null"
"""A job that waits for something does not move."""

_JOB_MOVES = {
    "APPOINTMENT_SCHEDULED": ["OPEN"],
    "VEHICLE_RECEIVED": ["OPEN", "APPOINTMENT_SCHEDULED"],
    "EVALUATION": ["VEHICLE_RECEIVED", "WORK_IN_PROGRESS", "RE_OPEN"],
    "PROPOSAL_BUILD": ["EVALUATION", "AWAITING_CUSTOMER_AUTHORIZATION"],
    "AWAITING_CUSTOMER_AUTHORIZATION": ["PROPOSAL_BUILD"],
    "WORK_IN_PROGRESS": ["EVALUATION", "AWAITING_CUSTOMER_AUTHORIZATION", "PARTS_ORDERED", "QUALITY_ASSURANCE"],
    "PARTS_ORDERED": ["AWAITING_CUSTOMER_AUTHORIZATION", "WORK_IN_PROGRESS"],
    "QUALITY_ASSURANCE": ["WORK_IN_PROGRESS"],
    "COMPLETED": ["QUALITY_ASSURANCE"],
    "INVOICE": ["COMPLETED"],
    "CHECKOUT": ["INVOICE"],
    "VEHICLE_DELIVERED": ["CHECKOUT"],
    # Nothing was done, or all of it: a job ends here either way.
    "CLOSED": ["OPEN", "APPOINTMENT_SCHEDULED", "AWAITING_CUSTOMER_AUTHORIZATION", "VEHICLE_DELIVERED", "FOLLOW_UP"],
    "FOLLOW_UP": ["CLOSED"],
    "RE_OPEN": ["CLOSED", "FOLLOW_UP"],
}

JOB: dict[str, Any] = {
    "kind": "pipeline",
    "name": "workshop_job",
    "entity": "workshop_job",
    "label": "Workshop",
    "labels": {"lv": "Serviss"},
    "default": True,
    "stages": [
        *_stages("OPEN"),
        *_stages("APPOINTMENT_SCHEDULED"),
        *_stages("VEHICLE_RECEIVED", "EVALUATION", "PROPOSAL_BUILD"),
        *_stages("AWAITING_CUSTOMER_AUTHORIZATION", rots_after="P3D"),
        *_stages("WORK_IN_PROGRESS", rots_after="P5D"),
        *_stages("PARTS_ORDERED", rots_after="P14D"),
        *_stages("QUALITY_ASSURANCE", "COMPLETED", "INVOICE", "CHECKOUT", "VEHICLE_DELIVERED"),
        *_stages("CLOSED", "FOLLOW_UP", type="won"),
        *_stages("RE_OPEN"),
    ],
    "transitions": [{"from": start, "to": to, "guard": _UNHELD} for to, start in _JOB_MOVES.items()],
}

ALL = [UNIT, TEST_DRIVE, TRADE_IN, LEAD, JOB]
