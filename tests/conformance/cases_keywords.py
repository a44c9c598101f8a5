"""Cases of nested values and of rules between fields: arrays, objects, branches, references within the document."""

# One line a case:
# fmt: off
from __future__ import annotations

from typing import Any

from tests.conformance.table import Stored, one, whole

TEXT = {"type": "string"}
INTEGER = {"type": "integer"}
ABC: dict[str, Any] = {"a": {}, "b": {}, "c": {}, "d": {}}
ADDRESS: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {**TEXT, "maxLength": 8}, "zip": {"pattern": "^LV-"}},
    "required": ["city"],
}


def deep(levels: int) -> dict[str, Any]:
    """An object in an object …, so many levels of schemas deep."""
    return {"properties": {"in": deep(levels - 1)}, "required": ["in"]} if levels else {"type": "integer"}


def deep_value(levels: int, value: Any) -> Any:
    return {"in": deep_value(levels - 1, value)} if levels else value


ARRAYS = [
    one("items", {"type": "array", "items": INTEGER}, ([1, 2],), ([1, "b", 2, None], "/1 type", "/3 type")),
    one("items_texts", {"type": "array", "items": {**TEXT, "maxLength": 3}}, ([" a "],),
        (["abcd", 5, "Ķīšī"], "/0 maxLength", "/1 type", "/2 maxLength")),
    one("item_counts", {"type": "array", "minItems": 1, "maxItems": 2}, ([1],), ([], "minItems"),
        ([1, 2, 3], "maxItems")),
    one("prefix", {"type": "array", "prefixItems": [INTEGER, TEXT], "items": False}, ([1, "a"],), ([1],), ([],),
        (["a", 1], "/0 type", "/1 type"), ([1, "a", 2, 3], "/2 items", "/3 items")),
    one("prefix_open", {"type": "array", "prefixItems": [INTEGER], "items": TEXT}, ([1, "a", "b"],),
        ([1, 2], "/1 type")),
    one("contains", {"type": "array", "contains": {"const": 1}}, ([2, 1],), ([2], "contains"), ([], "contains")),
    one("contains_some", {"type": "array", "contains": TEXT, "minContains": 2, "maxContains": 3}, (["a", 1, "b"],),
        (["a", 1], "minContains"), (["a", "b", "c", "d"], "maxContains")),
    one("unique", {"type": "array", "uniqueItems": True}, ([1, "1", True, [1]],), ([1, 1.0], "uniqueItems"),
        ([{"a": 1, "b": 2}, {"b": 2, "a": 1}], "uniqueItems"), ([0, False],)),
    one("unevaluated_items", {"type": "array", "prefixItems": [True], "contains": {"const": "x"},
                              "unevaluatedItems": False}, ([1, "x"],), ([1, "x", 2], "unevaluatedItems")),
    one("array_nulls", {"type": "array", "items": {"type": ["integer", "null"]}}, ([None, 1],),
        ([None, ""], "/1 type")),
    one("lists_of_lists", {"type": "array", "items": {"type": "array", "items": INTEGER, "maxItems": 2}},
        ([[1], []],), ([[1, "a"], [1, 2, 3]], "/0/1 type", "/1 maxItems")),
    one("list_of_money", {"type": "array", "items": {"type": "object", "x-crm": {"money": True}}},
        ([{"amount": 1.5, "currency": "EUR"}],), ([{"amount": 1.555, "currency": "EUR"}, 5], "/0/amount scale",
                                                   "/1 type")),
    one("list_of_phones", {"type": "array", "items": {**TEXT, "x-crm": {"phone": True}}}, (["21234567"],),
        (["12", 5, "+37121234567"], "/0 format", "/1 type")),
]

