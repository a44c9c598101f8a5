"""The `x-crm` keywords of a field, each through the real doors: what it does, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from crm_kernel import Change
from crm_kernel.operations.search import search
from crm_kernel.testing import TestCrm
from tests.operations.conftest import plan_of, refusal

SHOWN = {
    "labels": {"lv": "Cena", "pl": "Cena"},
    "help": "Without tax.",
    "group": "Money",
    "order": 3,
    "widget": "slider",
    "unit": "m²",
    "choices": {"small": {"labels": {"lv": "Mazs"}, "colour": "green"}},
}
THING = {
    "kind": "entity",
    "name": "thing",
    "title": "{name}",
    "schema": {
        "properties": {
            "name": {"type": "string", "x-crm": {"search": True}},
            "shown": {"enum": ["small", "large"], "x-crm": SHOWN},
            "quiet": {"type": "string"},
            "code": {"type": "string", "x-crm": {"unique": True}},
            "price": {"x-crm": {"money": True}},
            "weight": {"x-crm": {"decimal": 3}},
            "phone": {"x-crm": {"phone": True}},
            "secret": {"type": "string", "x-crm": {"sensitive": True, "search": True}},
            "person": {"x-crm": {"reference": "contact", "reverse": "things"}},
            "helper": {"x-crm": {"reference": "contact"}},
            "number": {"x-crm": {"autonumber": "T-{000}"}},
        }
    },
}
ROLE = {"kind": "role", "name": "reader", "grants": [{"entity": "thing", "actions": ["read"]}]}


@pytest.fixture
def crm_documents() -> Sequence[Mapping[str, Any]]:
    return [THING, ROLE]


def document(**crm: Any) -> dict[str, Any]:
    shape = crm.pop("shape", {})
    schema = {"properties": {"odd": {**shape, "x-crm": crm}}}
    return {"kind": "entity", "name": "odd", "schema": schema}


@pytest.mark.contract("documents.md#x-labels")
async def test_what_is_for_pages_is_carried_into_the_schema(crm: TestCrm) -> None:
    reader = await crm.user("anna", "reader", locale="pl")
    found = crm.kernel.reader.schema("thing", reader)["properties"]
    assert (found["shown"]["x-crm"], found["shown"]["title"]) == (SHOWN, "Cena")
    assert "secret" not in found


@pytest.mark.contract("documents.md#x-unique", "documents.md#x-autonumber", "documents.md#x-reference")
async def test_values_are_numbered_kept_exact_and_found_from_both_sides(crm: TestCrm) -> None:
    (anna,) = await crm.write([Change.create("contact", {"name": "Anna"})])
    values = {
        "name": "Chair",
        "code": "C",
        "price": {"amount": "0.10", "currency": "EUR"},
        "weight": 0.125,
        "phone": "21234567",
        "person": anna["id"],
        "helper": anna["id"],
    }
    made = await crm.write([Change.create("thing", values), Change.create("thing", {"name": "Table"})])
    assert [thing["number"] for thing in made] == ["T-001", "T-002"]
    assert (made[0]["weight"], made[0]["phone"]) == (Decimal("0.125"), "+37121234567")
    assert made[0]["price"] == {"amount": Decimal("0.10"), "currency": "EUR"}
    for reverse in ("things", "thing_by_helper"):
        found = await crm.find("contact", f"any({reverse}, name = 'Chair')")
        assert [contact["id"] for contact in found] == [anna["id"]]
    assert (await refusal(crm.write([Change.create("thing", {"code": "C"})]))).faults == [("/code", "unique")]
    assert (await refusal(crm.write([Change.create("thing", {"number": "T-9"})]))).faults == [("/number", "read_only")]


@pytest.mark.contract("documents.md#x-search", "documents.md#x-sensitive")
async def test_only_what_is_to_be_searched_is_found(crm: TestCrm) -> None:
    await crm.write([Change.create("thing", {"name": "Kuršiai", "quiet": "hushed", "secret": "hidden"})])
    for word, count in (("kursiai", 1), ("hushed", 0), ("hidden", 0)):
        answer = await search(crm.kernel.reader, word, crm.kernel.system("api"))
        assert len(answer["items"]) == count, word


@pytest.mark.parametrize(
    ("crm_", "pointer", "code"),
    [
        ({"labels": ["x"]}, "", "type"),
        ({"labels": {"lv": 5}}, "", "type"),
        ({"help": 5}, "", "type"),
        ({"group": 5}, "", "type"),
        ({"order": "first"}, "", "type"),
        ({"widget": 5}, "", "type"),
        ({"unit": 5}, "", "type"),
        ({"search": "yes"}, "", "type"),
        ({"sensitive": 1}, "", "type"),
        ({"unique": "x"}, "", "type"),
        ({"index": 1}, "", "type"),
        ({"money": "EUR"}, "", "type"),
        ({"phone": 1}, "", "type"),
        ({"choices": []}, "", "type"),
        ({"choices": {"c": {}}, "shape": {"enum": ["a", "b"]}}, "/choices/c", "enum"),
        ({"unique": True, "shape": {"type": "array"}}, "/unique", "type"),
        ({"unique": True, "shape": {}}, "/unique", "type"),
        ({"unique": True, "money": True}, "/unique", "type"),
        ({"decimal": 2, "shape": {"type": "string"}}, "/decimal", "type"),
        ({"reference": "contact", "shape": {"type": "integer"}}, "/reference", "type"),
        ({"phone": True, "shape": {"type": ["string", "null"]}}, "/phone", "type"),
    ],
)
async def test_what_cannot_be_meant_is_refused(crm: TestCrm, crm_: dict[str, Any], pointer: str, code: str) -> None:
    plan = await plan_of(crm.put(document(**crm_)))
    (found,) = plan["documents"][0]["errors"]
    assert (found["pointer"], found["code"]) == (f"/schema/properties/odd/x-crm{pointer}", code)
