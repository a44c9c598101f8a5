"""What is wrong with values is said in the language of whoever sent them, with the labels of the fields in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from crm_kernel import Change, Error
from crm_kernel.schema.languages import ENGLISH, LANGUAGES, language_of
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
        ("/fee", "scale", "Maksa: At most 2 decimals, got 1.555."),
    ],
    "pl-PL": [
        ("/bank", "required", "Bank: pole jest wymagane."),
        ("/budget", "minimum", "Budżet: wartość musi wynosić co najmniej 0, otrzymano -5.0."),
        ("/fee", "scale", "Opłata: At most 2 decimals, got 1.555."),
    ],
    "kk": [
        ("/bank", "required", "Банк: міндетті түрде толтырылуы керек."),
        ("/budget", "minimum", "Бюджет көлемі: мәні кемінде 0 болуы керек, алынғаны -5.0."),
        ("/fee", "scale", "Төлем: At most 2 decimals, got 1.555."),
    ],
    "ru": [
        ("/bank", "required", "Банк: поле обязательно."),
        ("/budget", "minimum", "Бюджет: значение должно быть не меньше 0, получено -5.0."),
        ("/fee", "scale", "Плата: At most 2 decimals, got 1.555."),
    ],
    "fi": [
        ("/bank", "required", "Bank is required."),
        ("/budget", "minimum", "Budget must be at least 0, got -5.0."),
        ("/fee", "scale", "Fee: At most 2 decimals, got 1.555."),
    ],
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
    label = LABELS["code"].get(locale.partition("-")[0], "Code")
    assert {f.detail for f in caught.value.faults} == {f"{label} is taken by another record."}


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)
def test_each_language_says_everything(language: Any) -> None:
    assert language.sentences.keys() == ENGLISH.sentences.keys()
    assert language.types.keys() == ENGLISH.types.keys()
    assert language.formats.keys() == ENGLISH.formats.keys()
    limits = {name for name, text in ENGLISH.sentences.items() if "{" in text}
    assert {name for name, text in language.sentences.items() if "{" in text} == limits


def test_a_locale_has_the_language_it_begins_with() -> None:
    assert language_of("lv-LV") is LANGUAGES["lv"]
    assert language_of("de") is ENGLISH