OBJECTS = [
    one("members", ADDRESS, ({"city": "Rīga", "zip": "LV-1050"},), ({"zip": "1050"}, "/city required", "/zip pattern"),
        ({"city": "Daugavpils"}, "/city maxLength")),
    one("no_others", {**ADDRESS, "additionalProperties": False}, ({"city": "Rīga"},),
        ({"city": "Rīga", "lat": 1, "a/b": 2, "c~d": 3}, "/a~1b additionalProperties", "/c~0d additionalProperties",
         "/lat additionalProperties")),
    one("others", {"type": "object", "additionalProperties": INTEGER}, ({"a": 1},), ({"a": "x", "b": 1}, "/a type")),
    one("patterns", {"type": "object", "patternProperties": {"^n_": INTEGER, "_t$": TEXT},
                     "additionalProperties": False}, ({"n_a": 1, "a_t": "x"},),
        ({"n_a": "x", "b": 1}, "/b additionalProperties", "/n_a type"), ({"n_t": 1}, "/n_t type")),
    one("names", {"type": "object", "propertyNames": {"maxLength": 3}}, ({"abc": 1},), ({"abcd": 1}, "maxLength")),
    one("member_counts", {"type": "object", "minProperties": 1, "maxProperties": 2}, ({"a": 1},), ({}, "minProperties"),
        ({"a": 1, "b": 2, "c": 3}, "maxProperties")),
    one("dependent_required", {"type": "object", "dependentRequired": {"a": ["b", "c"]}}, ({"b": 1},),
        ({"a": 1, "b": 2, "c": 3},), ({"a": 1}, "/b dependentRequired", "/c dependentRequired")),
    one("dependent_schemas", {"type": "object", "dependentSchemas": {"a": {"required": ["b"], "maxProperties": 2}}},
        ({"c": 1},), ({"a": 1, "b": 2},), ({"a": 1, "c": 1, "d": 1}, "/b required", "maxProperties")),
    one("unevaluated", {"type": "object", "allOf": [{"properties": {"a": {}}}], "properties": {"b": {}},
                        "unevaluatedProperties": False}, ({"a": 1, "b": 2},),
        ({"a": 1, "x": 1, "y": 2}, "/x unevaluatedProperties", "/y unevaluatedProperties")),
    one("unevaluated_if", {"type": "object", "if": {"properties": {"kind": {"const": "flat"}}, "required": ["kind"]},
                           "then": {"properties": {"floor": INTEGER}}, "unevaluatedProperties": False},
        ({"kind": "flat", "floor": 3},), ({"kind": "house", "floor": 3}, "/floor unevaluatedProperties",
                                          "/kind unevaluatedProperties")),
    one("nested_null", {"type": "object", "properties": {"a": INTEGER}, "required": ["a"]},
        ({"a": None}, "/a type", Stored(["/a required"])), ({"a": 1, "b": None},)),
    one("nested_texts", {"type": "object", "properties": {"a": {"minLength": 3}}}, ({"a": " x "},),
        ({"a": ""}, "/a minLength")),
    one("unicode_names", {"type": "object", "properties": {"mājas": INTEGER, "Дом": INTEGER}, "required": ["үй"]},
        ({"mājas": 1, "үй": 2},), ({"mājas": "x", "Дом": "y"}, "/mājas type", "/Дом type", "/үй required")),
    one("odd_names", {"type": "object", "properties": {"": INTEGER, "a b": INTEGER, "__proto__": INTEGER, "$ref": {}}},
        ({"": "x", "a b": "y", "__proto__": "z", "$ref": "q"}, "/ type", "/__proto__ type", "/a b type")),
    one("names_of_digits", {"type": "object", "additionalProperties": INTEGER, "properties": {"7": False}},
        ({"2": 2},), ({"2": "x", "7": 1, "x": {"3": 4}}, "/2 type", "/7 properties", "/x type")),
    one("empty_names", {"type": "object", "additionalProperties": {"additionalProperties": INTEGER}},
        ({"": {"": 5}},), ({"": {"": "x", "a": "y"}, "b": {"": "z"}}, "// type", "//a type", "/b/ type")),
    one("depth", deep(15), (deep_value(15, 5),), (deep_value(15, "x"), "/in" * 15 + " type"),
        ({"in": 5},), ({"in": {}}, "/in/in required")),
]

