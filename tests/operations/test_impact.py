"""What a plan says of stored records, held to validating each record by the schemas before and after."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from crm_kernel import Change, Error
from crm_kernel.testing import TestCrm
from tests.operations.conftest import contacts, fields, plan_of

RECORDS = 20_000
PROPERTIES: dict[str, Any] = {
    "kind_of": {"enum": ["cash", "mortgage"]},
    "bank": {"type": "string"},
    "size": {"type": "integer"},
    "price": {"type": "object", "x-crm": {"money": True}},
    "exact": {"type": "number", "x-crm": {"decimal": 2}},
    "day": {"type": "string", "format": "date"},
    "tags": {"type": "array", "items": {"type": "string"}},
    "place": {"type": "object"},
    "known": {"type": "string", "x-crm": {"reference": "contact"}},
    "sure": {"type": "boolean"},
}
RULES: list[dict[str, Any]] = [
    {"if": {"properties": {"kind_of": {"const": "mortgage"}}, "required": ["kind_of"]}, "then": {"required": ["bank"]}},
    {"dependentRequired": {"day": ["size"]}},
    {"dependentSchemas": {"sure": {"properties": {"sure": {"const": True}}, "required": ["tags"]}}},
    {"anyOf": [{"required": ["size"]}, {"required": ["price"]}]},
    {"not": {"required": ["known", "place"]}},
    {"$ref": "#/$defs/few"},
    {"properties": {"size": {"minimum": 4}, "price": {"minimum": 50}, "exact": {"multipleOf": 0.25}}},
    {"properties": {"day": {"pattern": "^2026"}, "bank": {"minLength": 2}, "email": {"pattern": "lv$"}}},
    {"required": ["email", "day"]},
    {"oneOf": [{"properties": {"place": {"required": ["city"]}}, "required": ["place"]}, {"required": ["bank"]}]},
]


def with_rules(*rules: dict[str, Any], **properties: Any) -> dict[str, Any]:
    few = {"properties": {"tags": {"maxItems": 1}}}
    return fields(properties={**PROPERTIES, **properties}, allOf=list(rules) or [True], **{"$defs": {"few": few}})


def some_contact(chosen: random.Random, known: Sequence[str]) -> dict[str, Any]:
    """A contact of which each field is there or not."""
    whole = {
        "kind_of": chosen.choice(["cash", "mortgage"]),
        "bank": chosen.choice(["b", "bank"]),
        "size": chosen.randrange(8),
        "price": {"amount": chosen.randrange(100), "currency": "EUR"},
        "exact": chosen.choice([0.25, 0.26]),
        "day": chosen.choice(["2025-12-31", "2026-01-01"]),
        "tags": ["a", "b"][: chosen.randrange(3)],
        "place": chosen.choice([{}, {"city": "Riga"}]),
        "known": chosen.choice(known),
        "sure": chosen.choice([True, False]),
        "email": chosen.choice(["a@b.lv", "a@b.ee"]),
    }
    return {name: value for name, value in whole.items() if chosen.random() < 0.6}


async def by_hand(crm: TestCrm, old: Any, new: Any) -> tuple[int, int, int, list[str]]:
    """(total, invalid, already invalid, ids of invalid ones) by validating each record whole."""
    records = sorted((dict(r) for r in await crm.find("contact", limit=1000)), key=lambda r: r["id"])
    wrong = [r for r in records if new.validate(r)]
    ids = [r["id"] for r in wrong if not old.validate(r)]
    return len(records), len(ids), len(wrong) - len(ids), ids


@pytest.mark.contract("documents.md#impact-sample", "documents.md#already-invalid")
async def test_the_counts_are_those_of_validating_each_record(crm: TestCrm) -> None:
    chosen = random.Random(5)
    await crm.put(with_rules())
    known = [r["id"] for r in await contacts(crm, {}, {})]
    made = await contacts(crm, *(some_contact(chosen, known) for _ in range(150)))
    await crm.write([Change.delete("contact", r["id"]) for r in made[:20]])
    rules: list[dict[str, Any]] = []
    for _ in range(8):
        before = crm.kernel.registry.entities["contact"]
        rules = chosen.sample(RULES, chosen.randrange(1, 4))
        done = await crm.put({**with_rules(*rules), "on_invalid": "keep"})
        (impact,) = done["plan"]["impact"]
        total, invalid, already, ids = await by_hand(crm, before, crm.kernel.registry.entities["contact"])
        assert (impact["total"], impact["invalid"], impact["already_invalid"]) == (total, invalid, already), rules
        assert [entry["id"] for entry in impact["sample"]] == ids[:20]
        assert all(entry["errors"] for entry in impact["sample"])


@pytest.mark.contract("documents.md#impact-sample")
async def test_renamed_and_returning_fields_have_their_values(crm: TestCrm) -> None:
    """A field that is renamed, or was hidden, is judged by what it will hold."""
    await crm.put(fields(properties={"size": {"type": "integer"}, "depth": {"type": "integer"}}))
    await contacts(crm, {"size": 1, "depth": 1}, {"size": 5}, {})
    renamed = fields(
        properties={"width": {"type": "integer", "minimum": 3, "x-crm": {"was": "size"}}}, required=["width"]
    )
    (impact,) = (await plan_of(crm.put(renamed)))["impact"]
    assert [e["pointer"] for s in impact["sample"] for e in s["errors"]] == ["/width", "/width"]
    await crm.put({**renamed, "on_invalid": "keep"})
    back = fields(
        properties={**renamed["schema"]["properties"], "depth": {"type": "integer", "maximum": 0}}, required=["width"]
    )
    (impact,) = (await crm.put({**back, "on_invalid": "keep"}))["plan"]["impact"]
    assert (impact["invalid"], impact["already_invalid"]) == (0, 2)


async def test_each_document_of_a_set_is_told_what_it_does(crm: TestCrm) -> None:
    await contacts(crm, *({"name": f"c{n}", "email": "a@b.lv" if n % 2 else None} for n in range(10)))
    one = fields(required=["email"])
    two = {**fields(allOf=[{"properties": {"name": {"pattern": "[0-4]$"}}}]), "name": "two"}
    body = {"documents": [one, two]}
    admin = crm.kernel.system("api")
    plan = await crm.kernel.documents.plan(body, admin)
    assert {i["name"]: (i["invalid"], i["chosen"]) for i in plan["impact"]} == {
        "extra": (5, "reject"),
        "two": (5, "reject"),
    }
    assert plan["status"] == "needs_choice"
    await contacts(crm, {"name": "c0"})
    later = {**body, "on_invalid": "keep", "digest": plan["digest"]}
    assert (await plan_changed(crm, later))["impact"][0]["invalid"] == 6
    again = await crm.kernel.documents.plan(body, admin)
    done = await crm.kernel.documents.apply({**later, "digest": again["digest"]}, admin)
    assert done["applied"]
    assert {i["chosen"] for i in done["plan"]["impact"]} == {"keep"}


async def plan_changed(crm: TestCrm, body: Mapping[str, Any]) -> dict[str, Any]:
    """The plan of a refusal because of a digest."""
    with pytest.raises(Error) as caught:
        await crm.kernel.documents.apply(body, crm.kernel.system("api"))
    assert caught.value.code == "plan_changed"
    return caught.value.extra["plan"]


@pytest.mark.contract("documents.md#on-invalid-backfill")
async def test_what_the_defaults_do_not_mend_is_told_before(crm: TestCrm) -> None:
    made = await contacts(crm, {"email": "a@b.lv"}, {})
    body = fields(properties={"grade": {"enum": ["a"], "default": "a"}}, required=["grade", "email"])
    (error,) = (await plan_of(crm.put({**body, "on_invalid": "backfill"})))["documents"][0]["errors"]
    assert (error["code"], error["detail"][:10]) == ("backfill", "1 records ")
    await crm.put({**fields(required=["email"]), "on_invalid": "keep"})
    await crm.put({**body, "on_invalid": "backfill"})  # what was invalid before is left as it is
    assert [(await crm.get("contact", r["id"]))["grade"] for r in made] == ["a", None]


@pytest.mark.contract("documents.md#plan-turns")
async def test_a_plan_over_many_is_exact_and_lets_others_in_between(crm: TestCrm) -> None:
    await crm.put(with_rules())
    model, store = crm.kernel.registry.entities["contact"], crm.kernel.store
    empty = {**dict.fromkeys(model.fields), "version": 1, "created_at": "2026-01-01T00:00:00Z"}
    rows = [
        {
            **empty,
            "id": store.new_id(),
            "name": f"c{n}",
            "kind_of": ("cash", "mortgage")[n % 2],
            "bank": "b" if n % 3 else None,
        }
        for n in range(RECORDS)
    ]
    await crm.kernel.database.load(lambda tx: store.records.insert(tx, model, rows))
    turns, running = 0, True

    async def others() -> None:
        nonlocal turns
        while running:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    done = await crm.kernel.documents.put(
        "fields", "extra", with_rules(RULES[0]), crm.kernel.system("api"), dry_run=True
    )
    running = False
    await beside
    (impact,) = done["plan"]["impact"]
    assert (impact["total"], impact["invalid"]) == (RECORDS, sum(n % 2 and not n % 3 for n in range(RECORDS)))
    assert turns >= RECORDS / 100
