"""Factories: valid records of every entity there is, the same for the same seed."""

from __future__ import annotations

from typing import Any

import pytest

from crm_kernel import Change, Error
from crm_kernel.base import Contact
from crm_kernel.testing import TestCrm

LEASE = {
    "kind": "entity",
    "name": "lease",
    "schema": {
        "properties": {
            "number": {"type": "string", "maxLength": 6, "x-crm": {"unique": True}},
            "plate": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3,4}(X|Y)?$"},
            "tenant": {"type": "string", "x-crm": {"reference": "contact"}},
            "witnesses": {"type": "array", "minItems": 1,
                "items": {"type": "string", "x-crm": {"reference": "contact"}}},
            "rent": {"x-crm": {"money": True}},
            "rate": {"type": "number", "exclusiveMinimum": 0, "maximum": 0.9},
            "floor": {"type": "integer", "minimum": -2, "maximum": 3},
            "kind": {"enum": ["house", "flat"]},
            "paid_by": {"enum": ["bank", "cash"]},
            "bank": {"type": "string", "minLength": 4},
            "code": {"type": "string"},
            "note": {"type": "string"},
            "memo": {"type": "string"},
            "contract": {"type": "string", "x-crm": {"reference": "file"}},
            "ends_on": {"type": "string", "format": "date"},
            "rooms": {"type": "array", "minItems": 2, "items": {"type": "object", "required": ["area"],
                "properties": {"area": {"type": "number", "minimum": 3}, "name": {"type": "string"}}}},
        },
        "required": ["number", "plate", "tenant", "witnesses", "rent", "rate", "floor", "kind", "paid_by", "ends_on",
            "rooms"],
        "anyOf": [{"required": ["contract"]}, {"required": ["memo"]}],
        "allOf": [
            {"if": {"properties": {"paid_by": {"const": "bank"}}, "required": ["paid_by"]},
             "then": {"required": ["bank", "code"], "properties": {"code": {"pattern": "^[0-9]{4}$"}}}},
            {"if": {"properties": {"kind": {"const": "flat"}}}, "then": {"properties": {"note": False}}},
        ],
    },
}  # fmt: skip


@pytest.fixture
def crm_documents() -> list[dict[str, Any]]:
    return [LEASE]


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.contract("hooks.md#kit-factories")
async def test_what_the_schema_asks_in_any_case_is_made(crm: TestCrm, full: bool) -> None:
    made = [await crm.make("lease", full=full) for _ in range(25)]
    assert all(record["memo"] for record in made)
    assert {record["kind"] for record in made} == {"house", "flat"}
    assert {record["bank"] is not None for record in made if record["paid_by"] == "bank"} == {True}
    assert await crm.count("contact") == 50


@pytest.mark.parametrize("entity", ["user", "team", "company", "contact", "activity", "file"])
async def test_the_base_entities_are_made(crm: TestCrm, entity: str) -> None:
    for full in (False, True, False):
        record = await crm.make(entity, full=full)
        assert record["version"] == 1
    assert len(await crm.make_many(entity, 3, **({"name": "Many"} if entity == "contact" else {}))) == 3


async def test_what_is_given_stays(crm: TestCrm) -> None:
    crm.samples["lease"] = {"floor": 1, "paid_by": "cash"}
    lease = await crm.make("lease", floor=2)
    assert (lease["floor"], lease["paid_by"]) == (2, "cash")
    contact = await crm.make(Contact, name="Ilze Ozola")
    assert contact.name == "Ilze Ozola"
    assert (await crm.make("lease", tenant=contact.id))["tenant"] == contact.id


async def test_what_rules_refuse_is_told(crm: TestCrm) -> None:
    with pytest.raises(Error) as refused:
        await crm.make("lease", floor=4)
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [("/floor", "maximum")]


async def test_the_seed_decides(crm: TestCrm) -> None:
    again, other = TestCrm(crm.kernel), TestCrm(crm.kernel, seed=1)
    drafts = [[maker.drafts("lease").draft(n, {}) for n in range(9)] for maker in (crm, again, other)]
    assert drafts[0] == drafts[1]
    assert drafts[0] != drafts[2]


async def test_values_can_be_written(crm: TestCrm) -> None:
    values = await crm.values("lease", full=True)
    assert set(values) >= {"number", "tenant", "rooms"}
    await crm.write([Change.create("lease", values)])
