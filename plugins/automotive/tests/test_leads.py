"""Leads through importer, route and form: what they are known by again, and what they bring along."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from crm_kernel.api.app import create_app

from .samples import FULL, minimal, several

ID = '<id sequence="1" source="Portal">{}</id>'


class Desk:
    """The application over HTTP: `feed` is a provider's token, `janis` sells, `maris` mends."""

    def __init__(self, dealer: Any, client: httpx.AsyncClient, tokens: dict[str, str]) -> None:
        self.dealer = dealer
        self.client = client
        self._tokens = tokens

    async def post(self, body: str | bytes, who: str | None = "feed", **headers: str) -> httpx.Response:
        if who is not None:
            headers["Authorization"] = f"Bearer {self._tokens[who]}"
        sent = {"Content-Type": "application/xml", **headers}
        return await self.client.post("/api/x/automotive/adf", content=body, headers=sent)

    async def outcomes(self, body: str) -> list[str]:
        answer = await self.post(body)
        assert answer.is_success, answer.text
        return [lead["outcome"] for lead in answer.json()["leads"]]


@pytest_asyncio.fixture
async def desk(dealer: Any) -> AsyncIterator[Desk]:
    kernel, tokens = dealer.crm.kernel, {}
    for login, role in (("feed", "lead_feed"), ("janis", "car_sales"), ("maris", "workshop")):
        await kernel.identity.add_user(login, roles=[role])
        _, tokens[login] = await kernel.identity.create_token(login, "test")
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=create_app(kernel)), base_url="http://crm"
    ) as client:
        yield Desk(dealer, client, tokens)


async def imported(dealer: Any, file: Path) -> Any:
    kernel = dealer.crm.kernel
    return await kernel.imports.run("auto_lead", file, None, caller=kernel.system("import"))


async def test_a_full_lead(desk: Desk) -> None:
    crm = desk.dealer.crm
    unit = await desk.dealer.unit(price={"amount": 42_990, "currency": "EUR"})
    answer = await desk.post(FULL)
    (told,) = answer.json()["leads"]
    assert (answer.status_code, told["outcome"]) == (201, "created")
    lead = await crm.get("auto_lead", told["id"])
    expected = {
        "stage": "new", "number": "A-000001", "external_key": "AutoPortāls:77-A",
        "source": "AutoPortāls", "service": "Jaunie auto",
        "requested_at": "2026-02-27T08:15:00Z", "name": "Jānis Bērziņš", "first_name": "Jānis", "last_name": "Bērziņš",
        "email": "Janis.Berzins@example.com", "phone": "+37126123456", "preferred_contact": "phone",
        "interest": "test-drive", "vehicle_status": "new", "model_year": 2026, "make": "Volvo", "model": "EX30",
        "trim": "Ultra", "stock_number": "S-00001", "unit": unit["id"], "earliest_on": "2026-03-05", "latest_on": None,
        "timeframe": "Šomēnes", "finance_method": "lease", "vendor": "Baltic Motors", "owner": None,
        "comments": "Vai var izmēģināt sestdien?",
    }  # fmt: skip
    assert {name: lead[name] for name in expected} == expected
    assert [lead[name]["amount"] for name in ("price", "down_payment", "monthly_payment")] == [
        42990,
        5000,
        Decimal("499.9"),
    ]
    assert lead["phones"] == [
        {"number": "+37126123456", "type": "cellphone", "time": "evening", "preferred": True},
        {"number": "67 12-34", "type": "voice"},
    ]
    kept = {extension["path"]: extension for extension in lead["extensions"]}
    assert set(kept) == {"customer/contact/loyalty", "provider/campaign", "lead/country"}
    assert kept["lead/country"]["text"] == "LATVIJA"
    assert lead["address"] == {
        "street": "Brīvības iela 1",
        "street2": "k-2, 5",
        "city": "Rīga",
        "postal_code": "LV-1010",
    }
    contact = await crm.get("contact", lead["contact"])
    assert (contact["name"], contact["email"], contact["owner"]) == ("Jānis Bērziņš", "Janis.Berzins@example.com", None)
    (trade_in,) = await crm.find("trade_in")
    expected = {"vin": "TMBZZZ5E0G0123456", "make": "Škoda", "model": "Octavia", "model_year": 2016, "odometer": 95_400,
                "odometer_unit": "mi", "condition": "good", "comments": "Viens īpašnieks", "lead": lead["id"],
                "contact": contact["id"], "stage": "requested"}  # fmt: skip
    assert {name: trade_in[name] for name in expected} == expected
    assert trade_in["payoff"] == {"amount": Decimal("4200.50"), "currency": "EUR"}
    assert trade_in["vin_note"] is not None


