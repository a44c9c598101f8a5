"""What a plan says of computed values, held to applying it and computing everything."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from crm_kernel import Change
from crm_kernel.operations.impact import rules_of
from crm_kernel.testing import TestCrm
from tests.operations.computing import BILL, COMPUTED, CONTACT, DOCUMENTS, LINE, MONEY, changed, formula, rollup
from tests.operations.computing import everything as stored_of
from tests.operations.conftest import plan_of

Stored = Mapping[str, Mapping[str, Mapping[str, Any]]]


@pytest.fixture
def crm_documents() -> Sequence[Mapping[str, Any]]:
    return DOCUMENTS


@pytest.fixture
def crm(crm: TestCrm) -> TestCrm:
    crm.kernel.recompute.settle = 0
    return crm


def ruled(document: Mapping[str, Any], *rules: Any, **fields: Any) -> dict[str, Any]:
    """The document with other fields, and rules over them; what they make invalid is kept."""
    found = changed(document, **fields)
    return {**found, "schema": {**found["schema"], "allOf": list(rules) or [True]}, "on_invalid": "keep"}


def under(name: str, limit: float) -> dict[str, Any]:
    return {"properties": {name: {"maximum": limit}}}


async def filled(crm: TestCrm) -> None:
    """Contacts with bills of lines of all sizes, in two currencies; some are deleted."""
    chosen = random.Random(8)
    people = [r["id"] for r in await crm.write([Change.create("contact", {"name": f"c{n}"}) for n in range(12)])]
    bills = [Change.create("bill", {"customer": c, "discount": chosen.choice([0, 0.5])}) for c in people[:9] * 2]
    ids = [r["id"] for r in await crm.write(bills)]
    lines = [
        Change.create(
            "line",
            {
                "bill": chosen.choice(ids),
                "about": chosen.choice(people),
                "price": chosen.choice([None, {"amount": chosen.randrange(1, 50), "currency": "EUR"}]),
                "quantity": chosen.choice([None, 1, 2, 3]),
                "weight": chosen.randrange(8) / 4,
                "day": f"2026-01-{chosen.randrange(1, 29):02}",
            },
        )
        for _ in range(70)
    ]
    made = [r["id"] for r in await crm.write(lines)]
    await crm.write([Change.update("line", made[0], {"price": {"amount": 1, "currency": "USD"}})])
    await crm.write([Change.delete("line", id) for id in made[1:9]] + [Change.delete("bill", ids[0])])


def wrong(crm: TestCrm, stored: Stored) -> dict[str, set[str]]:
    """By entity the live records that its rules refuse."""
    rules = {name: rules_of(crm.kernel.registry.entities[name]) for name in COMPUTED}
    return {
        name: {id for id, r in stored[name].items() if r["deleted_at"] is None and not rules[name].holds(dict(r))}
        for name in COMPUTED
    }


async def held_to_applying(crm: TestCrm, *documents: Mapping[str, Any]) -> dict[str, Any]:
    """The plan, each of whose figures is what the records come to be."""
    admin = crm.kernel.system("api")
    before, was_wrong = await stored_of(crm), wrong(crm, await stored_of(crm))
    plan = await crm.kernel.documents.plan({"documents": documents}, admin)
    assert (await crm.kernel.documents.put_all(documents, admin))["applied"]
    await crm.kernel.recompute.finish()
    after = await stored_of(crm)
    is_wrong = wrong(crm, after)
    told = {i["entity"]: (i["invalid"], i["already_invalid"], [s["id"] for s in i["sample"]]) for i in plan["impact"]}
    for name in COMPUTED:
        new = sorted(is_wrong[name] - was_wrong[name])
        assert told.get(name, (0, 0, []))[::2] == (len(new), new[:20]), name
    for found in plan["recomputed"]:
        live = {id: r for id, r in after[found["entity"]].items() if r["deleted_at"] is None}
        differs = [
            id
            for id, record in live.items()
            if any(record[name] != before[found["entity"]][id].get(name) for name in found["fields"])
        ]
        assert (found["total"], found["changed"]) == (len(live), len(differs)), found
    return plan


def told(plan: Mapping[str, Any]) -> dict[str, set[str]]:
    return {found["entity"]: set(found["fields"]) for found in plan["recomputed"]}


@pytest.mark.contract("documents.md#plan-computed", "documents.md#impact-sample")
async def test_the_figures_are_those_of_applying_it(crm: TestCrm) -> None:
    await filled(crm)
    await held_to_applying(crm, ruled(BILL, under("sum", 200), under("mean", 2.5)), ruled(CONTACT, under("owes", 300)))
    # A formula that other formulas and rollups of three entities are made of.
    plan = await held_to_applying(
        crm, ruled(LINE, under("taxed", 150), total=formula("price * quantity * 2", crm=MONEY))
    )
    assert told(plan) == {"line": {"total", "taxed"}, "bill": {"sum", "due"}, "contact": {"owes"}}
    assert all(found["changed"] for found in plan["recomputed"])
    assert {i["entity"]: i["name"] for i in plan["impact"]} == {"line": "line", "bill": "line", "contact": "line"}
    assert all(i["invalid"] for i in plan["impact"])
    # A condition that rollups count by.
    await held_to_applying(crm, ruled(LINE, open=formula("quantity > 1", type="boolean")))
    # Rollups of another measure, and a new one that is required.
    low = rollup("lines", "min", "total.amount", crm={"decimal": 2}, type="number")
    first = rollup("lines", "max", "day", type="string", format="date")
    plan = await held_to_applying(
        crm, ruled(BILL, {"required": ["low"]}, under("load", 3), low=low, first=first, load=low)
    )
    assert told(plan)["bill"] == {"low", "first", "load"}
    # By several documents at once, and with nothing that differs in the end.
    await held_to_applying(
        crm,
        ruled(CONTACT, under("score", 30), score=formula("billed * 20 + mentioned", type="integer")),
        ruled(LINE, total=formula("price * quantity", crm=MONEY)),
    )
    plan = await held_to_applying(crm, ruled(LINE, total=formula("quantity * price", crm=MONEY)))
    assert [found["changed"] for found in plan["recomputed"]] == [0, 0, 0]


async def test_a_type_that_changes_and_a_field_that_is_renamed_are_read_as_they_will_be(crm: TestCrm) -> None:
    await filled(crm)
    whole = {"type": "number", "x-crm": {"convert": {}}}
    fields = dict(LINE["schema"]["properties"])
    fields.pop("quantity")
    renamed: dict[str, Any] = {
        **LINE,
        "schema": {
            "properties": {
                **fields,
                "pieces": {"type": "integer", "x-crm": {"was": "quantity"}},
                "total": formula("price * (pieces + 1)", crm=MONEY),
                "open": formula("stage = 'open' and pieces is not null", type="boolean"),
            }
        },
    }
    bill = ruled(
        BILL,
        under("mean", 2),
        mean=rollup("lines", "avg", "pieces", where="open = true", crm={"decimal": 2}, type="number"),
        pieces=rollup("lines", "sum", "pieces", where="stage = 'open'", type="number"),
        fewest=rollup("lines", "min", "pieces", type="number"),
    )
    await held_to_applying(crm, ruled(renamed, under("total", 60)), bill)
    converted = changed(renamed, pieces=whole)
    await held_to_applying(crm, ruled(converted, under("total", 40)))


@pytest.mark.contract("documents.md#plan-computed")
async def test_a_formula_that_makes_records_invalid_asks_for_a_choice(crm: TestCrm) -> None:
    await filled(crm)
    body = changed(CONTACT, score=formula("billed * 10 + mentioned", type="integer", maximum=0))
    plan = await plan_of(crm.put(body))
    (impact,) = plan["impact"]
    assert (plan["status"], impact["chosen"]) == ("needs_choice", "reject")
    assert impact["invalid"] > 0
    assert {e["pointer"] for s in impact["sample"] for e in s["errors"]} == {"/score"}
    # What no default can mend is refused.
    (error,) = (await plan_of(crm.put({**body, "on_invalid": "backfill"})))["documents"][0]["errors"]
    assert error["code"] == "backfill"


async def test_a_default_that_a_formula_reads_mends_the_record(crm: TestCrm) -> None:
    made = await crm.write([Change.create("contact", {"name": "c"})])
    body = changed(
        CONTACT,
        rate={"type": "integer", "default": 2},
        grade=formula("coalesce(rate, 0) * 2", type="integer", minimum=1),
    )
    assert (await plan_of(crm.put(body)))["impact"][0]["invalid"] == 1
    assert (await crm.put({**body, "on_invalid": "backfill"}))["applied"]
    assert (await crm.get("contact", made[0]["id"]))["grade"] == 4
