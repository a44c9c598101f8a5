"""Faults of records, and agreement with the reference implementation."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_kernel.fields.base import Shape
from crm_kernel.fields.text import Text
from crm_kernel.model import EntityModel, Source
from crm_kernel.schema import Part, build_entity, unknown_members

SOURCE = Source("document", "test")


def model(**schema: Any) -> EntityModel:
    return build_entity({"name": "thing", "schema": schema}, source=SOURCE)


def faults(record: dict[str, Any], **schema: Any) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in model(**schema).validate(record)]


def detail(value: Any, **schema: Any) -> str:
    found = model(properties={"annual_budget": schema}).validate({"annual_budget": value})
    assert len(found) == 1
    return found[0].detail


ANY: dict[str, Any] = {"a": {}, "b": {}, "c": {}, "d": {}}


@pytest.mark.contract("documents.md#null-is-absent")
def test_a_null_is_absent() -> None:
    properties = {"a": {"type": "string"}, "b": {"type": "integer"}}
    assert faults({"a": None, "b": None}, properties=properties, required=["a"]) == [("/a", "required")]
    assert faults({"a": "x", "b": None}, properties=properties, required=["a"]) == []


@pytest.mark.contract("http-api.md#fault-keyword", "http-api.md#fault-pointer")
@pytest.mark.parametrize(
    ("schema", "record", "expected"),
    [
        ({"required": ["a", "b"]}, {}, [("/a", "required"), ("/b", "required")]),
        (
            {"dependentRequired": {"a": ["b", "c"]}},
            {"a": 1},
            [("/b", "dependentRequired"), ("/c", "dependentRequired")],
        ),
        ({"properties": {**ANY, "a": {"minimum": 3}}}, {"a": 2}, [("/a", "minimum")]),
        ({"properties": {**ANY, "a": {"enum": [1]}}}, {"a": 2}, [("/a", "enum")]),
        ({"properties": {**ANY, "a": {"format": "date"}}}, {"a": "x"}, [("/a", "format")]),
        (
            {"properties": {**ANY, "a": {"additionalProperties": False}}},
            {"a": {"x": 1, "y/z": 2}},
            [("/a/x", "additionalProperties"), ("/a/y~1z", "additionalProperties")],
        ),
        (
            {"properties": {**ANY, "a": {"properties": {"k": {}}, "additionalProperties": False}}},
            {"a": {"k": 1, "x": 1, "y": 2}},
            [("/a/x", "additionalProperties"), ("/a/y", "additionalProperties")],
        ),
        (
            {"properties": {**ANY, "a": {"patternProperties": {"^k": {}}, "additionalProperties": False}}},
            {"a": {"k": 1, "x": 1}},
            [("/a/x", "additionalProperties")],
        ),
        (
            {"properties": {**ANY, "a": {"allOf": [{"properties": {"k": {}}}], "unevaluatedProperties": False}}},
            {"a": {"k": 1, "x": 1, "y": 2}},
            [("/a/x", "unevaluatedProperties"), ("/a/y", "unevaluatedProperties")],
        ),
        (
            {"properties": {**ANY, "a": {"additionalProperties": {"type": "string"}}}},
            {"a": {"x": 1}},
            [("/a/x", "type")],
        ),
        ({"properties": {**ANY, "a": {"required": ["x"]}}}, {"a": {}}, [("/a/x", "required")]),
        ({"properties": {**ANY, "a": {"items": {"maxLength": 1}}}}, {"a": ["x", "yy"]}, [("/a/1", "maxLength")]),
        ({"properties": {**ANY, "a": {"propertyNames": {"maxLength": 1}}}}, {"a": {"xx": 1}}, [("/a", "maxLength")]),
        (
            {"properties": {**ANY, "a": {"contains": {"const": 1}, "minContains": 2}}},
            {"a": [1]},
            [("/a", "minContains")],
        ),
        ({"properties": {**ANY, "minimum": {"minimum": 1}}}, {"minimum": 0}, [("/minimum", "minimum")]),
    ],
)
def test_code_and_pointer(schema: dict[str, Any], record: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert faults(record, **{"properties": ANY, **schema}) == expected


@pytest.mark.contract("http-api.md#fault-branches")
@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"if": {"required": ["a"]}, "then": {"required": ["b"]}}, [("/b", "required")]),
        ({"if": {"required": ["d"]}, "else": {"required": ["b"]}}, [("/b", "required")]),
        (
            {"allOf": [{"required": ["b"]}, {"properties": {"a": {"maximum": 0}}}]},
            [("/a", "maximum"), ("/b", "required")],
        ),
        ({"allOf": [{"$ref": "#/$defs/r"}], "$defs": {"r": {"required": ["b"]}}}, [("/b", "required")]),
        ({"dependentSchemas": {"a": {"required": ["b"]}}}, [("/b", "required")]),
        ({"anyOf": [{"required": ["b"]}, {"required": ["c"]}]}, [("", "anyOf")]),
        ({"oneOf": [{"required": ["a"]}, {"properties": {"a": {"type": "integer"}}}]}, [("", "oneOf")]),
        ({"oneOf": [{"required": ["b"]}, {"required": ["c"]}]}, [("", "oneOf")]),
        ({"not": {"required": ["a"]}}, [("", "not")]),
        ({"allOf": [{"properties": {"a": False}}]}, [("/a", "properties")]),
        ({"then": False, "if": True}, [("", "then")]),
        ({"allOf": [False]}, [("", "allOf")]),
        ({"dependentSchemas": {"a": False}}, [("", "dependentSchemas")]),
        ({"allOf": [{"$ref": "#/$defs/no"}], "$defs": {"no": False}}, [("", "$ref")]),
    ],
)
def test_faults_of_branches(rule: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert faults({"a": 1}, properties=ANY, **rule) == expected


@pytest.mark.contract("http-api.md#fault-multiple-of")
def test_multiple_of_is_decimal() -> None:
    properties = {"a": {"type": "number", "multipleOf": Decimal("0.01")}}
    assert faults({"a": 4.35}, properties=properties) == []
    assert faults({"a": Decimal("4.355")}, properties=properties) == [("/a", "multipleOf")]
    nested = {"a": {"anyOf": [{"multipleOf": 0.1}, {"multipleOf": 7}]}}
    assert faults({"a": Decimal("0.3")}, properties=nested) == []
    assert faults({"a": Decimal("0.35")}, properties=nested) == [("/a", "anyOf")]


@pytest.mark.contract("http-api.md#fault-order")
def test_faults_are_ordered_and_told_once() -> None:
    body = {"name": "thing", "schema": {"properties": {"b": {"minLength": 9, "maxLength": 1}, "a": {"minimum": 5}}}}
    twice = Part(
        Source("document", "more"), {"required": ["c", "a"], "allOf": [{"required": ["c"]}], "properties": {"c": {}}}
    )
    found = build_entity(body, source=SOURCE, documents=[twice]).validate({"b": "two", "a": 1})
    assert [(fault.pointer, fault.code) for fault in found] == [
        ("/a", "minimum"),
        ("/b", "maxLength"),
        ("/b", "minLength"),
        ("/c", "required"),
    ]


@pytest.mark.parametrize(
    ("value", "schema", "sentence"),
    [
        (-5, {"minimum": 0}, "Annual budget must be at least 0, got -5."),
        (Decimal("9.5"), {"maximum": 9, "title": "Budget"}, "Budget must be at most 9, got 9.5."),
        (0, {"exclusiveMinimum": 0}, "Annual budget must be more than 0, got 0."),
        (9, {"exclusiveMaximum": 9}, "Annual budget must be less than 9, got 9."),
        ("x", {"type": ["integer", "boolean"]}, "Annual budget must be true or false or a whole number, got 'x'."),
        ([1], {"type": "string"}, "Annual budget must be a text."),
        (True, {"type": "null"}, "Annual budget must be null, got true."),
        ("c", {"enum": ["a", None]}, "Annual budget must be one of 'a', null, got 'c'."),
        (
            "c",
            {"enum": list(range(20))},
            "Annual budget must be one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 …, got 'c'.",
        ),
        ("c", {"const": "a"}, "Annual budget must be 'a', got 'c'."),
        ("c", {"const": [1]}, "Annual budget must be another value, got 'c'."),
        ("c" * 70, {"maxLength": 5}, f"Annual budget may have at most 5 characters, got '{'c' * 60}…'."),
        ("", {"minLength": 1}, "Annual budget needs at least 1 character, got ''."),
        ("x", {"format": "email"}, "Annual budget must be an e-mail address, got 'x'."),
        ("x", {"format": "ipv4"}, "Annual budget must be of the format ipv4, got 'x'."),
        ("x", {"pattern": "^y"}, "Annual budget must match the pattern ^y, got 'x'."),
        ([1, 1], {"uniqueItems": True}, "Annual budget may not have an entry twice."),
        ([], {"minItems": 1}, "Annual budget needs at least 1 entry."),
        ([1], {"maxItems": 0}, "Annual budget may have at most 0 entries."),
        ({}, {"minProperties": 1}, "Annual budget needs at least 1 member."),
        ({"a": 1}, {"maxProperties": 0}, "Annual budget may have at most 0 members."),
        (5, {"multipleOf": 2}, "Annual budget must be a multiple of 2, got 5."),
        ([], {"contains": True}, "Annual budget lacks an entry that must be there."),
        (
            [1],
            {"contains": True, "maxContains": 0, "minContains": 0},
            "Annual budget has too many entries of one sort.",
        ),
        (1, {"anyOf": [False]}, "Annual budget fits none of the allowed forms."),
        (1, {"not": True}, "Annual budget has a value that is ruled out."),
        (1, {"oneOf": [True, True]}, "Annual budget must fit exactly one of the allowed forms."),
        (
            [1, 2],
            {"prefixItems": [True], "unevaluatedItems": False},
            "Annual budget has more entries than are allowed.",
        ),
        ({"xx": 1}, {"propertyNames": {"maxLength": 1}}, "Annual budget is not allowed here."),
        ({"a": [0]}, {"properties": {"a": {"items": {"minimum": 1}}}}, "Annual budget a 1 must be at least 1, got 0."),
        ({}, {"required": ["x"]}, "Annual budget x is required."),
        ({"x": 1}, {"additionalProperties": False}, "Annual budget x is not expected here."),
        (Decimal("1E+30"), {"maximum": 1}, "Annual budget must be at most 1, got 1E+30."),
        ("geheim", {"maxLength": 1, "x-crm": {"sensitive": True}}, "Annual budget may have at most 1 character."),
    ],
)
def test_sentences(value: Any, schema: dict[str, Any], sentence: str) -> None:
    assert detail(value, **schema) == sentence


def test_a_rule_of_the_record_speaks_of_the_record() -> None:
    found = model(properties=ANY, anyOf=[{"required": ["b"]}, {"required": ["c"]}]).validate({"a": 1})
    assert found[0].detail == "The record fits none of the allowed forms."


def test_members_that_are_no_fields_are_left_out() -> None:
    thing = model(properties={"a": {}}, allOf=[{"not": {"required": ["a", "owner", "zzz"]}}])
    record = {"a": 1, "owner": "x", "zzz": 1}
    assert thing.validate(record) == []
    assert [fault.code for fault in thing.validate(record, only_known=False)] == ["not"]


@pytest.mark.parametrize("value", [object(), {1: 2}, [b"x"], {"a": [{1}]}])
def test_what_is_no_json_is_a_fault_of_its_field(value: Any) -> None:
    thing = model(properties={"a": {"const": 1}, "b": {"type": "array", "items": {"type": "integer"}}})
    assert ("/a", "type") in [(f.pointer, f.code) for f in thing.validate({"a": value, "b": [1]})] or [
        (f.pointer, f.code) for f in thing.validate({"a": value, "b": [1]})
    ] == [("/a", "const")]


def test_the_schema_is_compiled_on_first_use() -> None:
    thing = model(properties={"a": {"pattern": "(?=x)"}})
    with pytest.raises(ValueError, match="regex"):
        thing.validate({"a": "x"})


def test_a_type_may_show_the_schema_another_image_of_its_value() -> None:
    class Backwards(Text):
        @classmethod
        def match(cls, shape: Shape) -> Backwards | None:
            return cls() if shape.schema.get("format") == "backwards" else None

        def validated(self, value: Any) -> Any:
            return value[::-1]

    schema = {"properties": {"a": {"type": "string", "format": "backwards", "pattern": "^ab"}}}
    thing = build_entity({"name": "thing", "schema": schema}, source=SOURCE, types=[Backwards])
    assert thing.validate({"a": "ba"}) == []
    assert [fault.code for fault in thing.validate({"a": "ab"})] == ["pattern"]


def test_unknown_members_have_near_names() -> None:
    thing = model(properties={"budget": {}, "secret": {}})
    found = unknown_members(thing, {"budgte": 1, "secret": 1, "id": 1}, frozenset({"budget", "id"}))
    assert [(fault.pointer, fault.code) for fault in found] == [
        ("/budgte", "unknown_field"),
        ("/secret", "unknown_field"),
    ]
    assert "did you mean 'budget'" in found[0].detail
    assert unknown_members(thing, {"secret": 1}) == []


RULES: list[dict[str, Any]] = [
    {"type": "string", "minLength": 2, "maxLength": 3},
    {"type": ["integer", "null"], "minimum": -3, "exclusiveMaximum": 3},
    {"enum": ["a", 1, None, [1]]},
    {"const": {"a": 1}},
    {"type": "array", "items": {"type": "integer"}, "uniqueItems": True, "maxItems": 3},
    {"prefixItems": [{"type": "integer"}], "items": False},
    {"contains": {"type": "string"}, "maxContains": 1},
    {"type": "object", "required": ["a"], "additionalProperties": {"type": "integer"}},
    {"propertyNames": {"pattern": "^[a-c]$"}, "minProperties": 1},
    {"anyOf": [{"type": "string"}, {"minimum": 1}], "not": {"const": 2}},
    {"oneOf": [{"type": "integer"}, {"minimum": 1}]},
    {"if": {"type": "object"}, "then": {"required": ["b"]}, "else": {"not": {"type": "array"}}},
    {"dependentRequired": {"a": ["b"]}, "dependentSchemas": {"c": {"maxProperties": 1}}},
    {"allOf": [{"properties": {"a": {}}}], "unevaluatedProperties": False},
    {"properties": {"a": {"type": "string"}}, "patternProperties": {"^b": {"type": "integer"}}},
    {"format": "date"},
    {
        "$defs": {"t": {"items": {"$ref": "#/$defs/t"}, "type": ["array", "integer"]}},
        "$ref": "#/$defs/t",
        "$id": "urn:t",
    },
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-4, 4) | st.sampled_from(["", "a", "ab", "abcd", "2026-03-01"]),
    lambda parts: (
        st.lists(parts, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "c", "dd"]), parts, max_size=3)
    ),
    max_leaves=6,
)


@pytest.mark.parametrize("rule", RULES, ids=[",".join(rule) for rule in RULES])
@settings(max_examples=40)
@given(value=VALUES)
def test_the_fast_engine_agrees_with_the_reference(rule: dict[str, Any], value: Any) -> None:
    reference = jsonschema.Draft202012Validator(rule, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
    nested = {"type": "object", "properties": {"value": rule}}
    thing = model(properties={"a": nested})
    assert (thing.validate({"a": {"value": value}}) == []) == reference.is_valid(value)
