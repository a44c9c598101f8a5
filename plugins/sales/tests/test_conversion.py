"""Leads become companies, contacts and deals: once, whole or not at all, in every channel."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_kernel import Change, Error

from .conftest import NOW, eur, faults

ANNA = {
    "first_name": "Anna",
    "last_name": "Kalniņa",
    "email": "anna@example.com",
    "phone": "26123456",
    "company_name": "SIA Ābele",
    "vat_number": "LV 4000-300",
    "source": "fair",
}


async def test_a_qualified_lead_is_a_company_a_contact_and_a_deal(office: Any) -> None:
    product = await office.create("product", code="GTX", name="GTX", price=eur(550))
    lead = await office.lead(**ANNA, wants_deal=True, interest="GTX", product=product["id"], budget=eur("1200.50"))
    assert lead["name"] == "Anna Kalniņa"
    assert await office.counts() == (0, 0, 0)
    (lead,) = await office.qualify(lead)
    company, contact, deal = [await office.crm.get(e, lead[e]) for e in ("company", "contact", "deal")]
    assert (company["name"], company["vat_number"], company["source"]) == ("SIA Ābele", "LV4000300", "fair")
    assert (contact["name"], contact["phone"], contact["company"]) == ("Anna Kalniņa", "+37126123456", company["id"])
    assert (deal["name"], deal["amount"]["amount"]) == ("SIA Ābele: GTX", Decimal("1200.50"))
    assert (deal["company"], deal["contact"], deal["product"]) == (company["id"], contact["id"], product["id"])
    assert deal["stage"] == "Prospecting"
    assert lead["converted_at"] == NOW.isoformat().replace("+00:00", "Z")
    assert lead["stage"] == "qualified"


async def test_a_deal_only_where_asked_and_a_person_without_a_company(office: Any) -> None:
    (lead,) = await office.qualify(await office.lead(name="Anna", email="anna@example.com"))
    assert (lead["company"], lead["deal"]) == (None, None)
    assert await office.counts() == (0, 1, 0)
    (lead,) = await office.qualify(await office.lead(company_name="Ābele"))
    assert lead["contact"] is None
    assert await office.counts() == (1, 1, 0)


async def test_what_belongs_to_whom(office: Any) -> None:
    team = await office.create("team", name="North")
    owner = await office.create("user", login="janis", name="Jānis", team=team["id"])
    (lead,) = await office.qualify(await office.lead(**ANNA, wants_deal=True, owner=owner["id"], team=team["id"]))
    for entity in ("company", "contact", "deal"):
        record = await office.crm.get(entity, lead[entity])
        assert (record["owner"], record["team"]) == (owner["id"], team["id"])


@pytest.mark.parametrize(
    ("known", "lead"),
    [
        ({"name": "SIA «Abele»"}, {"company_name": "sia ābele"}),
        ({"name": "Other", "vat_number": "LV4000300"}, {"company_name": "X", "vat_number": "lv 4000-300"}),
        ({"name": "X", "vat_number": "LV 4000300"}, {"company_name": "X"}),
        ({"name": "X"}, {"company_name": "X", "vat_number": "LV1"}),
    ],
)
async def test_a_known_company_is_found(office: Any, known: dict[str, Any], lead: dict[str, Any]) -> None:
    company = await office.create("company", **known)
    (found,) = await office.qualify(await office.lead(**lead))
    assert found["company"] == company["id"]


@pytest.mark.parametrize(
    ("known", "lead"),
    [
        ({"name": "Ābeles"}, {"company_name": "Ābele"}),
        ({"name": "X", "vat_number": "LV1"}, {"company_name": "X", "vat_number": "LV2"}),
    ],
)
async def test_another_company_is_another(office: Any, known: dict[str, Any], lead: dict[str, Any]) -> None:
    company = await office.create("company", **known)
    (found,) = await office.qualify(await office.lead(**lead))
    assert found["company"] not in (None, company["id"])


@pytest.mark.parametrize(
    ("known", "same"),
    [
        ({"name": "A. K.", "email": "ANNA@example.com"}, True),
        ({"name": "A. K.", "phone": "+371 26 123 456"}, True),
        ({"name": "anna kalnina", "company": True}, True),
        ({"name": "Anna Kalniņa"}, False),
        ({"name": "Anna Kalniņa-Ozola", "company": True}, False),
    ],
)
async def test_a_known_contact_is_found(office: Any, known: dict[str, Any], same: bool) -> None:
    company = await office.create("company", name="SIA Ābele")
    known = {**known, "company": company["id"]} if "company" in known else known
    contact = await office.create("contact", **known)
    (lead,) = await office.qualify(await office.lead(**ANNA))
    assert (lead["contact"] == contact["id"]) is same


async def test_what_the_lead_names_already_is_kept(office: Any) -> None:
    company = await office.create("company", name="Chosen")
    (lead,) = await office.qualify(await office.lead(**ANNA, company=company["id"]))
    assert lead["company"] == company["id"]
    assert (await office.crm.get("contact", lead["contact"]))["company"] == company["id"]


async def test_reopening_keeps_the_links_and_converts_no_second_time(office: Any) -> None:
    (lead,) = await office.qualify(await office.lead(**ANNA, wants_deal=True))
    reopened = await office.move(lead, "working", entity="lead")
    assert [reopened[n] for n in ("company", "contact", "deal", "converted_at")] == [
        lead[n] for n in ("company", "contact", "deal", "converted_at")
    ]
    office.crm.clock.set(NOW.replace(year=2027))
    (again,) = await office.qualify(reopened)
    assert again["converted_at"] == lead["converted_at"]
    assert await office.counts() == (1, 1, 1)


async def test_a_fault_in_the_deal_refuses_all_and_says_where(office: Any) -> None:
    await office.crm.put(
        {
            "kind": "fields",
            "name": "deal-rule",
            "entity": "deal",
            "schema": {"properties": {"region": {"type": "string"}}, "required": ["region"]},
        }
    )
    lead = await office.lead(**ANNA, wants_deal=True)
    with pytest.raises(Error) as refused:
        await office.qualify(lead)
    assert faults(refused) == [("/deal/region", "required")]
    assert await office.counts() == (0, 0, 0)
    assert (await office.crm.get("lead", lead["id"]))["stage"] == "new"


async def test_in_a_batch_that_is_not_atomic_only_the_faulty_lead_stays(office: Any) -> None:
    await office.crm.put(
        {
            "kind": "fields",
            "name": "deal-rule",
            "entity": "deal",
            "schema": {
                "if": {"properties": {"source": {"const": "fair"}}, "required": ["source"]},
                "then": {"required": ["next_step"]},
            },
        }
    )
    leads = [await office.lead(name=f"P{n}", company_name=f"C{n}", wants_deal=True) for n in range(3)]
    leads[1] = await office.update("lead", leads[1], source="fair")
    moves = [Change.move("lead", lead["id"], "qualified") for lead in leads]
    outcomes = await office.crm.kernel.writer.write(moves, office.crm.kernel.system("import"), atomic=False)
    assert [o.outcome for o in outcomes] == ["moved", "failed", "moved"]
    assert [(f.row, f.pointer) for f in outcomes[1].error.faults] == [(2, "/deal/next_step")]
    assert await office.counts() == (2, 2, 2)


@pytest.mark.parametrize("way", ["update", "create", "upsert", "move"])
async def test_every_way_to_the_stage_converts(office: Any, way: str) -> None:
    if way == "create":
        lead = await office.lead(**ANNA, stage="qualified")
    else:
        lead = await office.lead(**ANNA)
        match way:
            case "update":
                change = Change.update("lead", lead["id"], stage="qualified")
            case "upsert":
                change = Change.upsert("lead", ("email",), {"email": ANNA["email"], "stage": "qualified"})
            case _:
                change = Change.move("lead", lead["id"], "qualified")
        (lead,) = await office.crm.write([change])
    assert lead["contact"] is not None
    assert await office.counts() == (1, 1, 0)


async def test_of_two_that_convert_at_once_one_creates_the_company(office: Any) -> None:
    leads = [
        await office.lead(name=f"P{n}", company_name="Ābele" if n % 2 else "SIA ABELE", vat_number="LV1")
        for n in range(6)
    ]
    await asyncio.gather(*(office.qualify(lead) for lead in leads))
    assert await office.counts() == (1, 6, 0)


async def test_a_rep_converts_and_finds_whom_he_may_not_see(office: Any) -> None:
    hidden = await office.create("contact", name="Anna", email="anna@example.com")
    rep = await office.crm.user("janis", "sales_rep")
    mine = office.crm.acting(rep)
    (lead,) = await mine.write([Change.create("lead", {**ANNA, "wants_deal": True})])
    moved = await mine.move("lead", lead["id"], "qualified")
    assert moved["contact"] == hidden["id"]
    assert await mine.count("contact") == 0
    assert (await mine.get("deal", moved["deal"]))["owner"] == rep.id
    with pytest.raises(Error) as refused:
        await mine.write([Change.update("lead", lead["id"], converted_at=None)])
    assert faults(refused) == [("/converted_at", "read_only")]


async def test_a_converted_lead_is_not_deleted(office: Any) -> None:
    boss = office.crm.acting(await office.crm.user("boss", "admin"))
    lead = await office.lead(**ANNA)
    await office.qualify(lead)
    with pytest.raises(Error) as refused:
        await boss.write([Change.delete("lead", lead["id"])])
    assert refused.value.status == 403


LEADS = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(["Anna", "ANNA", "Ilze"]),
            "email": st.sampled_from([None, "a@example.com", "A@example.com", "i@example.com"]),
            "phone": st.sampled_from([None, "26123456", "+371 26123456", "26123457"]),
            "company_name": st.sampled_from([None, "Ābele", "abele", "Bērzs"]),
            "vat_number": st.sampled_from([None, "LV1", "lv-1", "LV2"]),
        }
    ),
    min_size=2,
    max_size=8,
)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(leads=LEADS)
async def test_one_batch_finds_the_same_duplicates_as_one_after_another(
    office: Any, leads: list[dict[str, Any]]
) -> None:
    """The law of conversion: how leads are grouped into batches makes no difference to who is whom."""
    grouped = []
    for at_once in (False, True):
        stored = [await office.lead(**lead) for lead in leads]
        if at_once:
            converted = await office.qualify(*stored)
        else:
            converted = [(await office.qualify(lead))[0] for lead in stored]
        grouped.append([partition([lead[entity] for lead in converted]) for entity in ("company", "contact")])
        for entity in ("lead", "contact", "company"):
            found = await office.crm.find(entity, limit=1000)
            await office.crm.write([Change.purge(entity, record["id"]) for record in found])
    assert grouped[0] == grouped[1]


def partition(ids: list[str | None]) -> list[int | None]:
    """For each place the first place with the same id."""
    return [None if id is None else ids.index(id) for id in ids]
