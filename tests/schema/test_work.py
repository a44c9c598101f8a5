"""Schemas whose references make circles, or more work of a value than can be done."""

from __future__ import annotations

import time
from typing import Any

import pytest

from crm_kernel.model import Source
from crm_kernel.schema import build_entity, check_schema

LIST = {"type": "array", "items": {"$ref": "#/$defs/list"}}
NODE = {
    "type": "object",
    "properties": {"left": {"$ref": "#/$defs/node"}, "right": {"$ref": "#/$defs/node"}, "all": {"type": "array"}},
    "additionalProperties": False,
}


def found(property: Any, **defs: Any) -> list[tuple[str, str]]:
    schema = {"properties": {"v": property}, "$defs": defs}
    return [(fault.pointer.removeprefix("/schema"), fault.code) for fault in check_schema(schema)]


def doubling(levels: int, keyword: str) -> dict[str, Any]:
    twice = {f"d{n}": {keyword: [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)}
    return {**twice, f"d{levels}": {"type": "integer"}}


@pytest.mark.parametrize(
    ("property", "defs", "pointer"),
    [
        ({"$ref": "#/properties/v"}, {}, "/properties/v"),
        ({"allOf": [{"$ref": "#/$defs/a"}]}, {"a": {"not": {"$ref": "#/$defs/a"}}}, "/$defs/a"),
        ({"if": {"$ref": "#/$defs/a"}}, {"a": {"then": {"$ref": "#/properties/v"}}}, "/$defs/a"),
        ({"$id": "urn:v", "$ref": "urn:v"}, {}, "/properties/v"),
        ({"$dynamicAnchor": "v", "$dynamicRef": "#v"}, {}, "/properties/v"),
    ],
)
def test_a_circle_is_refused_where_it_closes(property: Any, defs: Any, pointer: str) -> None:
    assert found(property, **defs) == [(pointer, "reference")]


@pytest.mark.parametrize(
    ("property", "defs"),
    [
        ({"$ref": "#/$defs/list"}, {"list": LIST}),
        ({"$ref": "#/$defs/node"}, {"node": NODE}),
        (
            {"properties": {"a": {"$ref": "#/$defs/o"}}, "additionalProperties": {"$ref": "#/$defs/o"}},
            {"o": {"not": {}}},
        ),
        ({"$ref": "#/$defs/d0"}, doubling(10, "allOf")),
        ({"prefixItems": [{"$ref": "#/$defs/list"}] * 50, "items": {"$ref": "#/$defs/list"}}, {"list": LIST}),
    ],
)
def test_what_goes_on_into_the_value_is_no_circle(property: Any, defs: Any) -> None:
    assert found(property, **defs) == []


@pytest.mark.parametrize("keyword", ["allOf", "anyOf", "oneOf"])
def test_what_asks_a_million_times_is_refused(keyword: str) -> None:
    assert [code for _, code in found({"$ref": "#/$defs/d0"}, **doubling(20, keyword))] == ["limit"]


@pytest.mark.parametrize(
    "twice",
    [
        {"allOf": [{"items": {"$ref": "#/$defs/a"}}] * 2},
        {"items": {"$ref": "#/$defs/a"}, "contains": {"$ref": "#/$defs/a"}},
        {"properties": {"x": {"$ref": "#/$defs/a"}}, "patternProperties": {"^x": {"$ref": "#/$defs/a"}}},
        {"oneOf": [{"properties": {"x": {"$ref": "#/$defs/a"}}}, {"additionalProperties": {"$ref": "#/$defs/a"}}]},
    ],
)
def test_what_holds_each_part_to_itself_twice_is_refused(twice: Any) -> None:
    assert [code for _, code in found({"$ref": "#/$defs/a"}, a=twice)] == ["limit"]


def test_what_passes_judges_a_deep_value_in_no_time() -> None:
    schema = {"properties": {"v": {"$ref": "#/$defs/node"}}, "$defs": {"node": NODE}}
    model = build_entity({"name": "thing", "schema": schema}, source=Source("document", "test"))
    value: Any = {"no": 1}
    for _ in range(60):
        value = {"left": value}
    started = time.process_time()
    assert [fault.code for fault in model.validate({"v": value})] == ["additionalProperties"]
    assert time.process_time() - started < 0.5
