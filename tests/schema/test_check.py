"""Every rule of docs/documents.md on schemas, told at its pointer."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_kernel.fields.base import FieldType
from crm_kernel.fields.number import Integer
from crm_kernel.fields.text import Text
from crm_kernel.model import SYSTEM, Source
from crm_kernel.schema import build_entity, check_schema, describe, title_faults

BASE = Source("plugin", "base")
KNOWN = {"name": BASE, "viewings": Source("plugin", "real_estate"), "owner": SYSTEM}

BUYER: dict[str, Any] = {
    "properties": {
        "budget": {
            "type": "number",
            "minimum": 0,
            "title": "Budget",
            "x-crm": {"index": True, "group": "Search", "labels": {"lv": "Budžets", "pl": "Budżet"}},
        },
        "purchase_type": {"enum": ["cash", "mortgage"]},
        "bank": {"type": "string", "maxLength": 80},
    },
    "if": {"properties": {"purchase_type": {"const": "mortgage"}}, "required": ["purchase_type"]},
    "then": {"required": ["bank"]},
}


def found(schema: Any, **more: Any) -> list[tuple[str, str]]:
    faults = check_schema(schema, known=KNOWN, **more)
    return sorted((fault.pointer.removeprefix("/schema"), fault.code) for fault in faults)


def nested(schema: Any, levels: int) -> Any:
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


def test_the_example_of_the_page_is_sound() -> None:
    assert found(BUYER) == []


@pytest.mark.contract("documents.md#properties-define")
@pytest.mark.parametrize(
    ("rule", "pointer"),
    [
        ({"required": ["a", "nosuch"]}, "/required/1"),
        ({"if": {"properties": {"nosuch": {}}}}, "/if/properties/nosuch"),
        ({"then": {"required": ["nosuch"]}}, "/then/required/0"),
        ({"else": {"not": {"required": ["nosuch"]}}}, "/else/not/required/0"),
        ({"allOf": [{}, {"anyOf": [{"required": ["nosuch"]}]}]}, "/allOf/1/anyOf/0/required/0"),
        ({"dependentRequired": {"a": ["b", "nosuch"]}}, "/dependentRequired/a/1"),
        ({"dependentRequired": {"nosuch": []}}, "/dependentRequired/nosuch"),
        ({"dependentSchemas": {"nosuch": {}}}, "/dependentSchemas/nosuch"),
        ({"dependentSchemas": {"a": {"required": ["nosuch"]}}}, "/dependentSchemas/a/required/0"),
        ({"allOf": [{"$ref": "#/$defs/r"}], "$defs": {"r": {"required": ["nosuch"]}}}, "/$defs/r/required/0"),
    ],
)
def test_names_must_exist(rule: dict[str, Any], pointer: str) -> None:
    assert found({"properties": {"a": {}, "b": {}}, **rule}) == [(pointer, "unknown_field")]


@pytest.mark.contract("documents.md#properties-define")
def test_members_of_nested_values_are_their_own_matter() -> None:
    inner = {"type": "object", "properties": {"x__Y": {}, "owner": {}}, "required": ["nosuch"]}
    assert found({"properties": {"a": inner}, "$defs": {"unused": {"required": ["nosuch"]}}}) == []


@pytest.mark.contract("documents.md#declared-constrained")
def test_declared_and_system_fields_may_be_constrained() -> None:
    rule = {"if": {"properties": {"name": {"minLength": 3}, "stage": {"const": "x"}}}, "then": {"required": ["owner"]}}
    assert found({"allOf": [rule], "dependentSchemas": {"team": rule}}) == []


@pytest.mark.contract("documents.md#declared-not-redefined", "documents.md#one-namespace")
@pytest.mark.parametrize("name", ["name", "viewings", "owner"])
def test_names_that_are_there_are_not_redefined(name: str) -> None:
    faults = check_schema({"properties": {name: {"type": "string"}}}, known=KNOWN)
    assert [(fault.pointer, fault.code) for fault in faults] == [(f"/schema/properties/{name}", "redefined")]
    assert str(KNOWN[name]) in faults[0].detail


def test_a_field_may_be_given_to_the_plugin_that_took_its_name() -> None:
    same: dict[str, FieldType] = {"name": Text(), "viewings": Integer()}
    adopt = {"type": "string", "x-crm": {"adopt": True}}
    assert found({"properties": {"name": adopt}}, same=same) == []
    assert found({"properties": {"viewings": adopt}}, same=same) == [("/properties/viewings", "redefined")]
    wrong = {"type": "string", "x-crm": {"adopt": 1}}
    assert ("/properties/name", "redefined") in found({"properties": {"name": wrong}}, same=same)
    assert ("/properties/name", "redefined") in found({"properties": {"name": True}}, same=same)


@pytest.mark.contract("documents.md#top-level-refused")
@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("additionalProperties", False),
        ("unevaluatedProperties", False),
        ("patternProperties", {"^x": {}}),
        ("propertyNames", {}),
        ("minProperties", 1),
        ("maxProperties", 9),
        ("$id", "urn:x"),
        ("$schema", "https://json-schema.org/draft/2020-12/schema"),
    ],
)
def test_the_top_level_is_shared(keyword: str, value: Any) -> None:
    assert found({"properties": {}, keyword: value}) == [(f"/{keyword}", "keyword")]
    assert found({"allOf": [{keyword: value}]}) == [(f"/allOf/0/{keyword}", "keyword")]


@pytest.mark.contract("documents.md#nested-whole-draft")
def test_inside_nested_values_the_whole_draft_is_allowed() -> None:
    value = {
        "$id": "urn:example:value",
        "type": "object",
        "additionalProperties": False,
        "unevaluatedProperties": False,
        "patternProperties": {"^x-": {"$dynamicRef": "#node"}},
        "propertyNames": {"maxLength": 9},
        "minProperties": 1,
        "maxProperties": 9,
        "$dynamicAnchor": "node",
        "$defs": {"y": {"$ref": "#/properties/p"}},
        "properties": {"p": {"contains": {"const": 1}, "prefixItems": [{}], "unevaluatedItems": False}},
    }
    assert found({"properties": {"a": value}}) == []


@pytest.mark.contract("documents.md#ref-same-document")
@pytest.mark.parametrize(
    "ref",
    [
        *[
            "#/$defs/x",
            "#ex",
            "#/properties/own",
            "urn:example:own",
            "urn:example:own#inner",
            "#",
            "http://t.example/o",
        ],
        "https://json-schema.org/draft/2020-12/schema",
    ],
)
def test_references_reach_the_same_document(ref: str) -> None:
    own = {"$id": "urn:example:own", "$defs": {"i": {"$anchor": "inner"}}}
    properties = {"own": own, "web": {"$id": "http://t.example/o"}, "a": {"items": {"$ref": ref}}}
    assert found({"properties": properties, "$defs": {"x": {"$anchor": "ex"}}}) == []


@pytest.mark.contract("documents.md#ref-same-document")
@pytest.mark.parametrize(
    "ref",
    [
        "#/$defs/y",
        "#nosuch",
        "other.json",
        "https://example.org/x.json",
        "file:///etc/passwd",
        "https://json-schema.org/draft/2020-12/meta/core",
        "urn:example:own#nosuch",
    ],
)
def test_references_reach_nothing_else(ref: str) -> None:
    schema = {"properties": {"a": {"items": {"$ref": ref}}, "own": {"$id": "urn:example:own"}}, "$defs": {"x": {}}}
    assert found(schema) == [("/properties/a/items/$ref", "reference")]


def test_a_relative_id_is_read_against_the_one_around_it() -> None:
    inner = {"$id": "http://t.example/dir/outer", "items": {"$id": "inner", "type": "string"}, "not": {"$ref": "inner"}}
    assert found({"properties": {"a": inner}}) == []


@pytest.mark.contract("documents.md#linear-patterns")
def test_patterns() -> None:
    schema = {"properties": {"a": {"pattern": "(?=x)"}, "b": {"patternProperties": {r"(a)\1": {}, "^ok$": {}}}}}
    assert found(schema) == [
        ("/properties/a/pattern", "pattern"),
        (r"/properties/b/patternProperties/(a)\1", "pattern"),
    ]


@pytest.mark.parametrize(
    ("schema", "faults"),
    [
        (5, [("", "type")]),
        ({"properties": {"a": 5}}, [("/properties/a", "type")]),
        ({"properties": {"a": {"type": "strin"}}}, [("/properties/a/type", "enum")]),
        ({"properties": {"a": {"minLength": -1}}}, [("/properties/a/minLength", "minimum")]),
        ({"properties": []}, [("/properties", "type")]),
        ({"required": "a"}, [("/required", "type")]),
        ({"properties": {"a": {"pattern": 5}}}, [("/properties/a/pattern", "type")]),
        ({"properties": {"a": {"$anchor": "1"}}}, [("/properties/a/$anchor", "pattern")]),
    ],
)
def test_it_is_a_json_schema(schema: Any, faults: list[tuple[str, str]]) -> None:
    assert found(schema) == faults


@pytest.mark.contract("documents.md#names", "documents.md#names-reserved")
def test_names_of_fields() -> None:
    properties: dict[str, Any] = {name: {} for name in ["A", "a__b", "and", "value", "id", "rotting", "fine"]}
    codes = dict(found({"properties": properties}))
    assert codes == {
        "/properties/A": "pattern",
        "/properties/a__b": "pattern",
        "/properties/and": "reserved",
        "/properties/value": "reserved",
        "/properties/id": "reserved",
        "/properties/rotting": "reserved",
    }


@pytest.mark.parametrize(
    ("crm", "pointer", "code"),
    [
        ({"indexed": True}, "/x-crm", "type"),
        ({"index": "yes"}, "/x-crm", "type"),
        ("index", "/x-crm", "type"),
        ({"decimal": 13}, "/x-crm/decimal", "maximum"),
        ({"decimal": -1}, "/x-crm/decimal", "maximum"),
        ({"autonumber": "LV"}, "/x-crm", "format"),
        ({"reference": "nosuch"}, "/x-crm/reference", "reference"),
        ({"reference": "contact", "reverse": "a b"}, "/x-crm/reverse", "pattern"),
        ({"reference": "contact", "reverse": "and"}, "/x-crm/reverse", "pattern"),
        ({"money": True, "phone": True}, "/x-crm", "oneOf"),
    ],
)
def test_x_crm(crm: Any, pointer: str, code: str) -> None:
    assert found({"properties": {"a": {"x-crm": crm}}}, entities={"contact"}) == [(f"/properties/a{pointer}", code)]


def test_any_entity_may_be_referred_to_where_none_are_known_yet() -> None:
    assert found({"properties": {"a": {"x-crm": {"reference": "nosuch"}}}}) == []
    assert found({"properties": {"a": {"x-crm": {"reference": "*"}}}}, entities=set()) == []


def test_a_default_is_a_value_of_its_field() -> None:
    date = {"type": "string", "format": "date"}
    properties = {
        "a": {**date, "default": "soon"},
        "b": {**date, "default": None},
        "c": {**date, "default": "2026-03-01"},
    }
    assert found({"properties": properties}) == [("/properties/a/default", "format")]


@pytest.mark.contract("documents.md#schema-limits")
def test_at_most_500_fields_an_entity() -> None:
    properties = {f"f{n}": {} for n in range(498)}
    assert found({"properties": properties}) == []
    assert found({"properties": {**properties, "one_more": {}}}) == [("/properties", "limit")]


@pytest.mark.contract("documents.md#schema-limits")
def test_at_most_sixteen_levels() -> None:
    assert found({"properties": {"a": nested({}, 15)}}) == []
    assert [code for _, code in found({"properties": {"a": nested({}, 16)}})] == ["limit"]
    assert [code for _, code in found({"properties": {"a": nested({}, 3000)}})] == ["limit"]
    value: Any = 1
    for _ in range(3000):
        value = [value]
    assert [code for _, code in found({"properties": {"a": {"const": value}}})] == ["limit"]


@pytest.mark.contract("documents.md#schema-limits")
def test_at_most_256_kib() -> None:
    assert found({"properties": {"a": {"description": "x" * 260_000}}}) == []
    assert found({"properties": {"a": {"description": "x" * 262_144}}}) == [("", "limit")]


@pytest.mark.parametrize(
    ("value", "code"),
    [("\ud800", "format"), (object(), "type"), ({1: 2}, "type"), (float("nan"), None), ({1, 2}, "type")],
)
def test_a_plugins_dict_may_hold_anything(value: Any, code: str | None) -> None:
    faults = found({"properties": {"a": {"title": value}}})
    assert faults
    assert code is None or faults == [("", code)]


NAMES = st.sampled_from(["a", "b", "owner", "stage", "x__y", "and", "$ref", "é", "", "name"])
LINKS = st.sampled_from(
    ["#", "#/properties/a", "#a", "urn:x", "http://[x", "http://t.example/a", "a/b", "#/%", "//", "#/allOf/-1", "1:2"]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from(["", "a", "string", "integer", "object", "array", "date", "regex", "(?=x)", "^a$", "("])
)
VALUES = st.recursive(
    SCALARS, lambda parts: st.lists(parts, max_size=3) | st.dictionaries(NAMES, parts, max_size=3), max_leaves=5
)
CRM = st.dictionaries(st.sampled_from(["money", "decimal", "reference", "phone", "autonumber", "adopt", "x"]), SCALARS)
LEAVES = ["type", "enum", "const", "minimum", "maxLength", "pattern", "format", "default", "multipleOf", "title"]


def schemas(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    named, listed = st.dictionaries(NAMES, parts, max_size=3), st.lists(parts, max_size=3)
    keywords = {
        **dict.fromkeys(LEAVES, SCALARS),
        **dict.fromkeys(["properties", "patternProperties", "dependentSchemas", "$defs"], named),
        **dict.fromkeys(["allOf", "anyOf", "prefixItems"], listed),
        **dict.fromkeys(["items", "not", "if", "then", "else", "additionalProperties", "contains"], parts),
        **dict.fromkeys(["$ref", "$id", "$dynamicRef"], LINKS),
        **dict.fromkeys(["$anchor", "$dynamicAnchor"], st.sampled_from(["a", "x"])),
        "required": st.lists(NAMES, max_size=2),
        "dependentRequired": st.dictionaries(NAMES, st.lists(NAMES, max_size=2), max_size=2),
        "x-crm": CRM,
    }
    wanted = st.lists(st.sampled_from(sorted(keywords)), max_size=5, unique=True)
    return wanted.flatmap(lambda names: st.fixed_dictionaries({name: keywords[name] for name in names}))


@given(st.recursive(SCALARS | st.just({}), schemas, max_leaves=12), st.dictionaries(NAMES, VALUES, max_size=3))
def test_whatever_passes_can_be_built_run_and_described(part: Any, record: dict[str, Any]) -> None:
    for schema in (part, {"properties": {"a": part, "b": {}}}):
        if check_schema(schema, entities={"name"}) == []:
            model = build_entity({"name": "thing", "schema": schema}, source=BASE)
            model.validate(record)
            describe(model, set(model.fields), set(model.fields))


def test_titles_speak_of_fields() -> None:
    faults = title_faults("{number} {tenant.name} {nosuch.x}", {"number", "tenant"})
    assert [(fault.pointer, fault.code) for fault in faults] == [("/title", "unknown_field")]
    assert "nosuch.x" in faults[0].detail
    assert title_faults("plain", set()) == []
