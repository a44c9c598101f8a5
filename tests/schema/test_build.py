from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from crm_kernel.fields.base import Kind, ValueContext
from crm_kernel.model import EntityModel, Source
from crm_kernel.schema import Part, build_entity, build_fields, reverse_clashes, with_reverses
from crm_kernel.schema.build import default_title, plural_of

BASE = Source("builtin", "base")
PLUGIN = Source("plugin", "estate")
CONTACT: dict[str, Any] = {
    "name": "contact",
    "schema": {
        "properties": {
            "name": {"type": "string"},
            "number": {"type": "string", "x-crm": {"autonumber": "C-{000}"}},
            "company": {"x-crm": {"reference": "company", "reverse": "contacts"}},
            "active": {"type": "boolean", "default": True},
        },
        "required": ["name", "number"],
    },
}


def document(name: str, **schema: Any) -> Part:
    return Part(Source("document", name), schema)


def contact(*documents: Part, extensions: tuple[Part, ...] = (), **more: Any) -> EntityModel:
    return build_entity({**CONTACT, **more}, source=BASE, extensions=extensions, documents=documents)


def test_fields_of_a_schema() -> None:
    fields = build_fields(CONTACT["schema"], BASE)
    assert {name: (f.type.kind, f.required, f.default, f.read_only) for name, f in fields.items()} == {
        "name": (Kind.TEXT, True, None, False),
        "number": (Kind.TEXT, False, None, True),
        "company": (Kind.REFERENCE, False, None, False),
        "active": (Kind.BOOLEAN, False, True, False),
    }
    assert fields["company"].schema["format"] == "uuid"
    assert fields["company"].label == "Company"


@pytest.mark.parametrize(
    ("schema", "name"),
    [
        ({"$ref": "#/$defs/money"}, "json"),
        ({"$ref": "#/$defs/text"}, "text"),
        ({"$ref": "#/$defs/again"}, "choice"),
        ({"$ref": "#/$defs/loop"}, "json"),
        ({"$ref": "#/$defs/any"}, "json"),
        (True, "json"),
        (False, "json"),
        ({"x-crm": {"decimal": 2}}, "decimal"),
        ({"x-crm": {"phone": True}}, "phone"),
        ({"type": "array", "items": {"enum": ["a"]}}, "list"),
    ],
)
def test_the_type_of_a_property(schema: Any, name: str) -> None:
    defs = {
        "money": {"x-crm": {"money": True}},
        "text": {"type": "string"},
        "again": {"$ref": "#/$defs/text", "enum": ["a"]},
        "loop": {"$ref": "#/$defs/loop"},
        "any": True,
    }
    assert build_fields({"properties": {"a": schema}, "$defs": defs}, BASE)["a"].type.name == name


def test_formulas_and_rollups_are_read_only() -> None:
    crm = {"a": {"formula": "x + 1"}, "b": {"rollup": {"of": "viewings", "measure": "count"}}, "c": {}}
    schema = {"properties": {n: {"type": "integer", "x-crm": x} for n, x in crm.items()}, "required": ["a", "b", "c"]}
    fields = build_fields(schema, BASE)
    assert [(f.read_only, f.required) for f in fields.values()] == [(True, False), (True, False), (False, True)]
    assert fields["b"].explicit


@pytest.mark.contract("documents.md#flat-record", "documents.md#all-documents-hold")
def test_parts_are_merged_in_order() -> None:
    model = contact(
        document("b-more", properties={"beta": {"type": "integer"}}, required=["active"]),
        document("a-more", properties={"alpha": {"type": "integer"}}),
        extensions=(Part(PLUGIN, {"properties": {"zeta": {"type": "integer"}}}),),
    )
    assert [field.name for field in model.own_fields] == [
        "name",
        "number",
        "company",
        "active",
        "zeta",
        "alpha",
        "beta",
    ]
    assert [list(part.get("properties", ())) for part in model.schema["allOf"]][1:] == [["zeta"], ["alpha"], ["beta"]]
    assert [str(model.fields[n].source) for n in ("zeta", "alpha")] == ["plugin 'estate'", "document 'a-more'"]
    assert model.fields["active"].required
    assert model.schema["allOf"][0]["required"] == ["name"]


def test_a_field_that_is_there_is_kept_and_the_later_one_set_aside() -> None:
    model = contact(document("d", properties={"name": {"type": "integer"}, "mine": {"type": "integer"}}))
    assert model.fields["name"].type.kind is Kind.TEXT
    assert list(model.schema["allOf"][1]["properties"]) == ["mine"]
    assert model.validate({"name": "Anna"}) == []


def test_names_and_titles_that_are_not_given() -> None:
    model = contact()
    assert (model.label, model.plural, model.title, model.history, model.icon) == (
        "Contact",
        "Contacts",
        "{name}",
        True,
        None,
    )
    told = contact(label="Person", plural="People", title="{number}", icon="p", history=False)
    assert (told.label, told.plural, told.title, told.history, told.icon) == (
        "Person",
        "People",
        "{number}",
        False,
        "p",
    )
    assert [plural_of(word) for word in ("Company", "Key", "Box", "Lease")] == ["Companies", "Keys", "Boxes", "Leases"]
    fields = build_fields({"properties": {"n": {"type": "integer"}, "code": {"type": "string"}}}, BASE)
    assert default_title(fields) == "{code}"
    assert default_title({}) == "{id}"


def test_pipelines_add_their_system_fields() -> None:
    model = build_entity(CONTACT, source=BASE, pipelines={"main": ["a", "b"]})
    assert model.pipelines == ("main",)
    assert model.fields["stage"].choices == ("a", "b")
    assert "stage" not in contact().fields


