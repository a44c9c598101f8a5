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


def of_all(stage: int) -> dict[str, Any]:
    """The document with a field for each case: before (0), or after (1) with what is stated."""
    properties: dict[str, Any] = {}
    for number, (*types, convert, _) in enumerate(CASES):
        schema = TYPES[types[stage]]
        options = {**schema.get("x-crm", {}), "index": number == 0}
        properties[f"f{number}"] = {**schema, "x-crm": {**options, "convert": convert} if stage else options}
    return fields(properties=properties)


@pytest.mark.contract("documents.md#convert")
async def test_values_are_converted_as_it_is_stated(crm: TestCrm) -> None:
    known = {"ilze": (await crm.user("ilze")).id}
    await crm.put(of_all(0))
    most = max(len(values) for *_, values in CASES)
    table = [[dict(enumerate(values)).get(row, (None, None)) for *_, values in CASES] for row in range(most)]
    rows = [{f"f{n}": value for n, (value, _) in enumerate(row)} for row in table]
    made = [r["id"] for r in await contacts(crm, *rows, *rows[:1])]
    await crm.write([Change.delete("contact", made[-1])])
    admin = crm.kernel.system("api")
    dry = (await crm.kernel.documents.put("fields", "extra", of_all(1), admin, dry_run=True))["plan"]
    bad = [[f"/f{n}" for n, (_, found) in enumerate(row) if found is BAD] for row in table]
    (impact,) = dry["impact"]
    assert (dry["status"], impact["total"], impact["invalid"]) == ("needs_choice", most, sum(map(bool, bad)))
    told = {e["id"]: [(f["pointer"], f["code"]) for f in e["errors"]] for e in impact["sample"]}
    assert told == {id: [(at, "convert") for at in here] for id, here in zip(made, bad, strict=False) if here}
    assert {s["name"] for s in dry["ddl"] if s["change"] == "convert"} == {f"f{n}" for n in range(len(CASES))}
    await crm.put({**of_all(1), "on_invalid": "keep"})
    await crm.write([Change.restore("contact", made[-1])])
    for number, (*types, _, values) in enumerate(CASES):
        expected = [None if found is BAD else known.get(str(found), found) for _, found in values]
        shown = [(await crm.get("contact", id))[f"f{number}"] for id in made[: len(values)]]
        assert [{**v, "amount": float(v["amount"])} if isinstance(v, dict) else v for v in shown] == expected, types
        given = f"f{number} is not null"
        assert await crm.count("contact", given) == sum(v is not None for v in [*expected, expected[0]]), types
    assert (await crm.put({**of_all(1), "label": "Again"}))["plan"]["ddl"] == []
    kept = {name for name in (await introspect(crm.kernel.database)).tables["e_contact"] if name.endswith("__o1")}
    assert {f"f{n}" for n in range(len(CASES))} == {name.partition("__")[0] for name in kept}


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
