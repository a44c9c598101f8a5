"""Attribution as pure functions: credits by hand, and the law that they add up exactly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from crm_marketing.attribution import MODELS, Model, Rules, Touch, before, credit, split, total
from hypothesis import given
from hypothesis import strategies as st

END = datetime(2026, 3, 2, tzinfo=UTC)
RULES = Rules(direct=frozenset({"direct"}))


def journey(*channels: str, every: float = 1) -> list[Touch]:
    """Touches, the last at the conversion; `!` marks the one that made a lead."""
    count = len(channels)
    return [
        Touch(f"t{place:03}", END - timedelta(days=every * (count - 1 - place)), name.strip("!"), name.endswith("!"))
        for place, name in enumerate(channels)
    ]


def parts(model: Model, touches: list[Touch], amount: int = 100) -> list[int]:
    return [part for _, _, part in credit(model, touches, END, amount, RULES)]


@pytest.mark.parametrize(
    ("model", "channels", "expected"),
    [
        ("first_touch", ["a", "b", "c"], [100, 0, 0]),
        ("last_touch", ["a", "b", "direct"], [0, 0, 100]),
        ("last_non_direct", ["a", "b", "direct"], [0, 100, 0]),
        ("last_non_direct", ["direct", "direct"], [0, 100]),
        ("linear", ["a", "b", "c"], [34, 33, 33]),
        ("position_based", ["a"], [100]),
        ("position_based", ["a", "b"], [50, 50]),
        ("position_based", ["a", "b", "c"], [40, 20, 40]),
        ("position_based", ["a", "b", "c", "d"], [40, 10, 10, 40]),
        ("w_shaped", ["a", "b", "c!", "d", "e"], [30, 5, 30, 5, 30]),
        ("w_shaped", ["a", "b!", "c", "d"], [30, 30, 10, 30]),
        ("w_shaped", ["a", "b!", "c"], [34, 33, 33]),
        ("w_shaped", ["a!", "b", "c"], [30, 40, 30]),
        ("w_shaped", ["a", "b"], [50, 50]),
        ("w_shaped", ["a"], [100]),
    ],
)
def test_by_hand(model: Model, channels: list[str], expected: list[int]) -> None:
    assert parts(model, journey(*channels)) == expected


def test_time_decay_halves_in_seven_days() -> None:
    assert parts("time_decay", journey("a", "b", "c", every=7), 700) == [100, 200, 400]
    assert parts("time_decay", journey("a", "b", every=100_000), 100) == [0, 100]


def test_a_touch_after_the_conversion_or_before_the_window_counts_for_nothing() -> None:
    touches = journey("a", "b", "c", every=10)
    late = Touch("late", END + timedelta(seconds=1), "d")
    found = before([late, *reversed(touches)], END, Rules(window=timedelta(days=10)))
    assert [touch.channel for touch in found] == ["b", "c"]
    assert credit("linear", [late], END, 100, RULES) == []


WEIGHTS = st.lists(st.builds(Fraction, st.integers(0, 10**6), st.integers(1, 10**6)), min_size=1, max_size=30)


@given(st.integers(-(10**15), 10**15), WEIGHTS.filter(any))
def test_parts_add_up_and_are_within_one_unit(amount: int, weights: list[Fraction]) -> None:
    found = split(amount, weights)
    assert sum(found) == amount
    whole = sum(weights)
    assert all(abs(part - amount * weight / whole) < 1 for part, weight in zip(found, weights, strict=True))


JOURNEYS = st.lists(
    st.tuples(st.integers(0, 10**8), st.sampled_from(["direct", "email", "paid"]), st.booleans()), max_size=20
).map(
    lambda rows: [Touch(f"t{n}", END - timedelta(seconds=age), name, lead) for n, (age, name, lead) in enumerate(rows)]
)


@given(touches=JOURNEYS, amount=st.integers(0, 10**12), days=st.none() | st.integers(1, 2000))
def test_every_model_gives_exactly_the_amount(touches: list[Touch], amount: int, days: int | None) -> None:
    rules = RULES._replace(window=None if days is None else timedelta(days=days))
    led = before(touches, END, rules)
    for model in MODELS:
        found = credit(model, touches, END, amount, rules)
        assert [touch for touch, _, _ in found] == led
        if led:
            assert sum(share for _, share, _ in found) == 1
            assert sum(part for _, _, part in found) == amount
            assert all(share >= 0 and part >= 0 for _, share, part in found)
        by_channel = total((touch.channel, share, part) for touch, share, part in found)
        assert sum(part for _, part in by_channel.values()) == (amount if led else 0)
