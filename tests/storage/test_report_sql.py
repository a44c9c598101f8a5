"""The statement of a report."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from crm_kernel.documents import Report
from crm_kernel.fields import from_schema
from crm_kernel.fields.base import Options
from crm_kernel.filters.resolver import resolve
from crm_kernel.filters.scope import NOTHING
from crm_kernel.model import EntityModel, Field, Source
from crm_kernel.reports import resolve_report
from crm_kernel.storage.report_sql import report_sql
from crm_kernel.storage.sqlite_dialect import SqliteDialect

SCHEMAS: dict[str, dict[str, Any]] = {"count": {"type": "integer"}, "at": {"type": "string", "format": "date-time"}}
SCHEMAS["created_at"] = SCHEMAS["at"]
SOURCE = Source("plugin", "test")
SALE = EntityModel(
    name="sale", label="Sale", plural="Sales", title="", icon=None, history=True, source=SOURCE, schema={},
    validate=lambda *_, **__: [],
    fields={
        name: Field(name=name, type=from_schema(schema, Options()), schema=schema, source=SOURCE)
        for name, schema in SCHEMAS.items()
    },
)  # fmt: skip


def sql(rows: Any = None, zone: str = "UTC", **parts: Any) -> Any:
    body = {"kind": "report", "name": "r", "label": "R", "entity": "sale", "measures": [{"count": "*", "as": "n"}]}
    resolved = resolve_report(msgspec.convert(body | parts, Report), {"sale": SALE})
    return report_sql(resolved, SqliteDialect(), SALE, rows, zone).sql


def test_values_are_parameters() -> None:
    params = {"least": {"type": "integer"}}
    found = sql(
        resolve("count < 77", "sale", {"sale": SALE}), filter="count > @param.least", having="n > 88", params=params
    )
    assert "77" not in found.text
    assert "88" not in found.text
    assert found.text.count("?") == len(found.params)


def test_records_are_read_once_where_groups_are_enough() -> None:
    assert sql(measures=[{"avg": "count", "as": "a"}, {"max": "count", "as": "m"}]).text.count('"e_sale"') == 1
    assert sql(measures=[{"median": "count", "as": "m"}]).text.count('"e_sale"') == 1
    assert sql(measures=[{"count_distinct": "count", "as": "d"}]).text.count('"e_sale"') == 1


def test_no_rows_at_all() -> None:
    assert "1 = 0" in sql(NOTHING).text


def test_only_zones_that_change_cost_anything() -> None:
    monthly = [{"field": "at", "by": "month"}]
    assert "CASE" not in sql(group_by=monthly).text
    assert "CASE" in sql(group_by=monthly, zone="Europe/Riga").text


@pytest.mark.parametrize(
    ("rule", "parts", "whole"),
    [
        (None, {"measures": [{"sum": "count", "as": "s"}]}, True),
        ("count = 1 or count = 2", {}, True),
        (None, {}, False),  # an index counts faster
        (None, {"measures": [{"max": "created_at", "as": "m"}]}, False),  # it is in an index
        (None, {"measures": [{"sum": "count", "as": "s"}], "filter": "count > 1"}, False),
        ("count = 1", {"measures": [{"sum": "count", "as": "s"}]}, False),
    ],
)
def test_a_table_that_is_read_whole_is_read_without_its_indexes(rule: str | None, parts: Any, whole: bool) -> None:
    rows = None if rule is None else resolve(rule, "sale", {"sale": SALE})
    assert ("NOT INDEXED" in sql(rows, **parts).text) == whole