async def test_the_same_id_is_the_same_lead(desk: Desk) -> None:
    crm = desk.dealer.crm
    assert await desk.outcomes(FULL) == ["created"]
    again = FULL.replace("EX30", "EX90").replace("95,400", "96 000")
    answer = await desk.post(again)
    assert (answer.status_code, answer.json()["leads"][0]["outcome"]) == (200, "updated")
    (lead,) = await crm.find("auto_lead")
    (trade_in,) = await crm.find("trade_in")
    assert (lead["model"], trade_in["odometer"], await crm.count("contact")) == ("EX90", 96_000, 1)
    taken = await desk.dealer.update("auto_lead", lead, owner=(await crm.find("user", "login = 'janis'"))[0]["id"])
    await desk.dealer.move("auto_lead", taken, "working")
    await desk.post(FULL)
    (lead,) = await crm.find("auto_lead")
    assert (lead["owner"], lead["stage"], lead["model"]) == (taken["owner"], "working", "EX30")
    other = FULL.replace('source="AutoPortāls">77-A', 'source="Other">77-A')
    assert await desk.outcomes(other) == ["created"]
    assert await crm.count("contact") == 1


async def test_a_resend_without_an_id(desk: Desk) -> None:
    first, second = minimal(), minimal(name="Juris", reach="<phone>26111222</phone>")
    assert await desk.outcomes(first) == ["created"]
    assert await desk.outcomes(second) == ["created"]
    assert await desk.outcomes(minimal(name=" ANNA ", status=' status="resend"')) == ["updated"]
    assert await desk.outcomes(first) == ["created"]  # new, and it says so
    assert await desk.outcomes(minimal(model="EV9", status=' status="resend"')) == ["created"]  # never came before
    identified = minimal(model="EV9", status=' status="resend"', id=ID.format(5))
    assert await desk.outcomes(identified) == ["updated"]
    assert await desk.outcomes(minimal(name="Other", id=ID.format(5))) == ["updated"]
    assert await desk.dealer.crm.count("auto_lead") == 4


async def test_the_same_lead_many_times_at_once_is_one(desk: Desk) -> None:
    message = minimal(id=ID.format(9))
    answers = await asyncio.gather(*(desk.post(message) for _ in range(8)))
    assert {answer.status_code for answer in answers} <= {200, 201}
    assert len({answer.json()["leads"][0]["id"] for answer in answers}) == 1
    assert (await desk.dealer.crm.count("auto_lead"), await desk.dealer.crm.count("contact")) == (1, 1)


async def test_a_message_is_taken_whole_or_refused_with_all_that_is_wrong(desk: Desk) -> None:
    nobody = minimal(name="", reach="")
    answer = await desk.post(several(nobody, minimal(), nobody))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert [e["pointer"] for e in answer.json()["errors"]] == ["/adf/prospect/1/customer", "/adf/prospect/3/customer"]
    assert await desk.dealer.crm.count("auto_lead") == 0
    answer = await desk.post(
        several(minimal("Anna", id=ID.format(1)), minimal("Juris"), minimal("Ieva", id=ID.format(1)))
    )
    assert [lead["outcome"] for lead in answer.json()["leads"]] == ["created", "created"]
    assert sorted(lead["name"] for lead in await desk.dealer.crm.find("auto_lead")) == ["Ieva", "Juris"]


