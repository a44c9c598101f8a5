"""A prospect becomes a lead: which of its values go into which field, and by what it is known again.

A lead is never lost over a detail. What does not fit its field (an address without @, a number that nobody can have) is
left out of it and kept among the extensions, and the whole prospect as it was read stays in `message`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from crm_kernel import Change, Crm, Error, Fault

from . import adf_model as adf
from . import vin
from .adf_text import AdfError
from .entities import AutoLead, TradeIn

MOST_PHONES = 20

_NUMBER = re.compile(r"\d[\d., '\u00a0\u202f]*")
_UNITS = {"km": "km", "kms": "km", "kilometers": "km", "kilometres": "km"} | dict.fromkeys(
    ("mi", "mile", "miles"), "mi"
)
_CODES = {"USA": "US", "CAN": "CA"}
"""What senders write beside ISO 3166-1 codes of two letters."""

_ASKED = ("quote", "offer", "asking", "call", "msrp")
"""Types of price, those that say most of what the customer was told first."""


def folded(prospects: Sequence[adf.Prospect]) -> list[adf.Prospect]:
    """The prospects of a message, each once: of two with one key the later counts."""
    return list({key_of(prospect) or prospect.path: prospect for prospect in prospects}.values())


def nobodys(prospect: adf.Prospect) -> Fault | None:
    """Why a prospect is no lead: there is nobody to answer."""
    person = prospect.customer
    if person.name or person.emails or person.phones:
        return None
    detail = "The prospect has no customer: neither a name nor an e-mail address nor a telephone number."
    return Fault(pointer=f"{prospect.path}/customer", code="required", detail=detail)


def refused(error: AdfError) -> Error:
    """A message that cannot be read, as a refusal."""
    faults = [Fault(pointer=pointer, code="format", detail=sentence) for pointer, sentence in error.faults]
    return Error("invalid", str(error), faults=faults, hint="Send ADF 1.0: <adf><prospect>…</prospect></adf>.")


async def lead_change(prospect: adf.Prospect, crm: Crm) -> Change[AutoLead]:
    """The change that a prospect asks for: a new lead, or the update of the one that came with the same id before.

    A resend without an id updates the latest lead of the same person and vehicle.
    """
    values = lead_values(prospect, crm)
    if prospect.is_resend:
        same = "fingerprint = @param.fingerprint"
        if key := values.get("external_key"):
            same = f"external_key = @param.key or ({same} and external_key is null)"
        found = await crm.find(
            AutoLead, same, sort="-created_at", limit=1, fingerprint=values["fingerprint"], key=key or ""
        )
        if found:
            return Change.update(AutoLead, found[0].id, values)
    return (
        Change.upsert(AutoLead, ("external_key",), values)
        if "external_key" in values
        else Change.create(AutoLead, values)
    )


def key_of(prospect: adf.Prospect) -> str | None:
    """What a sender knows a prospect by: its first id, and who gave it."""
    if not prospect.ids:
        return None
    first = min(prospect.ids, key=_sequence)
    return f"{first.source or prospect.provider.name or ''}:{first.value}"[:300]


def _sequence(id: adf.Id) -> int:
    return int(id.sequence) if id.sequence and re.fullmatch("[0-9]{1,9}", id.sequence) else 1


def fingerprint(prospect: adf.Prospect) -> str:
    """Person and vehicle in short: the same for a lead that is sent again, whenever and however spelt."""
    person, vehicle = prospect.customer, prospect.wanted
    numbers = [re.sub(r"\D", "", phone.value) for phone in person.phones]
    parts = [person.name, *person.emails[:1], *numbers[:1]]
    parts += [vehicle.year, vehicle.make, vehicle.model, vehicle.vin, vehicle.stock] if vehicle else []
    text = "\n".join(" ".join((part or "").split()).casefold() for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()


def lead_values(prospect: adf.Prospect, crm: Crm) -> dict[str, Any]:
    """The fields of a lead. What does not fit is among its `extensions`."""
    told = {name: value for name, value in _told(prospect).items() if value}
    fitting = crm.fit(AutoLead, told)
    extensions = [msgspec.to_builtins(extension) for extension in prospect.extensions]
    extensions += [
        {"path": f"lead/{name}", "text": str(value)} for name, value in told.items() if name not in fitting.values
    ]
    phones = phones_of(prospect.customer, crm)
    first = next((phone for phone in phones if phone["number"].startswith("+")), None)
    message = msgspec.to_builtins(msgspec.structs.replace(prospect, extensions=[]))
    message["trade_ins"] = [_trade_in(vehicle, crm) for vehicle in prospect.trade_ins]
    return fitting.values | {
        "fingerprint": fingerprint(prospect),
        "is_business": prospect.customer.is_business,
        **({"phone": first["number"]} if first else {}),
        **({"phones": phones} if phones else {}),
        **({"extensions": extensions} if extensions else {}),
        "message": message,
    }


def phones_of(person: adf.Person, crm: Crm) -> list[dict[str, Any]]:
    """The numbers, each once, the preferred first: in E.164 where they are such, else as they were written."""
    found: dict[str, dict[str, Any]] = {}
    for phone in sorted(person.phones, key=lambda phone: not phone.preferred):
        number = crm.fit(AutoLead, {"phone": phone.value}).values.get("phone", phone.value[:100])
        told = {"number": number, "type": phone.type, "time": phone.time, "preferred": phone.preferred or None}
        found.setdefault(number, {name: value for name, value in told.items() if value})
    return list(found.values())[:MOST_PHONES]


def _told(prospect: adf.Prospect) -> dict[str, Any]:
    person, vehicle, time = prospect.customer, prospect.wanted, prospect.timeframe
    interests = [told.interest for told in prospect.vehicles]
    prefers_phone = any(phone.preferred for phone in person.phones)
    return {
        "external_key": key_of(prospect),
        "requested_at": prospect.requested,
        "source": prospect.provider.name or next((id.source for id in prospect.ids if id.source), None),
        "service": prospect.provider.service,
        "name": person.name,
        "first_name": person.names.get("first"),
        "last_name": person.names.get("last"),
        "email": next(iter(person.emails), None),
        "preferred_contact": "email" if person.prefers_email else "phone" if prefers_phone else None,
        "address": _address(person.address),
        "country": country if len(country := _country(person.address)) > 2 else None,  # no field: it is kept
        "interest": vehicle.interest if vehicle else next(iter(interests), None),
        **(_vehicle(vehicle) if vehicle else {}),
        "timeframe": time.get("description"),
        "earliest_on": time.get("earliestdate", "")[:10],
        "latest_on": time.get("latestdate", "")[:10],
        "comments": prospect.comments,
        "vendor": prospect.vendor.name,
    }


def _vehicle(vehicle: adf.Vehicle) -> dict[str, Any]:
    price = min(vehicle.prices, key=lambda p: _ASKED.index(p.type) if p.type in _ASKED else 0, default=None)
    sums = {amount.type: amount for amount in reversed(vehicle.finance)}
    return {
        "vehicle_status": vehicle.status,
        **described(vehicle),
        "body": vehicle.body,
        "stock_number": vehicle.stock,
        "price": price and money(price),
        "finance_method": vehicle.finance_method,
        "down_payment": money(sums["downpayment"]) if "downpayment" in sums else None,
        "monthly_payment": money(sums["monthly"]) if "monthly" in sums else None,
    }


def described(vehicle: adf.Vehicle) -> dict[str, Any]:
    """What leads and trade-ins both tell of a vehicle."""
    return {
        "model_year": vehicle.year,
        "make": vehicle.make,
        "model": vehicle.model,
        "trim": vehicle.trim,
        "vin": vehicle.vin and vin.normal(vehicle.vin),
        "odometer": vehicle.odometer and (whole(vehicle.odometer) or vehicle.odometer),
        "odometer_unit": _UNITS.get((vehicle.odometer_units or "").lower(), vehicle.odometer_units),
    }


def _trade_in(vehicle: adf.Vehicle, crm: Crm) -> dict[str, Any]:
    """The fields of a trade-in that fit; the whole of it is in the message. What is still owed on it is its balance."""
    told = described(vehicle) | {"condition": vehicle.condition, "comments": vehicle.comments}
    told["payoff"] = vehicle.balance and money(vehicle.balance)
    values = crm.fit(TradeIn, {name: value for name, value in told.items() if value}).values
    if payoff := values.get("payoff"):
        values["payoff"] = payoff | {"amount": str(payoff["amount"])}
    return values


def _address(told: Mapping[str, str]) -> dict[str, str]:
    names = {"regioncode": "region", "postalcode": "postal_code"}
    address = {names.get(name, name): value for name, value in told.items() if name != "country"}
    code = _country(told)
    return address | ({"country": code} if len(code) == 2 else {})


def _country(told: Mapping[str, str]) -> str:
    """The country as its code of two letters, or as it was written."""
    country = told.get("country", "").upper()
    return _CODES.get(country, country)


def whole(text: str) -> str | None:
    """The whole number that a reading begins with: `95,000`, `95 000 km`, `12.345,6`; None where there is none."""
    number = decimal(text)
    return None if number is None else number.partition(".")[0]


def money(amount: adf.Amount) -> str:
    """An amount as cells of a CSV file have it: `CAD 59999.99`; without currency where none is told."""
    currency = (amount.currency or "").strip().upper()
    number = decimal(amount.value) or amount.value
    return f"{currency} {number}".strip()


def decimal(text: str) -> str | None:
    """The number in a text, however its thousands and decimals are parted: `$26,995`, `1.460,99 €`, `26 995`.

    One sign before three digits parts thousands, any other the decimals, of which two are kept.
    """
    found = _NUMBER.search(text)
    if found is None or text.strip().startswith("-"):
        return None
    digits = re.sub(r"[^\d.,]", "", found[0]).rstrip(".,")
    signs = [sign for sign in digits if sign in ".,"]
    parted, _, rest = digits.rpartition(signs[-1]) if signs else ("", "", digits)
    thousands = len(rest) == 3 and len(set(signs)) == 1
    if not signs or thousands or signs.count(signs[-1]) > 1:
        return re.sub(r"[.,]", "", digits)
    return f"{re.sub('[.,]', '', parted)}.{rest[:2]}"
