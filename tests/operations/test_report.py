"""Reports against what Python counts by hand, and their answers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_kernel.errors import Error
from crm_kernel.fields import from_schema
from crm_kernel.fields.base import Options, ValueContext
from crm_kernel.fields.currencies import minor_digits
from crm_kernel.fields.folding import fold
from crm_kernel.filters.environment import Environment
from crm_kernel.filters.resolver import resolve
from crm_kernel.filters.scope import NOTHING
from crm_kernel.model import EntityModel, Field, Source
from crm_kernel.operations.report import report_parameters, run_report, unsaved_report
from crm_kernel.storage.dialects import SqliteDialect

CONTEXT = ValueContext()
NOW = datetime(2026, 3, 18, 10, 30, tzinfo=UTC)
STAGES = ["new", "won", "Ärger"]
FIELDS: dict[str, dict[str, dict[str, Any]]] = {
    "person": {"name": {"type": "string"}},
    "sale": {
        "name": {"type": "string"},
        "stage": {"enum": STAGES},
        "count": {"type": "integer"},
        "score": {"type": "number"},
        "ratio": {"type": "number", "x-crm": {"decimal": 2}},
        "amount": {"type": "object", "x-crm": {"money": True}},
        "open": {"type": "boolean"},
        "day": {"type": "string", "format": "date"},
        "at": {"type": "string", "format": "date-time"},
        "owner": {"type": "string", "x-crm": {"reference": "person"}},
        "size": {"type": "object", "properties": {"area": {"type": "integer"}, "place": {"type": "string"}}},
    },
}


def _entity(name: str) -> EntityModel:
    source = Source("plugin", "test")
    schemas = {"id": {"type": "string"}, "deleted_at": {"type": "string", "format": "date-time"}, **FIELDS[name]}
    fields: dict[str, Field] = {}
    for field, schema in schemas.items():
        options = msgspec.convert(schema.get("x-crm", {}), Options)
        fields[field] = Field(
            name=field, type=from_schema(schema, options), schema=schema, source=source, options=options
        )
    return EntityModel(
        name=name, label=name, plural=name, title="", icon=None, history=True, source=source, schema={},
        fields=fields, validate=lambda *_, **__: [],
    )  # fmt: skip


class Shop:
    """Sales in a database and in memory; also what `run_report` asks of a database."""

    def __init__(self) -> None:
        self.model = {name: _entity(name) for name in FIELDS}
        self.dialect = SqliteDialect()
        self.connection = sqlite3.connect(":memory:")
        self.statements: list[str] = []
        self.sales: list[dict[str, Any]] = []
        self.persons: dict[str, dict[str, Any]] = {}
        for entity in self.model.values():
            columns = [
                f'"{f.name}{c.suffix}" {self.dialect.column_type(c.storage)}'
                for f in entity.fields.values()
                for c in f.type.columns()
            ]
            self.connection.execute(f'CREATE TABLE "e_{entity.name}" ({", ".join(columns)})')

    def fill(self, sales: Iterable[Mapping[str, Any]], persons: Iterable[Mapping[str, Any]] = ()) -> None:
        for name in FIELDS:
            self.connection.execute(f'DELETE FROM "e_{name}"')
        self.sales = [self._insert("sale", {"id": f"s{i}", **row}) for i, row in enumerate(sales)]
        self.persons = {row["id"]: self._insert("person", row) for row in persons}

    def _insert(self, entity: str, sent: Mapping[str, Any]) -> dict[str, Any]:
        record: dict[str, Any] = {}
        names, values = [], []
        for field in self.model[entity].fields.values():
            value = sent.get(field.name)
            record[field.name] = None if value is None else field.type.canonical(value, CONTEXT)
            for column, part in zip(field.type.columns(), field.type.to_columns(record[field.name]), strict=True):
                names.append(f'"{field.name}{column.suffix}"')
                values.append(self.dialect.encode(part, column.storage))
        marks = ", ".join("?" * len(names))
        self.connection.execute(f'INSERT INTO "e_{entity}" ({", ".join(names)}) VALUES ({marks})', values)
        return record

    async def read_heavy(self, sql: str, params: Sequence[Any] = (), /) -> list[tuple[Any, ...]]:
        self.statements.append(sql)
        return self.connection.execute(sql, tuple(params)).fetchall()

    async def run(self, scope: Any = None, zone: str = "UTC", **parts: Any) -> dict[str, Any]:
        report = unsaved_report({"entity": "sale", "measures": [{"count": "*", "as": "n"}], **parts})
        environment = Environment(now=NOW, zone=zone, params=report_parameters(report, {}))
        return await run_report(
            self, self.dialect, report, model=self.model, scope=scope or Rules(self), environment=environment
        )  # type: ignore[arg-type]


class Rules:
    """Row rules and masks as texts, "" for no row."""

    def __init__(self, shop: Shop, rows: Mapping[str, str] = {}, fields: Mapping[tuple[str, str], str] = {}) -> None:
        def rule(entity: str, text: str) -> Any:
            return resolve(text, entity, shop.model) if text else NOTHING

        self._rows = {name: rule(name, text) for name, text in rows.items()}
        self._fields = {key: rule(key[0], text) for key, text in fields.items()}

    def field_exists(self, entity: str, field: str) -> bool:  # noqa: ARG002
        return True

    def rows(self, entity: str) -> Any:
        return self._rows.get(entity)

    def field_rows(self, entity: str, field: str) -> Any:
        return self._fields.get((entity, field))


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop()


def eur(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


# ---- by hand --------------------------------------------------------------------------------------------------------
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
        "amount": st.sampled_from([None, eur("-0.01"), eur("0.02"), eur("1000"), eur("92233720368547758.07")]),
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
PERSONS = [
    {"id": "00000000-0000-7000-8000-000000000001", "name": "Ann"},
    {"id": "00000000-0000-7000-8000-000000000002", "name": "bob"},
]
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
    huge = any(s["amount"] == eur("92233720368547758.07") for s in sales)
    if huge and any("amount" in m.values() and not {"min", "max", "count_distinct"} & set(m) for m in measures):
        sales = [s | {"amount": None} if s["amount"] == eur("92233720368547758.07") else s for s in sales]
    shop.fill(sales, PERSONS)
    shop.statements.clear()
    answer = await shop.run(zone=zone, group_by=groups, measures=measures)
    rows, totals = expected(shop, groups, measures, zone)
    assert len(shop.statements) == 1
    assert [list(row) for row in answer["rows"]] == [list(row) for row in rows]
    for found, wanted in [*zip(answer["rows"], rows, strict=True), (answer["totals"], totals)]:
        assert all(near(found[name], value) for name, value in wanted.items()), (found, wanted)


# ---- single cases ---------------------------------------------------------------------------------------------------
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
    shop.fill([{"amount": eur("92233720368547758.07"), "count": 2**53 - 1} for _ in range(3)])
    found = await shop.run(
        measures=[{"sum": "amount", "as": "s"}, {"sum": "count", "as": "c"}, {"median": "amount", "as": "m"}]
    )
    assert float(found["rows"][0]["s"]) == pytest.approx(3 * 92233720368547758.07)
    assert found["rows"][0]["c"] == 3 * (2**53 - 1)
    assert float(found["rows"][0]["m"]) == pytest.approx(92233720368547758.07)


MIXED = [
    {"stage": "new", "amount": eur("1")},
    {"stage": "won", "amount": {"amount": 150, "currency": "JPY"}},
    {"stage": "won"},
]


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


# ---- documents and parameters ---------------------------------------------------------------------------------------
def test_unsaved_reports() -> None:
    measures = [{"count": "*", "as": "n"}]
    assert unsaved_report({"entity": "sale", "measures": measures}).entity == "sale"
    for body in (
        {"entity": "sale"},
        {"entity": "sale", "measures": []},
        {"entity": "sale", "measures": measures, "x": 1},
    ):
        with pytest.raises(Error) as caught:
            unsaved_report(body)
        assert caught.value.code == "invalid"
        assert caught.value.faults
    with pytest.raises(Error, match="Expected a report, got kind 'view'"):
        unsaved_report({"kind": "view", "entity": "sale", "measures": measures})


PARAMS: dict[str, Any] = {
    "text": {"type": "string", "maxLength": 3},
    "count": {"type": "integer", "minimum": 1, "default": 7},
    "score": {"type": "number"},
    "flag": {"type": "boolean"},
    "day": {"type": "string", "format": "date"},
    "many": {"type": "array", "items": {"type": "integer"}},
}


@pytest.mark.contract("documents.md#report-params")
@pytest.mark.parametrize(
    ("sent", "values"),
    [
        ({}, {"count": 7}),
        ({"count": "8"}, {"count": 8}),
        ({"count": 8, "score": "1.5", "flag": "TRUE"}, {"count": 8, "score": 1.5, "flag": True}),
        ({"text": "", "day": "2026-03-01", "flag": False}, {"count": 7, "day": "2026-03-01", "flag": False}),
        ({"many": "1, 2"}, {"count": 7, "many": [1, 2]}),
        ({"many": ""}, {"count": 7, "many": []}),
        ({"many": [3]}, {"count": 7, "many": [3]}),
    ],
)
def test_parameters(sent: dict[str, Any], values: dict[str, Any]) -> None:
    report = unsaved_report({"entity": "sale", "measures": [{"count": "*", "as": "n"}], "params": PARAMS})
    assert report_parameters(report, sent) == values


@pytest.mark.parametrize(
    ("sent", "code", "detail"),
    [
        ({"txet": "x"}, "unknown_parameter", "The report has no parameter 'txet'. did you mean 'text'?"),
        ({"text": "long"}, "bad_value", "Parameter 'text': "),
        ({"count": "x"}, "bad_value", "Parameter 'count': "),
        ({"count": "[1]"}, "bad_value", "Parameter 'count': "),
        ({"count": 0}, "bad_value", "Parameter 'count': "),
        ({"flag": "yes"}, "bad_value", "Parameter 'flag': "),
        ({"day": "2026-02-30"}, "bad_value", "Parameter 'day': "),
        ({"many": "1,x"}, "bad_value", "Parameter 'many': "),
    ],
)
def test_parameters_that_do_not_fit(sent: dict[str, Any], code: str, detail: str) -> None:
    report = unsaved_report({"entity": "sale", "measures": [{"count": "*", "as": "n"}], "params": PARAMS})
    with pytest.raises(Error) as caught:
        report_parameters(report, sent)
    assert caught.value.code == code
    assert caught.value.detail.startswith(detail)