@pytest.mark.parametrize(
    "body",
    ['<!DOCTYPE adf [<!ENTITY x SYSTEM "file:///etc/passwd">]><adf>&x;</adf>', "<adf>" + "<a>" * 9999, "", "{}", "\0"],
)
async def test_what_is_no_lead_is_refused(desk: Desk, body: str) -> None:
    answer = await desk.post(body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert answer.json()["detail"].endswith(".")


async def test_who_may_send(desk: Desk) -> None:
    assert (await desk.post(minimal(), None)).status_code == 401
    assert (await desk.post(minimal(), "maris")).status_code == 404  # for the workshop there are no leads
    assert (await desk.post(minimal(), "janis")).status_code == 201
    assert (await desk.post(minimal(), "feed")).status_code == 201
    headers = {"Authorization": f"Bearer {desk._tokens['feed']}"}
    (lead, *_) = (await desk.client.get("/api/records/auto_lead", headers=headers)).json()["items"]
    assert "name" not in lead
    assert (await desk.client.get("/api/records/contact", headers=headers)).status_code == 404


async def test_a_mail_may_be_posted(desk: Desk) -> None:
    mail = f"From: a@example.com\nSubject: Lead\nContent-Type: text/plain; charset=utf-8\n\n{minimal()}"
    assert (await desk.post(mail, **{"Content-Type": "message/rfc822"})).status_code == 201


async def test_details_that_fit_no_field_lose_no_lead(desk: Desk) -> None:
    body = minimal(reach="<email>anna(at)example.com</email><phone>call me</phone>", model="M" * 300).replace(
        "<make>",
        "<year>next</year><vin>1GNDT13W5V2200000</vin><price currency='XXY'>5</price><odometer>no</odometer><make>",
    )
    assert (await desk.post(body)).status_code == 201
    (lead,) = await desk.dealer.crm.find("auto_lead")
    told = {extension["path"] for extension in lead["extensions"]}
    assert told == {"lead/email", "lead/model", "lead/model_year", "lead/price", "lead/odometer"}
    assert (lead["email"], lead["phone"], lead["contact"]) == (None, None, None)
    assert lead["phones"] == [{"number": "call me"}]
    assert lead["vin"] == "1GNDT13W5V2200000"
    assert lead["vin_note"] == "The check digit in place 9 is 5, it should be X."
    assert lead["message"]["vehicles"][0]["model"] == "M" * 300


async def test_a_lead_finds_its_contact(dealer: Any) -> None:
    """Whoever writes it, a form too: by address, else by number; of several a person chooses."""
    anna = await dealer.customer(email="anna@example.com", phone="+37126111222")
    twin, other = await dealer.customer("A", phone="+37126999888"), await dealer.customer("B", phone="+37126999888")
    by_mail = await dealer.create("auto_lead", name="Anna K.", email="anna@example.com", phone="+37126333444")
    by_phone = await dealer.create("auto_lead", name="Anna K.", phone="26111222")
    new = await dealer.create("auto_lead", name="Juris", email="juris@example.com", source="portal")
    unclear = await dealer.create("auto_lead", name="A or B", phone="26999888")
    nameless = await dealer.create("auto_lead", name="Nobody")
    assert (by_mail["contact"], by_phone["contact"]) == (anna["id"], anna["id"])
    made = await dealer.crm.get("contact", new["contact"])
    assert (made["name"], made["source"]) == ("Juris", "portal")
    assert (unclear["contact"], nameless["contact"]) == (None, None)
    assert twin["id"] != other["id"]
    rows = [{"create": {"values": {"name": "Ieva", "email": "ieva@example.com"}}} for _ in range(3)]
    assert len({lead["contact"] for lead in await dealer.crm.write(rows, entity="auto_lead")}) == 1


async def test_a_file_is_imported_by_register_importers(dealer: Any, tmp_path: Path) -> None:
    file = tmp_path / "leads.adf"
    file.write_text(
        several(
            minimal("Anna", id=ID.format(1)), minimal("", ""), minimal("Juris"), FULL[FULL.index("<adf>") :].strip()
        )
    )
    job = await imported(dealer, file)
    assert {name: job["counts"][name] for name in ("created", "refused")} == {"created": 3, "refused": 1}
    assert [(e["row"], e["pointer"]) for e in job["errors"]] == [(2, "/adf/prospect/2/customer")]
    assert await dealer.crm.count("trade_in") == 1
    file.write_text(minimal("Anna", id=ID.format(1), model="EV9"))
    job = await imported(dealer, file)
    assert (job["counts"]["updated"], job["counts"]["created"]) == (1, 0)


SAMPLES = {
    "activix-full-crm-extensions.xml": ("Test Activix 2", "+14382881008", "Volvo XC90 2020", 8),
    "adfcrate-full-with-extension.xml": ("John Doe", None, "Chevrolet Blazer 1997", 2),
    "sendadf-minimal-oneline.xml": ("John Doe", None, "Chevrolet Blazer 1999", 0),
    "sendadf-minimal-pretty.xml": ("John Doe", None, "Chevrolet Blazer 1999", 0),
    "sendadf-no-vendor.xml": ("John Doe", None, "Chevrolet Blazer 1999", 0),
    "spec-minimal-malformed-prolog.xml": ("John Doe", None, "Chevrolet Blazer 1999", 0),
}


async def test_the_samples_of_senders_become_leads(dealer: Any, shared_file: Callable[[str], Path]) -> None:
    for name, (who, phone, vehicle, extensions) in SAMPLES.items():
        job = await imported(dealer, shared_file(f"automotive/adf/{name}"))
        assert job["counts"]["created"] == 1, (name, job)
        (lead,) = await dealer.crm.find("auto_lead", sort="-number", limit=1)
        assert f"{lead['make']} {lead['model']} {lead['model_year']}" == vehicle
        assert (lead["name"], lead["phone"], len(lead["extensions"] or [])) == (who, phone, extensions)
        assert phone or lead["phones"][0]["number"] == "393-999-3922"  # no number that anybody can have
        assert lead["requested_at"] is not None
    assert await dealer.crm.count("trade_in") == 0
