from __future__ import annotations

import pytest

from crm_kernel.fields import from_schema
from crm_kernel.fields.base import Kind, Options, ValueContext
from crm_kernel.fields.choice import Choice


@pytest.mark.contract("documents.md#enum-is-choice")
@pytest.mark.parametrize(
    "schema",
    [{"enum": ["new", "used"]}, {"type": "string", "enum": ["new", "used"]}, {"enum": ["new", None, "used", ""]}],
)
def test_an_enum_of_texts_is_a_choice(schema: dict[str, object]) -> None:
    found = from_schema(schema, Options())
    assert isinstance(found, Choice)
    assert found.choices == ("new", "used")


def test_choices_keep_their_order_and_are_trimmed() -> None:
    choice = Choice(("b", "a"))
    assert choice.kind is Kind.CHOICE
    assert choice.canonical(" b ", ValueContext()) == "b"
    assert not choice.folds
