"""What is refused of formulas, as faults of the document that declares them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from crm_kernel.fields.base import ValueContext
from crm_kernel.model import Source
from crm_kernel.registry import Declaration, Registry
from crm_kernel.registry_build import build_registry
from tests.formulas.model import formula, problem, resolved

READ = "/x-crm/formula"
WRONG = [
    ("n +", "number", "bad_filter", "unexpected end at 4"),
    ("n n", "number", "bad_filter", "unexpected 'n' at 3: expected one of + - * /, or the end"),
    ("nn + 1", "number", "unknown_field", "unknown field 'nn' at 1"),
    ("pric.amount", "number", "unknown_field", "did you mean 'price' or 'pick'?"),
    ("sqrt(n)", "number", "bad_filter", "unknown function 'sqrt' at 1"),
    ("roun(n)", "integer", "bad_filter", "did you mean 'round'?"),
    ("n + word", "number", "bad_filter", "unexpected a whole number + a text at 5"),
    ("price + 1", "money", "bad_filter", "unexpected an amount of money + a whole number at 9"),
    ("price * fee", "money", "bad_filter", "unexpected an amount of money * an amount of money"),
    ("day - end", "integer", "bad_filter", "(two dates: date_diff)"),
    ("price + 'much'", "money", "bad_filter", "an amount of money ('EUR 100.50')"),
    ("if(n > 1, n, word)", "number", "bad_filter", "unexpected a text at 14"),
    ("if(n, 1, 2)", "number", "bad_filter", "expected an operator"),
    ("if(n > 1, 1)", "number", "bad_filter", "expected ','"),
    ("coalesce(n, day)", "number", "bad_filter", "unexpected a date at 13"),
    ("length(n)", "integer", "bad_filter", "a text in length(…)"),
    ("min(word)", "text", "bad_filter", "in min(…)"),
    ("round(n, m)", "integer", "bad_filter", "a whole number from -12 to 12"),
    ("abs(n, m)", "integer", "bad_filter", "2 values in abs(…)"),
    ("date_diff(day, end, 's')", "integer", "bad_filter", "one of 'h', 'd', 'w', 'm', 'y'"),
    ("concat(tags)", "text", "bad_filter", "a single value"),
    ("link.n", "integer", "bad_filter", "a formula reads no other record"),
    ("if(link.n > 1, 1, 2)", "integer", "bad_filter", "a formula reads no other record"),
    ("if(any(thing_by_link, n > 1), 1, 2)", "integer", "bad_filter", "a formula reads no other record"),
    ("@now", "moment", "bad_filter", "for everybody alike"),
    ("if(owner = @me, 1, 2)", "integer", "bad_filter", "one that holds for everybody at any time"),
    ("if(day < @today, 1, 2)", "integer", "bad_filter", "one that holds for everybody at any time"),
    ("version + 1", "integer", "bad_filter", "a field that changes only when somebody changes it"),
    ("null", "text", "bad_filter", "unexpected 'null' at 1"),
    ("n / m", "integer", "type", "The formula gives a number, the field is a whole number."),
    ("n", "text", "type", "The formula gives a whole number, the field is a text."),
    ("n", "money", "type", "the field is an amount of money."),
    ("if(n > 1, 'large', 'huge')", "choice", "type", "the field is one of 'small', 'large'."),
    ("word", "choice", "type", "the field is one of"),
    ("n", "list", "type", "the field is a list."),
    ("+".join("n" * 300), "integer", "bad_filter", "more than 200 operations"),
    ("(" * 40 + "n" + ")" * 40, "integer", "bad_filter", "nested deeper than 32"),
    ("n" * 8001, "integer", "bad_filter", "more than 8,000 characters"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "type", "code", "detail"), WRONG, ids=lambda value: str(value)[:30])
@pytest.mark.contract("documents.md#formula-faults")
def test_a_formula_that_does_not_fit_is_a_fault(text: str, type: str, code: str, detail: str) -> None:
    [(field, fault)] = problem({"f": formula(text, type)})
    assert (field, fault.pointer, fault.code) == ("f", READ, code)
    assert detail in fault.detail, fault.detail
    assert fault.hint


def test_a_circle_is_named_with_its_path() -> None:
    [(field, fault)] = problem(
        {"a": formula("b + 1", "number"), "b": formula("c * 2", "number"), "c": formula("a - n", "number")}
    )
    assert (field, fault.code, fault.detail) == ("c", "cycle", "It is computed from itself: c → a → b → c.")


def test_formulas_are_computed_in_the_order_of_their_needs() -> None:
    chain = {f"f{n}": formula(f"f{n + 1} + 1", "integer") for n in range(400)}
    found = resolved({**chain, "f400": formula("n", "integer")})
    image: dict[str, Any] = {**dict.fromkeys(found.model["thing"].fields), "n": 5}
    found.computed["thing"].fill(image)
    assert (image["f400"], image["f0"]) == (5, 405)
    assert found.model["thing"].inputs["f399"] == {"f400", "n"}
    assert all(f"f{later}" in found.model["thing"].inputs[f"f{n}"] for n, later in pairwise(range(400)))


# ---- documents ------------------------------------------------------------------------------------------------------
def _registry(*bodies: dict[str, Any]) -> Registry:
    declared = [Declaration(Source("document", b["name"]), b["kind"], b["name"], b) for b in bodies]
    return build_registry(declared, [], ValueContext())


def _entity(name: str, **properties: Any) -> dict[str, Any]:
    return {"kind": "entity", "name": name, "schema": {"properties": properties}}


def _rollup(**rollup: Any) -> dict[str, Any]:
    return {"type": "number", "x-crm": {"rollup": rollup}}


LINE = _entity(
    "line",
    bill={"x-crm": {"reference": "bill", "reverse": "lines"}},
    amount={"type": "number"},
    word={"type": "string"},
)
ROLLUPS = [
    ({"of": "line", "measure": "count"}, "/of", "unknown_field", "did you mean 'lines'?"),
    ({"of": "lines", "measure": "sum", "field": "amont"}, "/field", "unknown_field", "did you mean 'amount'?"),
    ({"of": "lines", "measure": "sum", "field": "word"}, "/field", "type", "The sum of a text has no meaning."),
    ({"of": "lines", "measure": "sum", "field": "bill.title"}, "/field", "bad_filter", "a field of line itself"),
    ({"of": "lines", "measure": "max", "field": "updated_at"}, "/field", "bad_filter", "changes only when somebody"),
    ({"of": "lines", "measure": "max", "field": "created_at"}, "", "type", "The max is a moment"),
    ({"of": "lines", "measure": "count", "where": "amont > 1"}, "/where", "unknown_field", "did you mean 'amount'?"),
    ({"of": "lines", "measure": "count", "where": "bill.title = 'x'"}, "/where", "bad_filter", "on the line itself"),
    ({"of": "lines", "measure": "count", "where": "owner = @me"}, "/where", "bad_filter", "for everybody"),
    ({"of": "lines", "measure": "count", "where": "deleted_at is null"}, "/where", "bad_filter", "change only when"),
    ({"of": "lines", "measure": "sum"}, "/field", "required", "needs a field"),
    ({"of": "lines", "measure": "count", "field": "amount"}, "/field", "oneOf", "has no field"),
]  # fmt: skip


@pytest.mark.parametrize(("rollup", "pointer", "code", "detail"), ROLLUPS, ids=str)
@pytest.mark.contract("documents.md#rollup-faults")
def test_a_rollup_that_does_not_fit_is_a_fault(rollup: Any, pointer: str, code: str, detail: str) -> None:
    registry = _registry(_entity("bill", title={"type": "string"}, r=_rollup(**rollup)), LINE)
    faults = [fault for broken in registry.broken if broken.name == "bill" for fault in broken.faults]
    assert [(f.pointer, f.code) for f in faults] == [(f"/schema/properties/r/x-crm/rollup{pointer}", code)]
    assert detail in faults[0].detail
    assert faults[0].hint


def test_a_circle_through_two_entities_is_the_fault_of_the_later_document() -> None:
    bill = _entity("bill", total=_rollup(of="lines", measure="sum", field="share"))
    line = _entity("line", bill={"x-crm": {"reference": "bill", "reverse": "lines"}}, amount={"type": "number"})
    more = {
        "kind": "fields", "name": "more", "entity": "line",
        "schema": {"properties": {"share": {"type": "number", "x-crm": {"formula": "amount / of_bill"}},
                                  "of_bill": _rollup(of="parts", measure="max", field="whole")}},
    }  # fmt: skip
    part = _entity(
        "part",
        line={"x-crm": {"reference": "line", "reverse": "parts"}},
        bill={"x-crm": {"reference": "bill"}},
        whole={"type": "number", "x-crm": {"formula": "up + 1"}},
        up=_rollup(of="bills", measure="max", field="total"),
    )
    owner = {
        "kind": "fields", "name": "up", "entity": "bill",
        "schema": {"properties": {"part": {"x-crm": {"reference": "part", "reverse": "bills"}}}},
    }  # fmt: skip
    registry = _registry(bill, line, part, more, owner)
    [fault] = [f for broken in registry.broken for f in broken.faults if f.code == "cycle"]
    assert fault.detail.count(" → ") == 5
    assert "bill.total" in fault.detail
    assert "line.share" in fault.detail


def test_what_reads_a_field_that_is_left_out_is_left_out_too() -> None:
    bill = _entity("bill", amount={"type": "number"})
    one = {"kind": "fields", "name": "one", "entity": "bill",
           "schema": {"properties": {"a": {"type": "number", "x-crm": {"formula": "amount * nothing"}}}}}  # fmt: skip
    two = {"kind": "fields", "name": "two", "entity": "bill",
           "schema": {"properties": {"b": {"type": "number", "x-crm": {"formula": "a + 1"}}}}}  # fmt: skip
    registry = _registry(bill, one, two)
    assert {b.name: [f.code for f in b.faults] for b in registry.broken} == {
        "one": ["unknown_field"],
        "two": ["unknown_field"],
    }
    assert "b" not in registry.entities["bill"].fields


def test_a_document_full_of_formulas_is_refused() -> None:
    """Those that are read and those that are too many to be."""
    for width, codes in ((9, {"cycle"}), (100, {"limit"})):
        properties = {f"f{n}": formula("+".join(f"f{m}" for m in range(width)), "number") for n in range(500)}
        registry = _registry(_entity("bill", **properties))
        assert {f.code for b in registry.broken for f in b.faults} == codes


def test_what_is_computed_is_neither_unique_nor_entered_otherwise() -> None:
    bill = _entity(
        "bill",
        n={"type": "integer"},
        a={"type": "integer", "x-crm": {"formula": "n", "unique": True}},
        b={"type": "string", "x-crm": {"formula": "concat(n)", "autonumber": "B-{0}"}},
        c={"type": "number", "x-crm": {"formula": "n", "rollup": {"of": "x", "measure": "count"}}},
        d={"type": "number", "x-crm": {"rollup": {"of": "x", "measure": "median"}}},
    )
    faults = [(f.pointer.removeprefix("/schema/properties"), f.code) for b in _registry(bill).broken for f in b.faults]
    assert sorted(faults) == [
        ("/a/x-crm/unique", "oneOf"),
        ("/b/x-crm", "oneOf"),
        ("/c/x-crm", "oneOf"),
        ("/d/x-crm", "type"),
    ]
