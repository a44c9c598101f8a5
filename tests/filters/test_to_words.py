"""Filters in words."""

from __future__ import annotations

from typing import Any

import pytest

from crm_kernel.filters.operators import OPERATORS
from crm_kernel.filters.resolver import either, resolve
from crm_kernel.filters.to_words import to_words

PARAMS: dict[str, dict[str, Any]] = {"text": {"type": "string"}}


@pytest.mark.contract("filters.md#words")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name = 'x'", "Name is 'x'"),
        ("count != 1.50", "Count is not 1.50"),
        ("count < 1", "Count is below 1"),
        ("count <= 1", "Count is at most 1"),
        ("count > -1", "Count is above -1"),
        ("count >= 1", "Count is at least 1"),
        ("kind in ('big', 'small')", "Kind is one of 'big', 'small'"),
        ("owner not in @my_teams", "Owner is none of my teams"),
        ("count between 1 and 2", "Count is between 1 and 2"),
        ("owner.home.city is null", "Owner › Home › City is empty"),
        ("note is not null", "Note is not empty"),
        ("name contains 'x'", "Name contains 'x'"),
        ("name starts with @param.text", "Name starts with the parameter text"),
        ("name ends with 'x'", "Name ends with 'x'"),
        ("* matches 'x y'", "Anything has the words 'x y'"),
        ("open = true", "Open is yes"),
        ("open = false", "Open is no"),
        ("name = note", "Name is Note"),
        ("owner = @me", "Owner is me"),
        ("since > @now - 1h", "Since is above 1 hour before now"),
        ("due <= @month_start + 2m", "Due is at most 2 months after the start of this month"),
        ("due = @today", "Due is today"),
        ("open = true and (count = 1 or count = 2)", "Open is yes and (Count is 1 or Count is 2)"),
        ("not (open = true or count = 1)", "not (Open is yes or Count is 1)"),
        ("any(visits, state = 'done' and rating > 3)", "some Visits where (State is 'done' and Rating is above 3)"),
        ("none(tags, value = 'x')", "no Tags where Value is 'x'"),
        ("not any(rooms, area > 1)", "not (some Rooms where Area is above 1)"),
    ],
)
def test_words(world: Any, text: str, expected: str) -> None:
    assert to_words(resolve(text, "deal", world.model, params=PARAMS)) == expected


def test_every_operator_has_words() -> None:
    said = [operator.words for operator in OPERATORS.values()]
    assert all(said)
    assert len(set(said)) == len(said)


def test_joined_expressions_fall_back_to_names(world: Any) -> None:
    parts = [resolve(text, "deal", world.model) for text in ("owner.name = 'x'", "count = 1")]
    assert to_words(either(parts)) == "owner.name is 'x' or count is 1"
