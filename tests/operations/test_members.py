"""Members of JSON objects that are no records."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from crm_kernel.errors import Error
from crm_kernel.operations.members import Members

KNOWN = ("name", "quick", "entities", "until")


def read(body: Any) -> tuple[Any, list[tuple[str, str]]]:
    """The values of all members, and the faults."""
    try:
        members = Members(body, KNOWN)
        found = (members.text("name", 5), members.flag("quick"), members.texts("entities"), members.moment("until"))
        members.check()
    except Error as error:
        return None, [(fault.pointer, fault.code) for fault in error.faults]
    return found, []


def test_values() -> None:
    assert read({"name": "a", "quick": None}) == (("a", False, None, None), [])
    body = {"name": "abcde", "quick": True, "entities": ["x"], "until": "2027-01-31T01:00:00+01:00"}
    assert read(body) == (("abcde", True, ["x"], datetime(2027, 1, 31, tzinfo=UTC)), [])


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ([], [("", "type")]),
        ("x", [("", "type")]),
        ({}, [("/name", "required")]),
        ({"name": " "}, [("/name", "minLength")]),
        ({"name": "a\0"}, [("/name", "format")]),
        ({"name": "abcdef"}, [("/name", "maxLength")]),
        (
            {"name": 1, "quick": "yes", "entities": "x", "until": 1, "nam": 1},
            [
                ("/entities", "type"),
                ("/nam", "unknown_field"),
                ("/name", "type"),
                ("/quick", "type"),
                ("/until", "type"),
            ],
        ),
        (
            {"name": "a", "entities": ["x", 1], "until": "2027-01-31"},
            [("/entities/1", "type"), ("/until", "format")],
        ),
        ({"name": "a", "entities": []}, [("/entities", "minItems")]),
    ],
)
def test_all_faults_at_once(body: Any, faults: list[tuple[str, str]]) -> None:
    assert read(body) == (None, faults)


def test_what_was_sent_is_not_repeated() -> None:
    members = Members({"name": "my secret"}, KNOWN)
    members.text("name", 5)
    with pytest.raises(Error) as refused:
        members.check()
    assert "secret" not in str(refused.value.render())
