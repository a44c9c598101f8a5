"""The answers of reports, case by case."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from crm_kernel.errors import Error
from tests.operations.report_shop import PERSONS, Rules, Shop, eur


async def test_the_answer(shop: Shop) -> None:
    shop.fill(
        [
            {"at": "2025-12-31T22:00:00Z", "amount": eur("1000000"), "open": True, "ratio": 1},
            {"at": "2026-01-31T21:59:59Z", "amount": eur("250000.5"), "open": True},
            {"at": "2026-02-01T00:00:00Z", "amount": eur("1")},
            {"at": None, "amount": None},
        ]
    )
    found = await shop.run(
        zone="Europe/Riga",
        name="volume-by-month",
        group_by=[{"field": "at", "by": "month", "as": "month"}],
        measures=[{"sum": "amount", "as": "value"}, {"max": "at", "as": "last"}, {"avg": "ratio", "as": "ratio"}],
    )
    assert found == {
        "report": "volume-by-month",
        "columns": [
            {"name": "month", "kind": "group", "type": "date", "label": "Month"},
            {"name": "value", "kind": "measure", "type": "money", "currency": "EUR", "label": "Value"},
            {"name": "last", "kind": "measure", "type": "date-time", "label": "Last"},
            {"name": "ratio", "kind": "measure", "type": "decimal", "label": "Ratio"},
        ],
        "rows": [
            {
                "month": "2026-01-01",
                "value": Decimal("1250000.50"),
                "last": "2026-01-31T21:59:59Z",
                "ratio": Decimal(1),
            },
            {"month": "2026-02-01", "value": Decimal("1.00"), "last": "2026-02-01T00:00:00Z", "ratio": None},
            {"month": None, "value": None, "last": None, "ratio": None},
        ],
        "totals": {"value": Decimal("1250001.50"), "last": "2026-02-01T00:00:00Z", "ratio": Decimal(1)},
        "truncated": False,
        "as_of": "2026-03-18T10:30:00Z",
    }


@pytest.mark.contract("documents.md#report-no-groups")
async def test_without_groups_there_is_one_row(shop: Shop) -> None:
    shop.fill([])
    measures = [{"count": "*", "as": "n"}, {"sum": "amount", "as": "value"}, {"median": "score", "as": "m"}]
    found = await shop.run(measures=measures)
    assert found["rows"] == [{"n": 0, "value": None, "m": None}]
    assert found["totals"] == {"n": 0, "value": None, "m": None}
    assert found["report"] is None
    assert (await shop.run(group_by=["stage"]))["rows"] == []
    assert (await shop.run(group_by=["stage"]))["totals"] == {"n": 0}


@pytest.mark.contract("documents.md#report-order")
async def test_having_order_limit(shop: Shop) -> None:
    shop.fill([{"name": n, "count": c} for n, c in [("a", 1), ("a", 2), ("b", 9), ("c", 5), (None, 5), ("d", None)]])
    parts: dict[str, Any] = {
        "group_by": ["name"],
        "measures": [{"count": "*", "as": "n"}, {"sum": "count", "as": "total"}],
    }

    async def names(**more: Any) -> list[Any]:
        return [row["name"] for row in (await shop.run(**parts, **more))["rows"]]

    assert await names() == ["a", "b", "c", "d", None]
    assert await names(order=["-total"]) == ["b", "c", None, "a", "d"]
    assert await names(order=["total", "-name"]) == ["a", "c", None, "b", "d"]
    assert await names(order=["-name"]) == ["d", "c", "b", "a", None]
    assert await names(having="n > 1 or total = 9") == ["a", "b"]
    assert await names(having="name contains 'A'") == ["a"]
    assert await names(filter="count > 4") == ["b", "c", None]
    cut = await shop.run(**parts, order=["-total"], limit=2)
    assert ([row["name"] for row in cut["rows"]], cut["truncated"]) == (["b", "c"], True)
    assert cut["totals"] == {"n": 6, "total": 22}
    whole = await shop.run(**parts, limit=5)
    assert not whole["truncated"]


async def test_having_on_money_and_means(shop: Shop) -> None:
    shop.fill([{"stage": s, "amount": eur(a), "ratio": 0.05} for s, a in [("new", "1"), ("new", "2"), ("won", "0.01")]])
    measures = [{"avg": "amount", "as": "mean"}, {"avg": "ratio", "as": "ratio"}, {"median": "amount", "as": "middle"}]
    found = await shop.run(group_by=["stage"], measures=measures, having="mean >= 'EUR 1.5' and ratio = 0.05")
    assert found["rows"] == [
        {"stage": "new", "mean": Decimal("1.50"), "ratio": Decimal("0.0500"), "middle": Decimal("1.50")}
    ]
    assert found["totals"]["mean"] == Decimal("1.00")


async def test_halves_are_rounded_away_from_zero(shop: Shop) -> None:
    measures = [{"avg": "amount", "as": "mean"}]
    for amounts, mean in (
        (["0.01", "0.02"], "0.02"),
        (["-0.01", "-0.02"], "-0.02"),
        (["0.01", "0.01", "0.02"], "0.01"),
    ):
        shop.fill([{"amount": eur(a)} for a in amounts])
        assert (await shop.run(measures=measures))["rows"] == [{"mean": Decimal(mean)}]


async def test_sums_beyond_64_bits_are_no_error(shop: Shop) -> None:
    shop.fill([{"amount": eur("92233720368547758.06"), "count": 2**53 - 1} for _ in range(3)])
    found = await shop.run(
        measures=[{"sum": "amount", "as": "s"}, {"sum": "count", "as": "c"}, {"median": "amount", "as": "m"}]
    )
    assert float(found["rows"][0]["s"]) == pytest.approx(3 * 92233720368547758.06)
    assert found["rows"][0]["c"] == 3 * (2**53 - 1)
    assert float(found["rows"][0]["m"]) == pytest.approx(92233720368547758.06)


MIXED = [
    {"stage": "new", "amount": eur("1")},
    {"stage": "won", "amount": {"amount": 150, "currency": "JPY"}},
    {"stage": "won"},
]


@pytest.mark.contract("documents.md#mixed-currency")
async def test_mixed_currencies_are_refused(shop: Shop) -> None:
    shop.fill(MIXED)
    for how in ("sum", "avg", "min", "max", "median"):
        for groups in ([], ["stage"]):
            with pytest.raises(Error) as caught:
                await shop.run(group_by=groups, measures=[{"count": "*", "as": "n"}, {how: "amount", "as": "v"}])
            assert caught.value.status == 422
            (fault,) = caught.value.faults
            assert (fault.pointer, fault.code) == (f"/measures/1/{how}", "mixed_currency")
            assert fault.detail == "'v' would mix EUR with JPY: group or filter by the currency."


@pytest.mark.contract("documents.md#mixed-currency")
async def test_currencies_apart(shop: Shop) -> None:
    shop.fill(MIXED)
    sums = [{"sum": "amount", "as": "v"}]
    found = await shop.run(group_by=["amount.currency"], measures=sums)
    assert found["rows"] == [
        {"amount.currency": "EUR", "v": Decimal("1.00")},
        {"amount.currency": "JPY", "v": Decimal(150)},
        {"amount.currency": None, "v": None},
    ]
    assert found["totals"] == {"v": None}
    assert found["columns"][1]["currency"] is None
    filtered = await shop.run(measures=sums, filter="amount.currency = 'JPY'")
    assert filtered["rows"] == [{"v": Decimal(150)}]
    assert filtered["columns"][0]["currency"] == "JPY"
    assert (await shop.run(measures=[{"count_distinct": "amount", "as": "d"}]))["rows"] == [{"d": 2}]


async def test_rules_and_masks_hold(shop: Shop) -> None:
    rows = [{"name": "a", "count": 1, "owner": p["id"], "amount": eur("5")} for p in PERSONS]
    shop.fill([*rows, {"name": "b", "count": 50, "amount": {"amount": 1, "currency": "USD"}}], PERSONS)
    sums = [{"sum": "count", "as": "s"}]

    async def seen(measures: Any = sums, groups: Sequence[Any] = (), **rules: Any) -> list[Any]:
        return (await shop.run(Rules(shop, **rules), group_by=list(groups), measures=measures))["rows"]

    assert await seen(rows={"sale": "name = 'a'"}) == [{"s": 2}]
    assert await seen(rows={"sale": ""}) == [{"s": None}]
    assert await seen(rows={"sale": "owner.name = 'Ann'"}) == [{"s": 1}]
    assert await seen(fields={("sale", "count"): "name = 'a'"}) == [{"s": 2}]
    assert await seen(fields={("sale", "count"): ""}) == [{"s": None}]
    assert await seen(fields={("sale", "name"): "count < 10"}, groups=["name"]) == [
        {"name": "a", "s": 2},
        {"name": None, "s": 50},
    ]
    assert await seen(rows={"person": "name = 'Ann'"}, groups=["owner.name"]) == [
        {"owner.name": "Ann", "s": 1},
        {"owner.name": None, "s": 51},
    ]
    # The currency of a hidden amount is hidden with it, so nothing is mixed.
    amounts = [{"sum": "amount", "as": "s"}]
    assert await seen(amounts, fields={("sale", "amount"): "name = 'a'"}) == [{"s": Decimal("10.00")}]


async def test_group_by_what_is_computed_in_json(shop: Shop) -> None:
    shop.fill([{"size": {"area": 5.0, "place": "x"}}, {"size": {"area": 2, "place": "X"}}, {"size": {"area": "7"}}])
    found = await shop.run(
        group_by=["size.place"], measures=[{"sum": "size.area", "as": "a"}, {"median": "size.area", "as": "m"}]
    )
    assert found["rows"] == [
        {"size.place": "X", "a": 2, "m": 2},
        {"size.place": "x", "a": 5, "m": 5},
        {"size.place": None, "a": None, "m": None},
    ]
    assert found["totals"] == {"a": 7, "m": 3.5}
