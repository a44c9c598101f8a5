"""Documents: their structure, what is wrong with one, their hash."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest

from crm_kernel.document_check import document_faults, document_hash
from crm_kernel.document_schemas import SCHEMAS
from crm_kernel.documents import KINDS, RESERVED_KINDS, GrantFields, Role


def example(kind: str, **members: Any) -> dict[str, Any]:
    return {**SCHEMAS[kind]["examples"][0], **members}


def found(body: object) -> list[tuple[str, str]]:
    return [(f.pointer, f.code) for f in document_faults(body)]


def details(body: object) -> list[str]:
    return [f.detail for f in document_faults(body)]


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_of_each_kind_is_sound(kind: str) -> None:
    assert document_faults(example(kind)) == []
    assert msgspec.convert(example(kind), KINDS[kind]).name == example(kind)["name"]


def test_a_role_is_typed() -> None:
    role = msgspec.convert(example("role"), Role)
    assert role.grants[0].fields == GrantFields(read=("*",), write=("*",), deny=("national_id",))
    assert role.grants[1].where == "owner = @me"


@pytest.mark.parametrize("body", [None, 3, "view", []])
def test_what_is_no_object_is_no_document(body: object) -> None:
    assert found(body) == [("", "type")]


@pytest.mark.contract("documents.md#reserved-kinds")
@pytest.mark.parametrize("kind", RESERVED_KINDS)
def test_a_kind_that_is_not_built_yet_is_refused_by_name(kind: str) -> None:
    [fault] = document_faults({"kind": kind, "name": "x"})
    assert (fault.pointer, fault.code) == ("/kind", "enum")
    assert fault.detail == f"Documents of kind {kind!r} are not built yet; the name is reserved."


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"name": "x"}, "'kind' is missing."),
        ({"kind": "veiw"}, "There is no kind 'veiw'; did you mean 'view'?"),
        ({"kind": 7}, "There is no kind 7; expected one of fields, entity, pipeline, role, report, view."),
    ],
)
def test_the_kind_decides(body: dict[str, Any], detail: str) -> None:
    assert details(body) == [detail]


@pytest.mark.parametrize(
    ("body", "pointer", "code", "detail"),
    [
        (example("view", nmae=1), "/nmae", "additionalProperties", "Unknown member 'nmae'; did you mean 'name'?"),
        (example("view", zzz=1), "/zzz", "additionalProperties", "Unknown member 'zzz'; known are kind, name, labels,"),
        (example("view", **{"a/b~": 1}), "/a~1b~0", "additionalProperties", "Unknown member 'a/b~'; known are"),
        ({"kind": "view", "name": "x"}, "/entity", "required", "'entity' is missing."),
        (example("view", name="Hot Leads"), "/name", "pattern", 'Got "Hot Leads", expected a name of lower-case'),
        (example("view", name="a__b"), "/name", "pattern", 'Got "a__b", expected'),
        (example("view", name="hot\n"), "/name", "pattern", 'Got "hot\\n", expected'),
        (example("view", name="x" * 49), "/name", "maxLength", "It has 49, at most 48 are allowed."),
        (example("view", label=""), "/label", "minLength", "It is empty."),
        (example("view", label=None), "/label", "type", "Got null, expected text."),
        (example("view", layout="grid"), "/layout", "enum", 'Got "grid", expected "list".'),
        (example("view", sort=5), "/sort", "anyOf", "Got 5, expected a list or text."),
        (example("report", limit=0), "/limit", "minimum", "Got 0, expected at least 1."),
        (example("report", measures=[]), "/measures", "minItems", "It is empty."),
        (example("report", chart={"type": "pies"}), "/chart/type", "enum", 'Got "pies", expected one of "area"'),
        (
            example("report", measures=[{"as": "n"}]),
            "/measures/0",
            "oneOf",
            "Exactly one of count, sum, avg, min, max, median, count_distinct, formula is expected.",
        ),
        (
            example("report", group_by=[{"field": "a", "by": "decade"}]),
            "/group_by/0/by",
            "enum",
            'Got "decade", expected one of',
        ),
        (example("report", group_by=[7]), "/group_by/0", "anyOf", "Got 7, expected text or an object."),
        (example("report", params={"A b": {}}), "/params/A b", "propertyNames", 'The name "A b" is not allowed'),
        (
            example("fields", schema={"required": ["a", "a"]}),
            "/schema/required",
            "uniqueItems",
            'Got ["a", "a"]: ["a","a"] has non-unique elements.',
        ),
        (example("fields", schema=[]), "/schema", "type", "Got [], expected an object."),
        (
            example("fields", schema={"$id": "x"}),
            "/schema/$id",
            "propertyNames",
            '"$id" is not allowed at the top level of a schema.',
        ),
        (
            example("fields", schema={"properties": {"x" * 49: {}}}),
            f"/schema/properties/{'x' * 49}",
            "propertyNames",
            "is longer than 48 characters.",
        ),
        (
            example("fields", schema={"properties": {"a": {"type": "strin"}}}),
            "/schema/properties/a/type",
            "enum",
            'Got "strin", expected one of "array"',
        ),
        (
            example("role", grants=[{"entity": "*", "actions": ["read"], "fields": {"write": "x"}}]),
            "/grants/0/fields/write",
            "type",
            'Got "x", expected a list.',
        ),
    ],
)
def test_a_fault_has_a_pointer_a_code_and_a_sentence(
    body: dict[str, Any], pointer: str, code: str, detail: str
) -> None:
    faults = [f for f in document_faults(body) if f.pointer == pointer]
    assert [f.code for f in faults] == [code]
    assert detail in faults[0].detail


def test_transitions_point_at_the_wrong_part() -> None:
    transitions = [{"from": "x", "to": "a"}, {"from": [3], "to": "a"}, {"from": [], "to": 5}]
    assert found(example("pipeline", transitions=transitions)) == [
        ("/transitions/0/from", "anyOf"),
        ("/transitions/1/from/0", "type"),
        ("/transitions/2/from", "minItems"),
        ("/transitions/2/to", "type"),
    ]


@pytest.mark.parametrize("text", ["P3D", "P2W", "PT12H", "P1DT30M"])
def test_rots_after_is_a_duration(text: str) -> None:
    assert document_faults(example("pipeline", stages=[{"name": "a", "type": "open", "rots_after": text}])) == []


def test_months_have_no_fixed_length() -> None:
    [detail] = details(example("pipeline", stages=[{"name": "a", "type": "open", "rots_after": "P1M"}]))
    assert detail == 'Got "P1M", expected an ISO 8601 duration of weeks, days or time: P2W, P3D, PT12H.'


def test_size_and_depth_are_limited() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"not": deep}
    assert details(example("fields", schema=deep)) == ["The document is more than 64 levels deep."]
    wide = example("fields", schema={"description": "x" * 300_000})
    assert details(wide) == ["The document is larger than 262144 bytes."]


@pytest.mark.contract("documents.md#schema-check-fast")
def test_a_large_document_is_checked_in_time() -> None:
    body = example("fields", schema={"properties": {f"f{i}": {"type": "string", "maxLength": 9} for i in range(500)}})
    document_faults(body)
    start = time.perf_counter()
    assert document_faults(body) == []
    assert time.perf_counter() - start < 0.1


def test_the_hash_is_of_the_meaning_not_of_the_layout() -> None:
    assert document_hash({"a": 1, "b": {"c": "ž", "d": []}}) == document_hash({"b": {"d": [], "c": "ž"}, "a": 1})
    assert document_hash({"a": 1}) != document_hash({"a": 2})
    assert len(document_hash({})) == 64
