from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from crm_kernel.events import EVENT_TYPES, Event, EventType


def test_the_list_of_names_is_whole() -> None:
    assert get_args(EventType) == EVENT_TYPES


def test_a_move_says_from_and_to() -> None:
    event = Event(
        id="e", type="record.moved", entity="viewing", record="r", before=None, after={}, at="2026-03-01T10:00:00Z",
        from_="requested", to="confirmed",
    )  # fmt: skip
    assert msgspec.to_builtins(event)["from"] == "requested"
    assert (event.attempt, event.depth, event.changed, event.reason) == (1, 0, (), None)
    with pytest.raises(AttributeError):
        event.to = "x"  # type: ignore[misc]
