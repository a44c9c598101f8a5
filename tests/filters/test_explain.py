"""Which parts of a filter held, and on what values."""

from __future__ import annotations

from typing import Any

from crm_kernel.filters.explain import Part, explain
from crm_kernel.filters.resolver import resolve

UID = "00000000-0000-7000-8000-{:012}".format


def parts(world: Any, text: str, **more: Any) -> list[Part]:
    world.fill(
        {
            "person": [{"id": UID(2), "name": "Ann"}],
            "deal": [{"id": UID(1), "name": "x", "count": 5, "owner": UID(2), "tags": ["a"], "address": {"floor": 2}}],
        }
    )
    expression = resolve(text, "deal", world.model, **more)
    return explain(
        expression, world.records["deal"][UID(1)], world.environment(event={"type": "t"}, before={"count": 4})
    )


def test_parts_are_what_and_joins(world: Any) -> None:
    assert parts(world, "count = 5 and (name = 'y' or owner.name = 'Ann') and not (address.floor > 1)") == [
        Part("count = 5", True, {"count": 5}),
        Part("name = 'y' or owner.name = 'Ann'", True, {"name": "x", "owner.name": "Ann"}),
        Part("not (address.floor > 1)", False, {"address.floor": 2}),
    ]


def test_nested_ands_are_flat(world: Any) -> None:
    assert [p.expression for p in parts(world, "(count = 5 and name = 'x') and open is null")] == [
        "count = 5",
        "name = 'x'",
        "open is null",
    ]


def test_a_single_part(world: Any) -> None:
    assert parts(world, "none(visits, rating = 1)") == [Part("none(visits, rating = 1)", True, {})]
    assert parts(world, "tags contains 'b'") == [Part("tags contains 'b'", False, {"tags": ["a"]})]
    assert parts(world, "count < address.floor")[0].values == {"count": 5, "address.floor": 2}


def test_events(world: Any) -> None:
    assert parts(world, "event.type = 't' and before.count < count", event=True) == [
        Part("event.type = 't'", True, {"event.type": "t"}),
        Part("before.count < count", True, {"before.count": 4, "count": 5}),
    ]
