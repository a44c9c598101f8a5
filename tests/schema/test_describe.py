from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from crm_kernel.model import EntityModel, Source
from crm_kernel.schema import Part, build_entity, describe
from crm_kernel.schema.describe import list_entities

BODY: dict[str, Any] = {
    "name": "contact",
    "plural": "People",
    "schema": {
        "description": "A person.",
        "properties": {
            "name": {"type": "string", "title": "Full name", "x-crm": {"labels": {"lv": "Vārds"}}},
            "number": {"type": "string", "x-crm": {"autonumber": "C-{0}"}},
            "level": {"type": "integer", "default": 1},
            "secret": {"type": "string"},
        },
        "required": ["name", "number", "level", "secret"],
        "dependentRequired": {"secret": ["name"], "level": ["name"]},
        "allOf": [True, {"if": {"required": ["secret"]}, "then": {"required": ["name"]}}],
    },
}
BUYER: dict[str, Any] = {
    "properties": {
        "tree": {"$ref": "#/$defs/node"},
        "bank": {"type": "object", "properties": {"note": {"$ref": "#/properties/level_note"}}},
        "level_note": {"type": "string"},
        "own": {"$id": "urn:own", "items": {"$ref": "#/$defs/i"}, "$defs": {"i": {"type": "integer"}}},
    },
    "if": {"required": ["tree"]},
    "then": {"required": ["bank"]},
    "else": {"anyOf": [{"$ref": "#/$defs/rule"}]},
    "$defs": {
        "node": {"type": "object", "properties": {"parts": {"type": "array", "items": {"$ref": "#/$defs/node"}}}},
        "rule": {"required": ["name"]},
    },
}


@pytest.fixture
def contact() -> EntityModel:
    return build_entity(BODY, source=Source("builtin", "base"), documents=[Part(Source("document", "buyer"), BUYER)])


@pytest.fixture
def visible(contact: EntityModel) -> set[str]:
    return set(contact.fields) - {"secret", "team"}


@pytest.mark.contract("http-api.md#schema-hidden", "http-api.md#schema-entity")
def test_unreadable_fields_are_absent_and_unwritable_ones_read_only(contact: EntityModel, visible: set[str]) -> None:
    found = describe(contact, visible, {"name", "level", "id", "secret"})
    assert list(found["properties"]) == [name for name in contact.fields if name in visible]
    assert "secret" not in str(found)
    read_only = {name for name, schema in found["properties"].items() if schema.get("readOnly")}
    assert read_only == visible - {"name", "level"}


def test_only_what_must_be_sent_is_required(contact: EntityModel, visible: set[str]) -> None:
    assert describe(contact, visible, {"name", "level"})["required"] == ["name"]
    assert "required" not in describe(contact, visible, {"level"})


@pytest.mark.contract("documents.md#x-labels")
def test_titles_and_x_crm_are_told(contact: EntityModel, visible: set[str]) -> None:
    found = describe(contact, visible, visible)
    assert found["properties"]["name"] == {"type": "string", "title": "Full name", "x-crm": {"labels": {"lv": "Vārds"}}}
    assert found["properties"]["level"]["title"] == "Level"
    assert describe(contact, visible, visible, locale="lv")["properties"]["name"]["title"] == "Vārds"
    assert describe(contact, visible, visible, locale="pl")["properties"]["name"]["title"] == "Full name"
    assert (found["title"], found["description"], found["x-crm"]["plural"]) == ("Contact", "A person.", "People")
    assert found["x-crm"]["title"] == "{name}"
    assert "title" not in describe(contact, visible - {"name"}, visible)["x-crm"]


def test_rules_stand_beside_the_fields(contact: EntityModel, visible: set[str]) -> None:
    rules = describe(contact, visible, visible)["allOf"]
    assert {"dependentRequired": {"level": ["name"]}} in rules
    assert [set(rule) for rule in rules] == [{"dependentRequired"}, {"if", "then", "else"}]
    everything = set(contact.fields)
    assert len(describe(contact, everything, everything)["allOf"]) == 4


def test_the_answer_is_a_schema_that_stands_alone(contact: EntityModel, visible: set[str]) -> None:
    found = describe(contact, visible, visible)
    jsonschema.Draft202012Validator.check_schema(found)
    validator = jsonschema.Draft202012Validator(found)
    assert validator.is_valid({"name": "n", "tree": {"parts": [{"parts": []}]}, "bank": {"note": "x"}, "own": [1]})
    assert not validator.is_valid({"name": "n", "tree": {"parts": [{"parts": 5}]}, "bank": {}})
    assert not validator.is_valid({"name": "n", "bank": {"note": 5}})
    assert not validator.is_valid({"name": "n", "own": ["x"]})
    assert not validator.is_valid({"name": "n", "tree": {}})
    assert not validator.is_valid({"name": "n", "nosuch": 1})


def test_a_plain_entity_has_neither_rules_nor_definitions() -> None:
    plain = build_entity({"name": "a", "schema": {"properties": {"b": {}}}}, source=Source("document", "a"))
    assert not describe(plain, {"b"}, {"b"}).keys() & {"allOf", "$defs", "required", "description"}


def test_the_list_says_what_the_caller_may_do(contact: EntityModel) -> None:
    class Reader:
        def allows(self, entity: str, action: str) -> bool:
            return (entity, action) == ("contact", "read")

    assert list_entities([contact], Reader())["items"] == [
        {
            "name": "contact",
            "label": "Contact",
            "plural": "People",
            "icon": None,
            "pipelines": [],
            "actions": ["read"],
        }
    ]


@pytest.mark.contract("http-api.md#schema-hidden")
@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"items": {"$ref": "#/properties/secret"}}}},
        {"properties": {"a": {"$ref": "#/$defs/rule"}}},
        {"properties": {"a": {}}, "allOf": [{"$ref": "#/$defs/rule"}]},
        {"properties": {"a": {}}, "not": {"allOf": [{"$ref": "#/$defs/again"}]}},
        {"properties": {"a": {"items": {"$ref": "#"}}}},
        {"properties": {"a": {"$dynamicRef": "#it", "$ref": "#/properties/b"}, "b": {"$dynamicAnchor": "it"}}},
    ],
)
def test_no_reference_leads_to_what_is_hidden(schema: dict[str, Any]) -> None:
    rule = {"properties": {"secret": {"minLength": 3}}}
    defs = {"rule": rule, "again": {"anyOf": [{"$ref": "#/$defs/rule"}, {"$ref": "#/$defs/again"}]}}
    properties = {**schema["properties"], "secret": {"type": "string", "description": "classified"}}
    body = {"name": "thing", "schema": {**schema, "properties": properties, "$defs": defs}}
    thing = build_entity(body, source=Source("document", "t"))
    found = describe(thing, {"a", "b"}, {"a", "b"})
    jsonschema.Draft202012Validator.check_schema(found)
    assert jsonschema.Draft202012Validator(found).is_valid({"a": []})
    assert "secret" not in str(found)
    assert "classified" not in str(found)
