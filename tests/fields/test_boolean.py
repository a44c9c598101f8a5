from __future__ import annotations

import pytest

from crm_kernel.fields.base import ValueContext
from crm_kernel.fields.boolean import Boolean


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("Yes", True), (" 1 ", True), ("FALSE", False), ("no", False), ("0", False), ("maybe", "maybe")],
)
def test_words_for_yes_and_no(text: str, value: object) -> None:
    assert Boolean().parse(text, ValueContext()) == value


@pytest.mark.parametrize(("stored", "value"), [(0, False), (1, True), (None, None), (True, True)])
def test_columns_hold_zero_and_one(stored: object, value: object) -> None:
    assert Boolean().from_columns()(stored) is value


def test_text() -> None:
    assert (Boolean().text(True), Boolean().text(False)) == ("true", "false")
