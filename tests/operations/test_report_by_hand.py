"""Random reports against what Python counts by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_kernel.fields.currencies import minor_digits
from crm_kernel.fields.folding import fold
from tests.operations.report_shop import PERSONS, STAGES, Shop, eur


def bucket(day: date, by: str) -> str:
    match by:
        case "week":
            day -= timedelta(days=day.weekday())
        case "month":
            day = day.replace(day=1)
        case "quarter":
            day = day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case "year":
            day = day.replace(month=1, day=1)
    return day.isoformat()


def value_of(shop: Shop, sale: Mapping[str, Any], group: Any, zone: str) -> Any:
    path, by = (group, None) if isinstance(group, str) else (group["field"], group.get("by"))
    value: Any = sale
    for name in path.split("."):
        value = shop.persons.get(value) if isinstance(value, str) else value
        value = None if value is None else value.get(name)
    if value is None or by is None:
        return value
    if "T" in value:
        moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
        return bucket(moment.astimezone(ZoneInfo(zone)).date(), by)
    return bucket(date.fromisoformat(value), by)


def rounded(value: Decimal, digits: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def measured(how: str, field: str, sales: list[dict[str, Any]]) -> Any:
    if how == "count":
        return len(sales)
    values = [s[field] for s in sales if s[field] is not None]
    money = [v["amount"] for v in values] if field == "amount" else values
    if how == "count_distinct":
        return len({msgspec.json.encode(v) for v in values})
    if not money:
        return None
    if how in ("sum", "min", "max"):
        return {"sum": sum, "min": min, "max": max}[how](money)
    found = sum(money) / len(money) if how == "avg" else median(money)
    if field == "amount":
        return rounded(found, minor_digits(values[0]["currency"]))
    return rounded(found, 4) if field == "ratio" else found


def expected(
    shop: Shop, groups: list[Any], measures: list[dict[str, str]], zone: str
) -> tuple[list[Any], dict[str, Any]]:
    live = [s for s in shop.sales if s["deleted_at"] is None]
    grouped: dict[tuple[Any, ...], list[Any]] = {} if groups else {(): live}
    for sale in live if groups else ():
        grouped.setdefault(tuple(value_of(shop, sale, g, zone) for g in groups), []).append(sale)

    def results(sales: list[Any]) -> dict[str, Any]:
        return {m["as"]: measured(*next((h, f) for h, f in m.items() if h != "as"), sales) for m in measures}

    names = [g if isinstance(g, str) else g["field"] for g in groups]
    rows = [dict(zip(names, key, strict=True)) | results(sales) for key, sales in grouped.items()]
    return sorted(rows, key=lambda row: [rank(name, row[name]) for name in names]), results(live)


def rank(name: str, value: Any) -> Any:
    """Nulls last; choices in declared order; text by its folded form."""
    if value is None:
        return (1,)
    if name == "stage":
        return (0, STAGES.index(value))
    return (
        (0, fold(value), value)
        if isinstance(value, str) and name in ("name", "owner.name", "size.place")
        else (0, value)
    )


def near(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, float):
        return found == pytest.approx(wanted, rel=1e-9, abs=1e-9)
    return found == wanted


MOMENTS = [
    "2026-03-29T00:30:00Z", "2026-03-28T22:30:00.5Z", "2026-10-24T21:30:00Z", "2026-10-24T20:59:59Z",
    "2026-12-31T22:00:00Z", "2027-01-01T02:29:59Z", "1995-06-01T00:00:00Z", "2026-01-01T00:00:00Z",
]  # fmt: skip
sale = st.fixed_dictionaries(
    {
        "name": st.sampled_from([None, "b", "B", "á", "a", "Z"]),
        "stage": st.sampled_from([None, *STAGES]),
        "count": st.sampled_from([None, -3, 0, 1, 2, 2**53 - 1]),
        "score": st.sampled_from([None, -1.5, 0.1, 2.5]),
        "ratio": st.sampled_from([None, -1.25, 0.01, 0.02, 3]),
        "amount": st.sampled_from([None, eur("-0.01"), eur("0.02"), eur("1000"), eur("92233720368547758.06")]),
        "open": st.sampled_from([None, True, False]),
        "day": st.sampled_from([None, "2026-02-28", "2026-03-01", "2026-03-31", "2026-04-01", "2025-12-29"]),
        "at": st.sampled_from([None, *MOMENTS]),
        "owner": st.sampled_from(
            [None, "00000000-0000-7000-8000-000000000001", "00000000-0000-7000-8000-000000000002"]
        ),
        "size": st.sampled_from([None, {}, {"place": "x"}, {"place": "Y"}]),
        "deleted_at": st.sampled_from([None, None, None, "2026-01-01T00:00:00Z"]),
    }
)
GROUPS: list[Any] = [
    "name", "stage", "count", "open", "day", "owner", "owner.name", "ratio", "size.place",
    *({"field": f, "by": by} for f in ("day", "at") for by in ("day", "week", "month", "quarter", "year")),
]  # fmt: skip
MEASURES = [
    {"count": "*", "as": "n"},
    *({how: f, "as": f"{how}_{f}"} for f in ("count", "score", "ratio", "amount") for how in ("sum", "avg", "median")),
    *(
        {how: f, "as": f"{how}_{f}"}
        for f in ("count", "score", "ratio", "amount", "day", "at")
        for how in ("min", "max")
    ),
    *(
        {"count_distinct": f, "as": f"distinct_{f}"}
        for f in ("name", "stage", "amount", "at", "owner", "open", "count")
    ),
]


@pytest.mark.contract("documents.md#report-measures")
@pytest.mark.contract("documents.md#report-groups")
@pytest.mark.contract("documents.md#report-buckets")
@pytest.mark.contract("documents.md#report-order")
@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    sales=st.lists(sale, max_size=12),
    groups=st.lists(st.sampled_from(GROUPS), max_size=2, unique_by=lambda g: g if isinstance(g, str) else g["field"]),
    measures=st.lists(st.sampled_from(MEASURES), min_size=1, max_size=4, unique_by=lambda m: m["as"]),
    zone=st.sampled_from(["UTC", "Europe/Riga", "America/St_Johns", "Pacific/Apia"]),
)
async def test_reports_are_what_python_counts(
    shop: Shop, sales: list[Any], groups: list[Any], measures: list[Any], zone: str
) -> None:
    huge = any(s["amount"] == eur("92233720368547758.06") for s in sales)
    if huge and any("amount" in m.values() and not {"min", "max", "count_distinct"} & set(m) for m in measures):
        sales = [s | {"amount": None} if s["amount"] == eur("92233720368547758.06") else s for s in sales]
    shop.fill(sales, PERSONS)
    shop.statements.clear()
    answer = await shop.run(zone=zone, group_by=groups, measures=measures)
    rows, totals = expected(shop, groups, measures, zone)
    assert len(shop.statements) == 1
    assert [list(row) for row in answer["rows"]] == [list(row) for row in rows]
    for found, wanted in [*zip(answer["rows"], rows, strict=True), (answer["totals"], totals)]:
        assert all(near(found[name], value) for name, value in wanted.items()), (found, wanted)
