from __future__ import annotations

from typing import Any

import pytest

from crm_kernel.schema.walk import has_member, lookup, pointer, subschemas

ROOT: dict[str, Any] = {
    "properties": {"a": {"$ref": "#/$defs/x"}, "l": {"prefixItems": [{"type": "string"}], "items": False}},
    "allOf": [{"$ref": "#/$defs/rule"}, True],
    "dependentSchemas": {"a": {"required": ["l"]}},
    "if": {"required": ["a"]},
    "$defs": {
        "x": {"$anchor": "ex", "type": "string"},
        "rule": {"then": {"minLength": 1}},
        "o~/%": {"type": "integer"},
        "own": {"$id": "urn:own", "$defs": {"y": {"$anchor": "why"}}},
    },
}


def test_schemas_within_and_which_speak_of_the_record() -> None:
    subs = {(pointer(sub.path), sub.record) for sub in subschemas(ROOT, 16)}
    assert {
        ("", True),
        ("/properties/a", False),
        ("/properties/l/prefixItems/0", False),
        ("/allOf/0", True),
        ("/dependentSchemas/a", True),
        ("/if", True),
        ("/$defs/x", False),
        ("/$defs/rule", False),
        ("/$defs/rule", True),
        ("/$defs/rule/then", True),
    } <= subs
    assert ("/$defs/x", True) not in subs


def test_the_base_is_the_nearest_id() -> None:
    bases = {pointer(sub.path): pointer(sub.base) for sub in subschemas(ROOT, 16)}
    assert bases["/$defs/own/$defs/y"] == "/$defs/own"
    assert bases["/$defs/x"] == ""


@pytest.mark.parametrize(
    ("ref", "path"),
    [
        ("#", ()),
        ("#/$defs/x", ("$defs", "x")),
        ("#/allOf/0", ("allOf", 0)),
        ("#/$defs/o~0~1%25", ("$defs", "o~/%")),
        ("#ex", ("$defs", "x")),
    ],
)
def test_references_lead_somewhere(ref: str, path: tuple[Any, ...]) -> None:
    found = lookup(ROOT, (), ref)
    assert found is not None
    assert found[0] == path


@pytest.mark.parametrize("ref", ["#/x", "#/allOf/9", "#/allOf/x", "#why", "#/$defs/x/type/y", "urn:own"])
def test_references_lead_nowhere(ref: str) -> None:
    assert lookup(ROOT, (), ref) is None


def test_anchors_are_those_of_the_nearest_id() -> None:
    assert lookup(ROOT, ("$defs", "own"), "#why") is not None


def test_depth_and_loops_end() -> None:
    deep: dict[str, Any] = {}
    for _ in range(500):
        deep = {"not": deep}
    assert max(sub.depth for sub in subschemas(deep, 16)) == 17
    loop: dict[str, Any] = {"$ref": "#", "allOf": [{"$ref": "#/allOf/0"}]}
    assert len(list(subschemas(loop, 16))) == 2


def test_members_at_any_depth() -> None:
    assert has_member({"a": [{"$ref": 1}]}, "$ref")
    assert not has_member(["$ref", {"a": "$ref"}], "$ref")