BRANCHES = [
    one("all_of", {"allOf": [{"minLength": 3}, {"pattern": "^a"}, {"type": "string"}]}, ("abc",),
        ("b", "minLength", "pattern"), ([1], "type")),
    one("any_of", {"anyOf": [{"type": "string", "maxLength": 2}, {"type": "integer", "minimum": 5}]}, ("ab",), (5,),
        ("abc", "anyOf"), (4, "anyOf"), ([], "anyOf")),
    one("one_of", {"oneOf": [{"multipleOf": 2}, {"multipleOf": 3}]}, (4,), (9,), (6, "oneOf"), (5, "oneOf"),
        ("a", "oneOf")),
    one("not", {"not": {"enum": ["x", 5]}}, ("y",), ("x", "not"), (5, "not")),
    one("branches_of_multiples", {"anyOf": [{"multipleOf": 0.1}, {"const": 0.25}]}, (0.3,), (0.25,), (0.35, "anyOf")),
    one("branch_in_branch", {"anyOf": [{"allOf": [{"minimum": 3}]}, {"not": {"type": "number"}}]}, ("a",), (3,),
        (2, "anyOf")),
    one("if_of_a_value", {"if": {"type": "string"}, "then": {"minLength": 2}, "else": {"minimum": 2}}, ("ab",), (2,),
        ("a", "minLength"), (1, "minimum"), ([],)),
    whole("if_then", {"properties": ABC, "if": {"required": ["a"]}, "then": {"required": ["b"]},
                      "else": {"required": ["c"]}},
          ({"a": 1, "b": 2},), ({"a": 1}, "/b required"), ({"c": 1},), ({"b": 1}, "/c required")),
    whole("if_const", {"properties": {"kind": {"enum": ["flat", "house"]}, "floor": INTEGER, "land": INTEGER},
                       "allOf": [{"if": {"properties": {"kind": {"const": "flat"}}, "required": ["kind"]},
                                  "then": {"required": ["floor"], "properties": {"floor": {"minimum": 1}}}},
                                 {"if": {"properties": {"kind": {"const": "house"}}, "required": ["kind"]},
                                  "then": {"required": ["land"]}}]},
          ({"kind": "flat", "floor": 2},), ({"kind": "flat", "floor": 0}, "/floor minimum"),
          ({"kind": "house"}, "/land required"), ({"kind": "hut"}, "/kind enum"), ({},)),
    whole("if_false", {"properties": ABC, "if": {"required": ["a", "b"]}, "then": False}, ({"a": 1},),
          ({"a": 1, "b": 2}, "then")),
    whole("record_any_of", {"properties": {"email": TEXT, "phone": TEXT},
                            "anyOf": [{"required": ["email"]}, {"required": ["phone"]}]},
          ({"email": "x"},), ({"phone": "y"},), ({}, "anyOf"), ({"email": ""}, "anyOf")),
    whole("record_one_of", {"properties": ABC, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}, ({"a": 1},),
          ({"a": 1, "b": 2}, "oneOf"), ({"c": 1}, "oneOf")),
    whole("record_not", {"properties": ABC, "not": {"required": ["a", "b"]}}, ({"a": 1},), ({"a": 1, "b": 2}, "not")),
    whole("record_all_of", {"properties": ABC, "allOf": [{"required": ["a"]}, {"properties": {"b": {"minimum": 3}}},
                                                         {"dependentRequired": {"b": ["c"]}}]},
          ({"a": 1},), ({"b": 2}, "/a required", "/b minimum", "/c dependentRequired")),
    whole("record_dependent", {"properties": ABC, "dependentRequired": {"a": ["b", "c"]}}, ({"b": 1},), ({"a": None},),
          ({"a": 1, "c": 2}, "/b dependentRequired")),
    whole("record_dependent_schemas", {"properties": ABC, "dependentSchemas": {"a": {"properties": {"b": TEXT},
                                                                                     "required": ["b"]}}},
          ({"b": 5},), ({"a": 1, "b": "x"},), ({"a": 1, "b": 5}, "/b type"), ({"a": 1}, "/b required")),
    whole("several", {"properties": {"a": {**INTEGER, "minimum": 3}, "b": TEXT, "c": {"enum": ["x"]},
                                     "d": {"type": "array", "items": INTEGER}}, "required": ["a", "b"]},
          ({"a": 3, "b": "x"},), ({"a": 1, "c": "y", "d": [1, "z"]}, "/a minimum", "/b required", "/c enum",
                                  "/d/1 type")),
    whole("faulty_and_required", {"properties": {"d": {**TEXT, "format": "date"}, "e": TEXT},
                                  "required": ["d"], "dependentRequired": {"d": ["e"]}},
          ({"d": "2026-01-01", "e": "x"},), ({"d": "soon"}, "/d format", "/e dependentRequired"),
          ({"d": ""}, "/d required")),
    whole("system_fields", {"properties": {"v": INTEGER}, "allOf": [{"properties": {"version": {"maximum": 9}}}]},
          ({"v": 1},), ({"v": "x"}, "/v type")),
]

