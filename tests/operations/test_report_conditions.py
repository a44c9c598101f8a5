"""Measures with a condition of their own, and columns computed of others."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from crm_kernel.errors import Error
from tests.operations.report_shop import PERSONS, Rules, Shop, eur

SALES: list[dict[str, Any]] = [
    {"stage": "won", "name": "a", "count": 10, "amount": eur("100.10"), "owner": PERSONS[0]["id"]},
    {"stage": "won", "name": "a", "count": 20, "amount": eur("0.20")},
    {"stage": "new", "name": "a", "count": 99, "amount": eur("5")},
    {"stage": "new", "name": "b", "count": None, "amount": None},
]
RATES: list[dict[str, Any]] = [
    {"count": "*", "as": "n"},
    {"count": "*", "where": "stage = 'won'", "as": "won"},
    {"sum": "amount", "where": "stage = 'won'", "as": "value"},
    {"formula": "won / n", "as": "rate"},
    {"median": "count", "where": "stage = 'won'", "as": "middle"},
    {"formula": "value / won * rate", "as": "expected"},
]


async def test_a_measure_counts_the_records_its_condition_leaves(shop: Shop) -> None:
    shop.fill(SALES, PERSONS)
    found = await shop.run(group_by=["name"], measures=RATES)
    assert found["rows"] == [
        {
            "name": "a",
            "n": 3,
            "won": 2,
            "value": Decimal("100.30"),
            "rate": 2 / 3,
            "middle": 15,
            "expected": Decimal("33.43"),
        },
        {"name": "b", "n": 1, "won": 0, "value": None, "rate": 0.0, "middle": None, "expected": None},
    ]
    assert found["totals"]["rate"] == 0.5
    assert found["totals"]["expected"] == Decimal("25.08")  # 100.30 / 2 * 0.5 = 25.075
    assert [(c["name"], c["type"], c.get("currency")) for c in found["columns"][1:]] == [
        ("n", "integer", None),
        ("won", "integer", None),
        ("value", "money", "EUR"),
        ("rate", "number", None),
        ("middle", "number", None),
        ("expected", "money", "EUR"),
    ]


async def test_counts_alone_are_made_of_the_groups(shop: Shop) -> None:
    """Totals come of the groups where no median is asked for: a count under a condition too."""
    shop.fill(SALES, PERSONS)
    found = await shop.run(group_by=["name"], measures=RATES[:2])
    assert found["totals"] == {"n": 4, "won": 2}
    assert (await shop.run(measures=RATES[1:2], filter="name = 'z'"))["rows"] == [{"won": 0}]


async def test_a_condition_sees_what_the_caller_sees(shop: Shop) -> None:
    shop.fill(SALES, PERSONS)
    masked = Rules(shop, fields={("sale", "stage"): "count > 10"})
    found = await shop.run(masked, measures=RATES[:2])
    assert found["rows"] == [{"n": 4, "won": 1}]


async def test_having_and_order_know_what_is_counted_only(shop: Shop) -> None:
    shop.fill(SALES, PERSONS)
    found = await shop.run(group_by=["name"], measures=RATES, having="won > 0", order=["-won"])
    assert [row["name"] for row in found["rows"]] == ["a"]
    with pytest.raises(Error) as refused:
        await shop.run(group_by=["name"], measures=RATES, having="rate > 0.5", order=["-rate"])
    assert [(f.pointer, f.code) for f in refused.value.faults] == [
        ("/having", "unknown_field"),
        ("/order/0", "unknown_field"),
    ]


@pytest.mark.parametrize(
    ("measure", "pointer", "code"),
    [
        ({"formula": "n / nn", "as": "x"}, "/measures/1/formula", "unknown_field"),
        ({"formula": "n + name", "as": "x"}, "/measures/1/formula", "bad_filter"),
        ({"formula": "later", "as": "x"}, "/measures/1/formula", "unknown_field"),
        ({"formula": "n", "where": "stage = 'won'", "as": "x"}, "/measures/1", "oneOf"),
        ({"count": "*", "where": "stge = 'won'", "as": "x"}, "/measures/1/where", "unknown_field"),
        ({"formula": "n", "as": "name"}, "/measures", "unique"),
    ],
)
async def test_what_does_not_fit(shop: Shop, measure: dict[str, Any], pointer: str, code: str) -> None:
    shop.fill(SALES, PERSONS)
    later = {"count": "*", "as": "later"}
    with pytest.raises(Error) as refused:
        await shop.run(group_by=["name"], measures=[{"count": "*", "as": "n"}, measure, later])
    assert [(f.pointer, f.code) for f in refused.value.faults] == [(pointer, code)]
