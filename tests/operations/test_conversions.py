"""Fields that change their type: how values become others is stated, what does not convert is told."""

from __future__ import annotations

from typing import Any

import pytest

from crm_kernel import Change
from crm_kernel.storage.introspect import introspect
from crm_kernel.testing import TestCrm
from tests.operations.conftest import contacts, fields, plan_of

MONEY = {"type": "object", "x-crm": {"money": True}}
TEXT = {"type": "string"}
TYPES: dict[str, Any] = {
    "text": TEXT,
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "decimal": {"type": "number", "x-crm": {"decimal": 2}},
    "finer": {"type": "number", "x-crm": {"decimal": 4}},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "moment": {"type": "string", "format": "date-time"},
    "choice": {"enum": ["new", "used"]},
    "money": MONEY,
    "list": {"type": "array", "items": TEXT},
    "contact": {"type": "string", "x-crm": {"reference": "contact"}},
    "user": {"type": "string", "x-crm": {"reference": "user"}},
}
BAD = object()


def euros(amount: float) -> dict[str, Any]:
    return {"amount": amount, "currency": "EUR"}


CASES: list[tuple[str, str, dict[str, Any], list[tuple[Any, Any]]]] = [
    ("text", "integer", {}, [("12", 12), ("12.0", 12), ("1.5", BAD), ("many", BAD), (None, None)]),
    ("text", "number", {}, [("1.5", 1.5), ("1e3", 1000.0), ("", None), ("x", BAD)]),
    ("text", "boolean", {"values": {"ja": True}}, [("ja", True), ("yes", True), ("perhaps", BAD)]),
    ("number", "text", {}, [(12, "12"), (1.5, "1.5")]),
    ("integer", "number", {}, [(7, 7.0)]),
    ("number", "integer", {}, [(7.0, 7), (7.5, BAD)]),
    ("number", "decimal", {}, [(7.25, 7.25), (7.125, BAD)]),
    ("decimal", "finer", {}, [(7.25, 7.25)]),
    ("finer", "decimal", {}, [(7.25, 7.25), (7.1234, BAD)]),
    ("text", "choice", {"values": {"N": "new", "U": "used"}}, [("N", "new"), ("used", "used")]),
    ("choice", "text", {}, [("new", "new")]),
    ("choice", "list", {}, [("new", ["new"])]),
    ("date", "moment", {"timezone": "Europe/Riga"}, [("2026-01-31", "2026-01-30T22:00:00Z")]),
    ("moment", "date", {}, [("2026-01-31T23:00:00Z", "2026-02-01")]),
    ("text", "date", {"format": "%d.%m.%Y"}, [("31.01.2026", "2026-01-31"), ("2026-01-31", BAD)]),
    ("number", "money", {"currency": "USD"}, [(10.5, {**euros(10.5), "currency": "USD"}), (1.234, BAD)]),
    ("money", "number", {"currency": "EUR"}, [(euros(2), 2.0), ({"amount": 2, "currency": "USD"}, BAD)]),
    ("text", "user", {"match": "login"}, [("ilze", "ilze"), ("nobody", BAD)]),
]  # fmt: skip


def sized(type_name: str, convert: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    schema = TYPES[type_name]
    crm = {**schema.get("x-crm", {}), **more}
    return fields(properties={"size": {**schema, "x-crm": crm if convert is None else {**crm, "convert": convert}}})


@pytest.mark.contract("documents.md#convert")
@pytest.mark.parametrize(("old", "new", "convert", "values"), CASES, ids=[f"{c[0]} to {c[1]}" for c in CASES])
async def test_values_are_converted_as_it_is_stated(
    crm: TestCrm, old: str, new: str, convert: dict[str, Any], values: list[tuple[Any, Any]]
) -> None:
    known = {"ilze": (await crm.user("ilze")).id}
    await crm.put(sized(old, index=old not in ("list", "money")))
    made = await contacts(crm, *({"size": value} for value, _ in values))
    await crm.write([Change.delete("contact", made[0]["id"])])
    plan = await crm.kernel.documents.put(
        "fields", "extra", sized(new, convert), crm.kernel.system("api"), dry_run=True
    )
    bad = [made[n]["id"] for n, (_, found) in enumerate(values) if found is BAD]
    (impact,) = plan["plan"]["impact"]
    assert (impact["total"], impact["invalid"]) == (len(values) - 1, len(bad))
    assert [entry["id"] for entry in impact["sample"]] == bad
    assert {(e["pointer"], e["code"]) for s in impact["sample"] for e in s["errors"]} <= {("/size", "convert")}
    assert ("convert", "size") in [(step["change"], step["name"]) for step in plan["plan"]["ddl"]]
    if bad:
        assert (await plan_of(crm.put(sized(new, convert))))["status"] == "needs_choice"
    await crm.put({**sized(new, convert), "on_invalid": "keep"})
    await crm.write([Change.restore("contact", made[0]["id"])])
    got = {r["id"]: r["size"] for r in await crm.find("contact")}
    expected = [
        None if found is BAD else known.get(found, found) if isinstance(found, str) else found for _, found in values
    ]
    shown = [got[record["id"]] for record in made]
    assert [{**v, "amount": float(v["amount"])} if isinstance(v, dict) else v for v in shown] == expected
    assert await crm.count("contact", "size is not null") == sum(value is not None for value in expected)
    old_columns = [name for name in (await introspect(crm.kernel.database)).tables["e_contact"] if "__o" in name]
    assert old_columns  # what was there is kept
    again = await crm.put({**sized(new, convert), "label": "Again"})
    assert again["plan"]["ddl"] == []


@pytest.mark.contract("documents.md#convert")
async def test_a_type_changes_only_as_it_is_stated(crm: TestCrm) -> None:
    await crm.put(sized("text"))
    await contacts(crm, {"size": "1"}, {"size": "x"})
    (error,) = (await plan_of(crm.put(sized("integer"))))["documents"][0]["errors"]
    assert (error["pointer"], error["code"]) == ("/schema/properties/size", "type")
    assert "convert" in error["hint"]
    for new, how, member in (
        ("integer", {"format": "%d"}, "/format"),
        ("integer", {"match": "login"}, "/match"),
        ("integer", {"currency": "EUR"}, "/currency"),
        ("user", {"match": "name"}, "/match"),
    ):
        errors = (await plan_of(crm.put(sized(new, how))))["documents"][0]["errors"]
        assert [e["pointer"] for e in errors] == [f"/schema/properties/size/x-crm/convert{member}"]
    wrong = (await plan_of(crm.put(sized("integer", {"how": 1}))))["documents"][0]["errors"]
    assert wrong[0]["pointer"] == "/schema/properties/size/x-crm"


@pytest.mark.contract("documents.md#convert", "documents.md#x-was")
async def test_what_does_not_convert_may_get_the_default(crm: TestCrm) -> None:
    await crm.put(sized("text", index=True))
    made = await contacts(crm, {"size": "1"}, {"size": "x"}, {})
    body = fields(
        properties={"width": {"type": "integer", "default": 9, "x-crm": {"was": "size", "convert": {}, "index": True}}}
    )
    await crm.put({**body, "on_invalid": "backfill"})
    assert [(await crm.get("contact", r["id"]))["width"] for r in made] == [1, 9, 9]
    assert [r["width"] for r in await crm.find("contact", "width > 5")] == [9, 9]