@pytest.mark.parametrize(
    "price",
    [
        {"x-crm": {"money": True}, "minimum": 5},
        {"type": "number", "minimum": 5, "x-crm": {"money": True}},
        {"type": "object", "properties": {"amount": {"minimum": 5}}, "x-crm": {"money": True}},
    ],
)
def test_limits_of_money_are_limits_of_its_amount(price: dict[str, Any]) -> None:
    body = {"name": "offer", "schema": {"properties": {"price": price}}}
    model = build_entity(body, source=BASE)
    canonical = model.fields["price"].type.canonical

    def faults(value: Any) -> list[tuple[str, str]]:
        found = model.validate({"price": canonical(value, ValueContext())})
        return [(fault.pointer, fault.code) for fault in found]

    assert faults({"amount": Decimal("5.00")}) == []
    assert faults({"amount": Decimal("4.99")}) == [("/price/amount", "minimum")]
    assert faults({"currency": "EUR"}) == [("/price/amount", "required")]
    assert faults({"amount": 7, "currency": "EUR", "x": 1}) == [("/price/x", "additionalProperties")]
    assert faults(7) == [("/price", "type")]


def test_rules_on_money_speak_of_its_amount_too() -> None:
    low = {"properties": {"price": {"minimum": 5}, "x": {"minimum": 1}, "flag": True}}
    rules = {
        "if": low,
        "then": {"required": ["x"]},
        "allOf": [True, {"not": {"properties": {"price": {"const": 1}, "x": {}}, "required": ["x", "price"]}}],
        "dependentSchemas": {
            "x": {"properties": {"price": {"maximum": 9, "properties": {"amount": {"minimum": 2}}}}},
            "price": True,
        },
    }
    properties = {"price": {"x-crm": {"money": True}}, "x": {"type": "integer"}, "flag": {"type": "boolean"}}
    schema = {"properties": {**properties}, **rules}
    model = build_entity({"name": "offer", "schema": schema}, source=BASE)

    def codes(amount: str, **more: Any) -> list[tuple[str, str]]:
        record = {"price": {"amount": Decimal(amount), "currency": "EUR"}, **more}
        return [(fault.pointer, fault.code) for fault in model.validate(record)]

    assert codes("4") == []
    assert codes("5") == [("/x", "required")]
    assert codes("10", x=1) == [("/price/amount", "maximum")]
    assert codes("1", x=1) == [("/price/amount", "minimum")]


def test_references_of_two_parts_lead_into_their_own() -> None:
    one = document("one", properties={"a": {"$ref": "#/$defs/x"}}, **{"$defs": {"x": {"type": "string"}}})
    two = document("two", properties={"b": {"$ref": "#/$defs/x"}}, **{"$defs": {"x": {"type": "integer"}}})
    model = contact(one, two)
    assert model.validate({"name": "n", "a": "text", "b": 5}) == []
    assert [f.pointer for f in model.validate({"name": "n", "a": 5, "b": "text"})] == ["/a", "/b"]


def test_two_parts_may_use_the_same_id() -> None:
    def part(name: str, field: str, type: str) -> Part:
        value = {"type": "array", "items": {"$ref": "urn:item"}, "$defs": {"i": {"$id": "urn:item", "type": type}}}
        return document(name, properties={field: value})

    model = contact(part("one", "a", "string"), part("two", "b", "integer"))
    assert model.validate({"name": "n", "a": ["x"], "b": [1]}) == []
    assert [f.pointer for f in model.validate({"name": "n", "a": [1], "b": ["x"]})] == ["/a/0", "/b/0"]


def company(**properties: Any) -> EntityModel:
    schema = {"properties": {"name": {"type": "string"}, **properties}}
    return build_entity({"name": "company", "schema": schema}, source=PLUGIN)


@pytest.mark.contract("documents.md#x-reference")
def test_reverse_names() -> None:
    activity = build_entity(
        {"name": "activity", "schema": {"properties": {"about": {"x-crm": {"reference": "*"}}}}}, source=BASE
    )
    models = with_reverses({"contact": contact(), "company": company(), "activity": activity})
    assert {name: list(model.reverses) for name, model in models.items()} == {
        "contact": ["activity_by_about"],
        "company": ["contacts", "activity_by_about"],
        "activity": ["activity_by_about"],
    }
    assert models["company"].reverses["contacts"] == ("contacts", "contact", "company")
    assert reverse_clashes(models) == []


@pytest.mark.contract("documents.md#one-namespace")
def test_reverse_names_that_are_taken() -> None:
    deal = build_entity(
        {
            "name": "deal",
            "schema": {"properties": {"buyer": {"x-crm": {"reference": "company", "reverse": "contacts"}}}},
        },
        source=Source("plugin", "sales"),
    )
    lead = {"name": {"type": "string"}, "of": {"x-crm": {"reference": "nosuch"}}}
    leads = build_entity({"name": "lead", "schema": {"properties": lead}}, source=BASE)
    taken = {"contact": contact(), "company": company(contacts={"type": "integer"}), "lead": leads}
    assert [(t, r.entity, str(s)) for t, r, s in reverse_clashes(taken)] == [("company", "contact", "plugin 'estate'")]
    assert with_reverses(taken)["company"].reverses == {}
    twice = {"contact": contact(), "company": company(), "deal": deal}
    assert [(t, r.entity, str(s)) for t, r, s in reverse_clashes(twice)] == [("company", "deal", "builtin 'base'")]
    assert with_reverses(twice)["company"].reverses["contacts"].entity == "contact"


def test_lists_of_references_say_to_what() -> None:
    people = {"type": "array", "items": {"type": "string", "x-crm": {"reference": "contact"}}}
    fields = build_fields({"properties": {"people": people, "name": {"type": "string"}, "l": {"type": "array"}}}, BASE)
    assert [field.item_reference for field in fields.values()] == ["contact", None, None]
