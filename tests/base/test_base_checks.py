from __future__ import annotations

from typing import Any

import pytest

from crm_kernel.base.checks import fill_contact_name
from crm_kernel.base.entities import Contact

EMPTY = {"name": None, "first_name": None, "last_name": None}


class Change:
    """What the hook sees of a change, and what it did."""

    def __init__(self, before: dict[str, Any] | None, after: dict[str, Any], kind: str = "create") -> None:
        self.kind = kind
        self.before = None if before is None else {**EMPTY, **before}
        self.after = {**EMPTY, **after}
        self.done: Any = None

    def amend(self, **values: Any) -> None:
        self.done = values

    def refuse(self, pointer: str, message: str, code: str) -> None:
        assert message
        self.done = (pointer, code)


class Batch:
    """A batch of one contact."""

    def __init__(self, change: Change) -> None:
        self.change = change

    def of(self, cls: type) -> list[Change]:
        return [self.change] if cls is Contact else []


async def done(*args: Any) -> Any:
    change = Change(*args)
    batch: Any = Batch(change)
    await fill_contact_name(batch)
    return change.done


ANNA = {"first_name": "Anna", "last_name": "Ozola"}


@pytest.mark.contract("base.md#contact-name")
@pytest.mark.parametrize(
    ("after", "result"),
    [
        (ANNA, {"name": "Anna Ozola"}),
        ({"last_name": "Ozola"}, {"name": "Ozola"}),
        ({"name": "A. Ozola", **ANNA}, None),
        ({"name": "A. Ozola"}, None),
        ({}, ("/name", "required")),
    ],
)
async def test_a_name_is_given_or_formed(after: dict[str, Any], result: Any) -> None:
    assert await done(None, after) == result


@pytest.mark.contract("base.md#contact-name")
@pytest.mark.parametrize(
    ("before", "after", "result"),
    [
        ({"name": "Anna Ozola", **ANNA}, {"name": "Anna Ozola", **ANNA, "last_name": "Kļava"}, {"name": "Anna Kļava"}),
        ({"name": "A. Ozola", **ANNA}, {"name": "A. Ozola", **ANNA, "last_name": "Kļava"}, None),
        ({"name": "Anna Ozola", **ANNA}, {"name": "Kļava", **ANNA}, None),
        ({"name": "Anna Ozola", **ANNA}, {**ANNA}, {"name": "Anna Ozola"}),
        ({"name": "Anna Ozola", **ANNA}, {"name": "Anna Ozola"}, None),
        ({"name": "Anna Ozola", **ANNA}, {"name": "Anna Ozola", **ANNA}, None),
    ],
)
async def test_a_formed_name_follows_its_parts(before: Any, after: Any, result: Any) -> None:
    assert await done(before, after, "update") == result


@pytest.mark.parametrize("kind", ["delete", "restore", "purge"])
async def test_a_change_that_leaves_the_name_is_left_alone(kind: str) -> None:
    assert await done({}, {}, kind) is None