REFERENCES = [
    one("ref", {"$ref": "#/$defs/score"}, (5,), (-1, "minimum"), ("a", "type"),
        **{"$defs": {"score": {**INTEGER, "minimum": 0}}}),
    one("ref_of_items", {"type": "array", "items": {"$ref": "#/$defs/score"}}, ([5],), ([5, -1], "/1 minimum"),
        **{"$defs": {"score": {**INTEGER, "minimum": 0}}}),
    one("ref_beside", {"$ref": "#/$defs/word", "maxLength": 2}, ("ab",), ("abc", "maxLength"), (5, "type"),
        **{"$defs": {"word": TEXT}}),
    one("ref_to_itself", {"$ref": "#/$defs/node"}, ({"next": {"next": {}}},),
        ({"next": {"next": 5}}, "/next/next type"),
        **{"$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}}}),
    one("ref_false", {"$ref": "#/$defs/no"}, (5, "$ref"), **{"$defs": {"no": False}}),
    one("anchor", {"type": "array", "items": {"$ref": "#word"}}, (["a"],), ([5], "/0 type"),
        **{"$defs": {"w": {"$anchor": "word", **TEXT}}}),
    one("named", {"$id": "urn:example:tree", "$ref": "#/$defs/leaf", "$defs": {"leaf": {"minimum": 3}}}, (3,),
        (2, "minimum"), ("a",)),
    one("dynamic", {"$id": "https://example.org/list", "$dynamicAnchor": "node", "type": "array",
                    "items": {"anyOf": [INTEGER, {"$dynamicRef": "#node"}]}},
        ([1, [2, [3]]],), ([1, ["a"]], "/1 anyOf")),
    one("metaschema", {"$ref": "https://json-schema.org/draft/2020-12/schema"}, ({"minLength": 1},),
        ({"minLength": -1}, "/minLength minimum"), (True,)),
    whole("ref_of_rules", {"properties": ABC, "allOf": [{"$ref": "#/$defs/both"}],
                           "$defs": {"both": {"dependentRequired": {"a": ["b"]}}}},
          ({"a": 1, "b": 2},), ({"a": 1}, "/b dependentRequired")),
]

MANY = [
    whole("five_hundred", {"properties": {f"f{n}": {**INTEGER, "minimum": n} for n in range(499)}},
          ({f"f{n}": n for n in range(499)},), ({f"f{n}": -1 for n in (7, 42, 498)}, "/f42 minimum", "/f498 minimum",
                                                "/f7 minimum")),
]

KEYWORDS = [*ARRAYS, *OBJECTS, *BRANCHES, *REFERENCES, *MANY]
