"""What a lead brings along in its own transaction: the contact it is of, the unit it asks for, trade-ins."""

from __future__ import annotations

from typing import Any, cast

from crm_kernel import Batch, Change
from crm_kernel.base import Contact

from .entities import AutoLead, TradeIn, VehicleUnit
from .pipelines import UNSOLD
from .upkeep import live, note_vin

AT_ONCE = 400
EVERY = 100_000
MOST_TRADE_INS = 20

TRADE_IN_FIELDS = (
    "model_year", "make", "model", "trim", "vin", "odometer", "odometer_unit", "condition", "comments", "payoff",
)  # fmt: skip
"""What a message may say of a vehicle that is given in part payment; what it is worth is not for it to say."""


async def keep(batch: Batch) -> None:
    """All of it, for the leads of one operation."""
    leads = live(batch.of(AutoLead))
    for change in leads:
        note_vin(change)
        if change.before is None and change.after.message is not None:
            change.amend(owner=None)  # it came from a sender: it is nobody's until somebody takes it
    for start in range(0, len(leads), AT_ONCE):
        part = leads[start : start + AT_ONCE]
        await _contacts(batch, part)
        await _units(batch, part)
        await _trade_ins(batch, part)


async def _contacts(batch: Batch, leads: list[Change[AutoLead]]) -> None:
    """The contact with the same e-mail address, else the same number; a new one where there is none.

    Where several have it a person decides: the lead stays without. So it does where it cannot be reached.
    """
    asked = [c for c in leads if c.after.contact is None and (c.after.email or c.after.phone) and _came(c)]
    emails = sorted({change.after.email for change in asked if change.after.email})
    phones = sorted({change.after.phone for change in asked if change.after.phone})
    if not asked:
        return
    await batch.lock(*(f"contact:{key}" for key in [*emails, *phones]))
    same = "email in @param.emails or phone in @param.phones"
    found = await batch.find(Contact, same, emails=emails or [""], phones=phones or [""], limit=EVERY)
    known: dict[tuple[str, str], set[str]] = {}
    for contact in found:
        for key in (("email", contact.email), ("phone", contact.phone)):
            known.setdefault((key[0], key[1] or ""), set()).add(contact.id)
    for change in asked:
        after = change.after
        keys = [(name, value) for name, value in (("email", after.email), ("phone", after.phone)) if value]
        ids = next((known[key] for key in keys if key in known), None)
        if ids is None:
            contact = Change.create(Contact, _contact(after))
            batch.add(contact, cause=change, pointer="/contact")
            ids = {contact.id or ""}
            known.update(dict.fromkeys(keys, ids))
        if len(ids) == 1:
            change.amend(contact=next(iter(ids)))


def _contact(lead: Any) -> dict[str, Any]:
    names = {"first_name": lead["first_name"], "last_name": lead["last_name"]}
    told = {name: lead[name] for name in ("email", "phone", "address", "owner", "source")}
    return {"name": lead["name"] or lead["email"] or lead["phone"], **names, **told}


def _came(change: Change[AutoLead]) -> bool:
    """Whether the lead is new, or came again, or can be reached now."""
    before = change.before
    return before is None or (before.email, before.phone) != (change.after.email, change.after.phone)


async def _units(batch: Batch, leads: list[Change[AutoLead]]) -> None:
    """The unit with the stock number, or the VIN, that the lead names, where one such is not sold."""
    asked = [c for c in leads if c.after.unit is None and (c.after.stock_number or c.after.vin)]
    if not asked:
        return
    units = await batch.find(
        VehicleUnit,
        "stage in @param.unsold and (stock_number in @param.numbers or vehicle.vin in @param.vins)",
        unsold=list(UNSOLD),
        numbers=sorted({change.after.stock_number or "" for change in asked}),
        vins=sorted({change.after.vin or "" for change in asked}),
        limit=EVERY,
    )
    vehicles = await batch.find("vehicle", "id in @param.ids", ids=sorted({unit.vehicle for unit in units}) or [""])
    vin_of = {vehicle.id: vehicle.vin for vehicle in vehicles}
    by_number = {unit.stock_number: unit.id for unit in units}
    by_vin = {vin_of.get(unit.vehicle): unit.id for unit in units}
    for change in asked:
        after = change.after
        found = by_number.get(after.stock_number) or (by_vin.get(after.vin) if after.vin else None)
        if found is not None:
            change.amend(unit=found)


async def _trade_ins(batch: Batch, leads: list[Change[AutoLead]]) -> None:
    """Each vehicle that the message gives in part payment; sent again it is the same one, known by VIN or by place."""
    told = {c.after.id: _given(c.after) for c in leads if _message_differs(c)}
    told = {id: vehicles for id, vehicles in told.items() if vehicles}
    if not told:
        return
    stored = await batch.find(TradeIn, "lead in @param.ids", ids=sorted(told), limit=EVERY)
    known = {(t.lead, key): t.id for t in stored for key in (t.vin, t.external_key) if key}
    contacts = {change.after.id: change.after.contact for change in leads}
    causes = {change.after.id: change for change in leads}
    for lead, vehicles in told.items():
        for number, vehicle in enumerate(vehicles, start=1):
            key = f"{lead}#{number}"
            id = known.get((lead, vehicle.get("vin", ""))) or known.get((lead, key))
            values = {name: vehicle[name] for name in TRADE_IN_FIELDS if name in vehicle}
            if id is None:
                begun = {"lead": lead, "contact": contacts[lead], "external_key": key, "owner": None}
                batch.add(Change.create(TradeIn, values | begun), cause=causes[lead], pointer="/message")
            else:
                batch.add(Change.update(TradeIn, id, values), cause=causes[lead], pointer="/message")


def _message_differs(change: Change[AutoLead]) -> bool:
    return change.before is None or change.before.message != change.after.message


def _given(lead: AutoLead) -> list[dict[str, Any]]:
    told = (lead.message or {}).get("trade_ins")
    vehicles = cast("list[Any]", told) if isinstance(told, list) else []
    return [cast("dict[str, Any]", vehicle) for vehicle in vehicles if isinstance(vehicle, dict)][:MOST_TRADE_INS]
