"""Conversion: a lead that becomes qualified turns into a company, a contact and, where asked, a deal.

It happens inside the write that moves the lead, whoever moves it, so it is done wholly or not at all.
"""

from __future__ import annotations

from typing import Any

from crm_kernel import Batch, Change
from crm_kernel.base import Company, Contact

from . import domain
from .domain import Party
from .entities import Deal, Lead

EVERY = 100_000
"""A limit that no name reaches: a look-up that saw only some would be none."""


async def convert(batch: Batch) -> None:
    """Convert the leads that become qualified by these changes and were not converted before."""
    leads = [change for change in batch.of(Lead) if _is_due(batch, change)]
    await _companies(batch, [lead for lead in leads if lead.after.company is None])
    await _contacts(batch, [lead for lead in leads if lead.after.contact is None])
    for lead in leads:
        _finish(batch, lead)


def _is_due(batch: Batch, change: Change[Lead]) -> bool:
    if change.kind in ("delete", "purge", "restore") or change.after.converted_at is not None:
        return False
    stage, before = batch.stage(change), change.before
    moved = before is None or before.stage != change.after.stage
    return moved and stage is not None and stage.type == "won"


# ---- companies ------------------------------------------------------------------------------------------------------
async def _companies(batch: Batch, leads: list[Change[Lead]]) -> None:
    """Each lead's company: one that is there, one that a lead before it created, or a new one."""
    wanted = [(lead, _company_of(lead.after)) for lead in leads]
    wanted = [(lead, party) for lead, party in wanted if party.name or party.vat]
    if not wanted:
        return
    await batch.lock(*sorted({key for _, party in wanted for key in domain.keys_of_company(party)}))
    known = await _known_companies(batch, [party for _, party in wanted])
    for lead, party in wanted:
        found = domain.same_company(party, known)
        if found is None:
            after = lead.after
            found = _add(batch, lead, "/company", party, Company, _company_values(after))
            known.append(found)
        lead.amend(company=found.id)


def _company_of(lead: Lead) -> Party:
    return Party("", name=lead.company_name or lead.vat_number, vat=lead.vat_number)


def _company_values(lead: Lead) -> dict[str, Any]:
    return {"name": lead.company_name or lead.vat_number, "vat_number": lead.vat_number, **_whose(lead)}


async def _known_companies(batch: Batch, wanted: list[Party]) -> list[Party]:
    """Those that may be one of the wanted, the oldest first."""
    numbers = sorted({number for p in wanted if p.vat for number in (p.vat, domain.vat(p.vat))})
    found = await _find(batch, "company", "vat_number in @param.numbers", numbers=numbers) if numbers else []
    for name in sorted({domain.folded(p.name or "") for p in wanted} - {""}):
        found += await _find(batch, "company", q=name)
    return [Party(c["id"], name=c["name"], vat=c["vat_number"]) for c in _oldest_first(found)]


# ---- contacts -------------------------------------------------------------------------------------------------------
async def _contacts(batch: Batch, leads: list[Change[Lead]]) -> None:
    """Each lead's contact, where it names a person or says how to reach one."""
    wanted = [(lead, _contact_of(lead.after)) for lead in leads]
    wanted = [(lead, party) for lead, party in wanted if party.name]
    if not wanted:
        return
    await batch.lock(*sorted({key for _, party in wanted for key in domain.keys_of_contact(party)}))
    known = await _known_contacts(batch, [party for _, party in wanted])
    for lead, party in wanted:
        found = domain.same_contact(party, known)
        if found is None:
            found = _add(batch, lead, "/contact", party, Contact, _contact_values(lead.after, party))
            known.append(found)
        lead.amend(contact=found.id)


def _contact_of(lead: Lead) -> Party:
    formed = " ".join(part for part in (lead.first_name, lead.last_name) if part)
    name = lead.name or formed or lead.email or lead.phone
    return Party("", name=name, email=lead.email, phone=lead.phone, within=lead.company)


def _contact_values(lead: Lead, party: Party) -> dict[str, Any]:
    own = ("first_name", "last_name", "email", "phone", "job_title", "company")
    return {"name": party.name, **{name: lead[name] for name in own}, **_whose(lead)}


async def _known_contacts(batch: Batch, wanted: list[Party]) -> list[Party]:
    """Those that may be one of the wanted, the oldest first."""
    phones = sorted({p.phone for p in wanted if p.phone})
    found = await _find(batch, "contact", "phone in @param.phones", phones=phones) if phones else []
    for mail in sorted({p.email.casefold() for p in wanted if p.email}):
        found += await _find(batch, "contact", q=mail)  # what stands before the @ is kept as sent: a search finds it
    for company, name in sorted({(p.within, domain.folded(p.name or "")) for p in wanted if p.within}):
        if name:
            found += await _find(batch, "contact", "company = @param.company", q=name, company=company)
    return [
        Party(c["id"], name=c["name"], email=c["email"], phone=c["phone"], within=c["company"])
        for c in _oldest_first(found)
    ]


# ---- the deal, and the lead itself ----------------------------------------------------------------------------------
def _finish(batch: Batch, lead: Change[Lead]) -> None:
    after = lead.after
    if after.company is None and after.contact is None:
        return
    if after.wants_deal and after.deal is None:
        deal = Change.create(Deal, _deal_values(after))
        batch.add(deal, cause=lead, pointer="/deal")
        lead.amend(deal=deal.id)
    lead.amend(converted_at=batch.now())


def _deal_values(lead: Lead) -> dict[str, Any]:
    who = lead.company_name or lead.name or lead.email or lead.phone
    same = ("company", "contact", "product", "campaign")
    values = {**{name: lead[name] for name in same}, "amount": lead["budget"], **_whose(lead)}
    return {"name": f"{who}: {lead.interest}"[:200] if lead.interest else who, **values}


def _whose(lead: Lead) -> dict[str, Any]:
    return {name: lead[name] for name in ("source", "owner", "team")}


# ---- helpers --------------------------------------------------------------------------------------------------------
def _add(
    batch: Batch, lead: Change[Lead], pointer: str, party: Party, entity: type[Any], values: dict[str, Any]
) -> Party:
    change = Change.create(entity, values)
    batch.add(change, cause=lead, pointer=pointer)
    return party._replace(id=str(change.id))


async def _find(batch: Batch, entity: str, filter: str | None = None, **asked: Any) -> list[Any]:
    """Live records: with the rights of the system, as who does not see somebody's contact must not create it a second
    time."""
    return list(await batch.find(entity, filter, limit=EVERY, **asked))


def _oldest_first(found: list[Any]) -> list[Any]:
    return sorted({record["id"]: record for record in found}.values(), key=lambda r: (r["created_at"], r["id"]))
