from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from crm_kernel.fields import from_schema
from crm_kernel.fields.base import Column, Faulty, Options, ValueContext
from crm_kernel.fields.document import JsonType, ListType, ObjectType

CONTEXT = ValueContext(region="LV")
ID = "0192d7a0-0000-7000-8000-00000000000a"


def made(schema: dict[str, Any]) -> Any:
    return from_schema(schema, Options())


def faults(field_type: Any, value: Any) -> list[tuple[str, str]]:
    with pytest.raises(Faulty) as caught:
        field_type.canonical(value, CONTEXT)
    return [(fault.pointer, fault.code) for fault in caught.value.faults]


@pytest.mark.contract("documents.md#empty-containers")
@pytest.mark.parametrize(
    ("field_type", "value"),
    [
        (ListType(JsonType()), []),
        (ObjectType(), {}),
        (ObjectType(), {"a": [" x ", None, "", {"b": None}]}),
        (JsonType(), []),
    ],
)
def test_nested_values_are_kept_as_sent(field_type: Any, value: Any) -> None:
    assert field_type.canonical(value, CONTEXT) == value
    assert field_type.from_columns()(field_type.to_columns(value)[0]) == value


@pytest.mark.contract("documents.md#bad-characters")
def test_bad_characters_are_refused_at_any_depth() -> None:
    assert faults(ObjectType(), {"a": [{"b": "\0"}]}) == [("/a/0/b", "format")]
    assert faults(ListType(JsonType()), ["ok", "\ud800"]) == [("/1", "format")]
    assert faults(ObjectType(), {"a\0": 1}) == [("", "format")]


def test_what_is_not_json_is_refused() -> None:
    assert faults(ObjectType(), {"a": object()}) == [("/a", "type")]
    assert faults(ObjectType(), {1: 2}) == [("", "type")]
    assert faults(ListType(JsonType()), [float("nan")]) == [("", "type")]


def test_values_are_not_nested_without_end() -> None:
    deep: Any = 1
    for _ in range(70):
        deep = [deep]
    assert [code for _, code in faults(JsonType(), deep)] == ["format"]


def test_numbers_within_stay_what_was_written() -> None:
    value = ObjectType().canonical({"a": 0.1, "b": Decimal("1E+400"), "c": 10**30, "d": (1, 2)}, CONTEXT)
    assert value == {"a": Decimal("0.1"), "b": Decimal("1E+400"), "c": 10**30, "d": [1, 2]}
    assert ObjectType().from_columns()(ObjectType().to_columns(value)[0]) == value


def test_texts_are_folded_in_place() -> None:
    value = {"City": "RĪGA", "list": ["Ā", 1, {"b": "Č"}]}
    assert ObjectType().to_columns(value)[1] == '{"City":"riga","list":["a",1,{"b":"c"}]}'


@pytest.mark.parametrize(
    ("items", "folds"),
    [
        ({"type": "string"}, True),
        ({"type": "integer"}, False),
        ({"enum": ["a"]}, False),
        ({"type": "object"}, True),
        ({}, True),
        (True, True),
        ({"type": "string", "x-crm": {"reference": "contact"}}, False),
    ],
)
def test_only_lists_with_texts_have_a_folded_copy(items: Any, folds: bool) -> None:
    found = made({"type": "array", "items": items})
    assert found.folds is folds
    assert (Column("__fold", "json") in found.columns()) is folds


def test_a_list_of_choices_has_choices() -> None:
    assert made({"type": "array", "items": {"enum": ["b", "a"]}}).choices == ("b", "a")


def test_items_of_the_kernels_own_kind_are_in_normal_form() -> None:
    phones = made({"type": "array", "items": {"type": "string", "x-crm": {"phone": True}}})
    assert phones.canonical(["21234567", None], CONTEXT) == ["+37121234567", None]
    assert faults(phones, ["21234567", "x", "y"]) == [("/1", "format"), ("/2", "format")]
    references = made({"type": "array", "items": {"type": "string", "x-crm": {"reference": "contact"}}})
    assert references.canonical([ID.upper()], CONTEXT) == [ID]
    assert references.canonical("no list", CONTEXT) == "no list"


@pytest.mark.contract("documents.md#mixed-types-json")
@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": ["string", "integer"]},
        {"enum": ["a", 1]},
        {"type": "integer", "enum": ["a"]},
        {"const": None},
        {"type": "null"},
    ],
)
def test_a_property_without_a_single_type_is_json(schema: dict[str, Any]) -> None:
    assert type(made(schema)) is JsonType


def test_a_text_in_json_is_top_level_text() -> None:
    assert JsonType().canonical(" x ", CONTEXT) == "x"
