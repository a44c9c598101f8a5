"""What is wrong with values is said in the language of whoever sent them, with the labels of the fields in it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import crm_kernel
from crm_kernel import Change, Error
from crm_kernel.schema.languages import ENGLISH, LANGUAGES, language_of
from crm_kernel.schema.value_languages import VALUE_LANGUAGES
from crm_kernel.testing import TestCrm

LABELS = {
    "budget": {"lv": "Budžets", "pl": "Budżet", "kk": "Бюджет көлемі", "ru": "Бюджет"},
    "bank": {"lv": "Banka", "pl": "Bank", "kk": "Банк", "ru": "Банк"},
    "how": {"lv": "Pirkuma veids", "pl": "Rodzaj zakupu", "kk": "Сатып алу түрі", "ru": "Вид покупки"},
    "fee": {"lv": "Maksa", "pl": "Opłata", "kk": "Төлем", "ru": "Плата"},
    "code": {"lv": "Kods", "pl": "Kod", "kk": "Код", "ru": "Код"},
}


def field(name: str, **schema: Any) -> dict[str, Any]:
    crm = {"labels": LABELS[name], **schema.pop("x-crm", {})}
    return {"title": name.capitalize(), **schema, "x-crm": crm}


BUYER = {
    "kind": "entity",
    "name": "buyer",
    "schema": {
        "properties": {
            "budget": field("budget", type="number", minimum=0),
            "bank": field("bank", type="string"),
            "how": field("how", enum=["cash", "loan"]),
            "fee": field("fee", **{"x-crm": {"decimal": 2}}),
            "code": field("code", type="string", **{"x-crm": {"unique": True}}),
            "worth": {"x-crm": {"money": True}},
            "call": {"type": "string", "x-crm": {"phone": True}},
            "friend": {"type": "string", "x-crm": {"reference": "buyer"}},
        },
        "if": {"properties": {"how": {"const": "loan"}}, "required": ["how"]},
        "then": {"required": ["bank"]},
    },
}
ROLE = {"kind": "role", "name": "agent", "grants": [{"entity": "buyer", "actions": ["read", "create", "update"]}]}

SAID = {
    "en": [
        ("/bank", "required", "Bank is required."),
        ("/budget", "minimum", "Budget must be at least 0, got -5.0."),
        ("/fee", "scale", "Fee: At most 2 decimals, got 1.555."),
    ],
    "lv": [
        ("/bank", "required", "Banka: obligāti jāaizpilda."),
        ("/budget", "minimum", "Budžets: jābūt vismaz 0, saņemts -5.0."),
        ("/fee", "scale", "Maksa: ne vairāk kā 2 cipari aiz komata, saņemts 1.555."),
    ],
    "pl-PL": [
        ("/bank", "required", "Bank: pole jest wymagane."),
        ("/budget", "minimum", "Budżet: wartość musi wynosić co najmniej 0, otrzymano -5.0."),
        ("/fee", "scale", "Opłata: najwyżej 2 miejsc po przecinku, otrzymano 1.555."),
    ],
    "kk": [
        ("/bank", "required", "Банк: міндетті түрде толтырылуы керек."),
        ("/budget", "minimum", "Бюджет көлемі: мәні кемінде 0 болуы керек, алынғаны -5.0."),
        ("/fee", "scale", "Төлем: үтірден кейін ең көбі 2 таңба болуы мүмкін, алынғаны 1.555."),
    ],
    "ru": [
        ("/bank", "required", "Банк: поле обязательно."),
        ("/budget", "minimum", "Бюджет: значение должно быть не меньше 0, получено -5.0."),
        ("/fee", "scale", "Плата: не больше 2 знаков после запятой, получено 1.555."),
    ],
    "fi": [
        ("/bank", "required", "Bank is required."),
        ("/budget", "minimum", "Budget must be at least 0, got -5.0."),
        ("/fee", "scale", "Fee: At most 2 decimals, got 1.555."),
    ],
}


TAKEN = {
    "en": "Code is taken by another record.",
    "lv": "Kods: šo vērtību jau izmanto cits ieraksts.",
    "pl-PL": "Kod: tę wartość ma już inny rekord.",
    "kk": "Код: бұл мән басқа жазбада бар.",
    "ru": "Код: это значение уже есть у другой записи.",
    "fi": "Code is taken by another record.",
}
ABSENT = "'01990000-0000-7000-8000-000000000000'"
MORE = {
    "en": {
        "/worth/amount": "Worth: EUR has 2 decimals, got 1.234.",
        "/worth/currency": "Worth: 'EURO' is no ISO 4217 currency: did you mean 'EUR'?",
        "/call": "Call: No telephone number of this form is assigned: '12'.",
        "/friend": f"Friend refers to buyer {ABSENT}, which is not there for you.",
        "exists": "There is a buyer with this code already.",
    },
    "lv": {
        "/worth/amount": "Worth: valūtai EUR ir ne vairāk kā 2 cipari aiz komata, saņemts 1.234.",
        "/worth/currency": "Worth: 'EURO' nav ISO 4217 valūta.",
        "/call": "Call: tālruņa numuri šādā formā netiek piešķirti: '12'.",
        "/friend": f"Friend: norāda uz ierakstu {ABSENT}, kas jums nav pieejams.",
        "exists": "Kods: ieraksts ar šo vērtību jau ir.",
    },
    "ru": {
        "/worth/amount": "Worth: у валюты EUR не больше 2 знаков после запятой, получено 1.234.",
        "/worth/currency": "Worth: 'EURO' не является валютой ISO 4217.",
        "/call": "Call: номера телефона такого вида не назначаются: '12'.",
        "/friend": f"Friend: ссылается на запись {ABSENT}, которая вам недоступна.",
        "exists": "Код: запись с этим значением уже есть.",
    },
}


@pytest.fixture
def crm_documents() -> Sequence[Mapping[str, Any]]:
    return [BUYER, ROLE]


@pytest.mark.contract("documents.md#errors-speak-labels")
@pytest.mark.parametrize("locale", SAID)
async def test_all_faults_are_told_in_the_language_of_the_caller(crm: TestCrm, locale: str) -> None:
    agent = crm.acting(await crm.user("anna", "agent", locale=locale))
    values = {"budget": -5, "how": "loan", "fee": 1.555}
    record = (await agent.write([Change.create("buyer", {"code": "A"})]))[0]
    for change in (Change.create("buyer", values), Change.update("buyer", record["id"], values)):
        with pytest.raises(Error) as caught:
            await agent.write([change])
        assert [(f.pointer, f.code, f.detail) for f in caught.value.faults] == SAID[locale]
    with pytest.raises(Error) as caught:
        await agent.write([Change.create("buyer", {"code": "A"}), Change.create("buyer", {"code": "A"})])
    assert {f.detail for f in caught.value.faults} == {TAKEN[locale]}


@pytest.mark.contract("documents.md#errors-speak-labels")
@pytest.mark.parametrize("locale", MORE)
async def test_so_is_what_field_types_and_the_write_door_find(crm: TestCrm, locale: str) -> None:
    agent = crm.acting(await crm.user("anna", "agent", locale=locale))
    absent = "01990000-0000-7000-8000-000000000000"
    worth = {"amount": "1.234", "currency": "EUR"}
    for values in ({"worth": worth, "call": "12", "friend": absent}, {"worth": {"amount": 1, "currency": "EURO"}}):
        with pytest.raises(Error) as caught:
            await agent.write([Change.create("buyer", values)])
        assert all(fault.told is None for fault in caught.value.faults)
        told = {fault.pointer: fault.detail for fault in caught.value.faults}
        assert told == {pointer: MORE[locale][pointer] for pointer in told}
        assert len(told) == len(values)
    await agent.write([Change.create("buyer", {"code": "A"})])
    with pytest.raises(Error) as caught:
        await agent.write([Change.upsert("buyer", ("code",), {"code": "A"}, found="refuse")])
    assert [fault.detail for fault in caught.value.faults] == [MORE[locale]["exists"]]


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)
def test_each_language_says_everything(language: Any) -> None:
    assert language.sentences.keys() == ENGLISH.sentences.keys()
    assert language.types.keys() == ENGLISH.types.keys()
    assert language.formats.keys() == ENGLISH.formats.keys()
    limits = {name for name, text in ENGLISH.sentences.items() if "{" in text}
    assert {name for name, text in language.sentences.items() if "{" in text} == limits


def test_each_language_says_what_field_types_find() -> None:
    source = Path(str(crm_kernel.__file__)).parent
    code = "\n".join(path.read_text("utf-8") for path in source.glob("*/*.py"))
    named = set(re.findall(r'(?:told=|Told\()"(\w+)"', code))
    assert {code: set(words) for code, words in VALUE_LANGUAGES.items()} == dict.fromkeys(
        LANGUAGES.keys() - {"en"}, named
    )
    for words in VALUE_LANGUAGES.values():
        shown = {name: set(re.findall(r"{(\w+)}", text)) for name, text in words.items()}
        assert shown == {n: set(re.findall(r"{(\w+)}", t)) for n, t in VALUE_LANGUAGES["lv"].items()}


def test_a_locale_has_the_language_it_begins_with() -> None:
    assert language_of("lv-LV") is LANGUAGES["lv"]
    assert language_of("de") is ENGLISH
