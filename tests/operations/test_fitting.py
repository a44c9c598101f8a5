"""`crm.fit`: which values would fit, told by the judge of the write door."""

from __future__ import annotations

from typing import Any

import pytest

from crm_kernel import Error
from crm_kernel.testing import TestCrm

FIELDS = {
    "kind": "fields",
    "name": "facts",
    "entity": "contact",
    "schema": {
        "properties": {
            "age": {"type": "integer", "maximum": 150},
            "met": {"type": "string", "format": "date-time"},
            "budget": {"x-crm": {"money": True}},
            "twice": {"type": "integer", "x-crm": {"formula": "age * 2"}},
        },
        "required": ["age"],
        "if": {"properties": {"age": {"minimum": 100}}, "required": ["age"]},
        "then": {"required": ["met"]},
    },
}
SENT = {
    "name": "  Anna ",
    "email": "Anna@EXAMPLE.com",
    "phone": "26 123 456",
    "age": "120",
    "budget": "CAD 59999.99",
    "met": "2026-03-02T10:00:00",
    "labels": ["a", "b"],
}


@pytest.fixture
async def office(crm: TestCrm) -> TestCrm:
    await crm.put(FIELDS)
    return crm


async def test_what_fits_is_told_in_canonical_form(office: TestCrm) -> None:
    """Texts are read as in a CSV file: a time without offset is one of the app's zone."""
    found = office.fit("contact", SENT)
    assert found.faults == []
    assert found.values["name"] == "Anna"
    assert (found.values["phone"], found.values["age"], found.values["met"]) == (
        "+37126123456",
        120,
        "2026-03-02T08:00:00Z",
    )
    assert found.values["budget"]["currency"] == "CAD"
    (record,) = await office.write([{"create": {"values": found.values}}], entity="contact")
    assert {name: record[name] for name in found.values} == found.values


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [("email", "anna at home", "format"), ("phone", "12", "format"), ("age", "old", "type"), ("age", 151, "maximum"),
     ("met", "soon", "format"), ("budget", "XXY 5", "enum"), ("labels", ["a", "a"], "uniqueItems"),
     ("twice", 4, "read_only"), ("nick", "A", "unknown_field"), ("name", "x" * 201, "maxLength")],
)  # fmt: skip
async def test_what_does_not_fit_is_left_out_and_the_rest_stays(
    office: TestCrm, name: str, value: Any, code: str
) -> None:
    others = {key: sent for key, sent in SENT.items() if key != name}
    found = office.fit("contact", others | {name: value})
    assert set(found.values) == set(others)
    assert {(fault.pointer.split("/")[1], fault.code) for fault in found.faults} >= {(name, code)}


async def test_rules_over_several_fields_are_those_of_the_write_door(office: TestCrm) -> None:
    assert office.fit("contact", {"age": 110, "name": None}).values == {"age": 110}
    with pytest.raises(Error, match="no entity"):
        office.fit("nothing", {})
