"""Reports against the entities: what they become, and everything that does not fit."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from crm_kernel.documents import Report
from crm_kernel.errors import Error
from crm_kernel.fields import from_schema
from crm_kernel.fields.base import Kind, Options
from crm_kernel.filters.scope import SYSTEM_SCOPE
from crm_kernel.model import EntityModel, Field, Source
from crm_kernel.reports import MEASURES, report_faults, resolve_report

FIELDS: dict[str, dict[str, Any]] = {
    "name": {"type": "string"},
    "stage": {"enum": ["new", "won"]},
    "count": {"type": "integer"},
    "ratio": {"type": "number", "x-crm": {"decimal": 2}},
    "amount": {"type": "object", "x-crm": {"money": True}},
    "at": {"type": "string", "format": "date-time"},
    "day": {"type": "string", "format": "date"},
    "tags": {"type": "array"},
    "size": {"type": "object", "properties": {"area": {"type": "integer"}}},
    "owner": {"type": "string", "x-crm": {"reference": "person"}},
}


def _entity(name: str, fields: dict[str, dict[str, Any]]) -> EntityModel:
    source = Source("plugin", "test")
    return EntityModel(
        name=name, label=name, plural=name, title="", icon=None, history=True, source=source, schema={},
        validate=lambda *_, **__: [],
        fields={
            n: Field(name=n, type=from_schema(s, o), schema=s, source=source, options=o)
            for n, s in fields.items()
            for o in [msgspec.convert(s.get("x-crm", {}), Options)]
        },
    )  # fmt: skip


MODEL = {"sale": _entity("sale", FIELDS), "person": _entity("person", {"name": {"type": "string"}})}


def report(**parts: Any) -> Report:
    body = {"kind": "report", "name": "r", "label": "R", "entity": "sale", "measures": [{"count": "*", "as": "n"}]}
    return msgspec.convert(body | parts, Report)


def faults(**parts: Any) -> list[tuple[str, str, str]]:
    return [(f.pointer, f.code, f.detail) for f in report_faults(report(**parts), MODEL)]


@pytest.mark.contract("documents.md#report-groups")
@pytest.mark.contract("documents.md#report-measures")
def test_columns() -> None:
    resolved = resolve_report(
        report(
            group_by=["stage", "owner.name", {"field": "at", "by": "month"}, {"field": "amount.currency", "as": "in"}],
            measures=[
                {"count": "*", "as": "n"},
                {"sum": "amount", "as": "value"},
                {"avg": "amount.amount", "as": "mean"},
                {"avg": "ratio", "as": "mean_ratio"},
                {"max": "ratio", "as": "top_ratio"},
                {"median": "count", "as": "middle"},
                {"min": "at", "as": "first"},
                {"count_distinct": "owner", "as": "owners"},
                {"sum": "size.area", "as": "area"},
            ],
            having="n > 1 and value > 'EUR 5' and stage = 'won' and mean_ratio < 0.5 and at > @today",
            order=["-value", "stage"],
        ),
        MODEL,
    )
    assert [(c.name, c.label, c.kind) for c in resolved.columns] == [
        ("stage", "Stage", Kind.CHOICE),
        ("owner.name", "Owner › Name", Kind.TEXT),
        ("at", "At", Kind.DATE),
        ("in", "In", Kind.CHOICE),
        ("n", "N", Kind.INTEGER),
        ("value", "Value", Kind.MONEY),
        ("mean", "Mean", Kind.MONEY),
        ("mean_ratio", "Mean ratio", Kind.DECIMAL),
        ("top_ratio", "Top ratio", Kind.DECIMAL),
        ("middle", "Middle", Kind.NUMBER),
        ("first", "First", Kind.MOMENT),
        ("owners", "Owners", Kind.INTEGER),
        ("area", "Area", Kind.NUMBER),
    ]
    assert [m.scale for m in resolved.measures if m.kind is Kind.DECIMAL] == [4, 2]
    assert resolved.order == (("value", True), ("stage", False))


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"entity": "sael"}, ("/entity", "not_found", "There is no entity 'sael'; did you mean 'sale'?")),
        ({"filter": "stge = 1"}, ("/filter", "unknown_field", "unknown field 'stge' at 1: did you mean 'stage'?")),
        ({"filter": "stage ="}, ("/filter", "bad_filter", "unexpected end at 8: expected ")),
        ({"filter": "name = @param.x"}, ("/filter", "bad_filter", "unknown parameter 'x' at 8")),
        ({"group_by": ["stge"]}, ("/group_by/0", "unknown_field", "unknown field 'stge' at 1: did you mean 'stage'?")),
        ({"group_by": [{"field": "x y"}]}, ("/group_by/0/field", "unknown_field", "unknown field 'x y' at 1")),
        ({"group_by": ["tags"]}, ("/group_by/0", "type", "Records cannot be grouped by 'tags', a list.")),
        (
            {"group_by": ["amount"]},
            ("/group_by/0", "type", "Records cannot be grouped by 'amount', a money. Group by its currency."),
        ),
        (
            {"group_by": [{"field": "stage", "by": "month"}]},
            ("/group_by/0/by", "type", "Only dates come in buckets; 'stage' is a choice."),
        ),
        (
            {"group_by": ["stage", {"field": "name", "as": "stage"}]},
            ("/group_by", "unique", "Two columns are called 'sta"),
        ),
        ({"group_by": [{"field": "name", "as": "n"}]}, ("/measures", "unique", "Two columns are called 'n'")),
        ({"measures": [{"as": "x"}]}, ("/measures/0", "oneOf", "A measure is one of count, count_distinct, sum, avg,")),
        ({"measures": [{"as": "x", "sum": "count", "avg": "count"}]}, ("/measures/0", "oneOf", "A measure is one of ")),
        (
            {"measures": [{"as": "x", "sum": "cuont"}]},
            ("/measures/0/sum", "unknown_field", "unknown field 'cuont' at 1"),
        ),
        ({"measures": [{"as": "x", "sum": "name"}]}, ("/measures/0/sum", "type", "sum takes no text; 'name' is one.")),
        (
            {"measures": [{"as": "x", "min": "stage"}]},
            ("/measures/0/min", "type", "min takes no choice; 'stage' is one."),
        ),
        ({"measures": [{"as": "x", "avg": "at"}]}, ("/measures/0/avg", "type", "avg takes no moment; 'at' is one.")),
        (
            {"measures": [{"as": "x", "count_distinct": "tags"}]},
            ("/measures/0/count_distinct", "type", "count_distinct ta"),
        ),
        (
            {"params": {"format": {"type": "string"}}},
            ("/params/format", "reserved", "'format' says how a report is answered."),
        ),
        ({"params": {"x": {"type": "integer", "default": "y"}}}, ("/params/x/default", "type", '"y" is not of type')),
        ({"having": "m > 1"}, ("/having", "unknown_field", "unknown field 'm' at 1")),
        ({"having": "n = 'x'"}, ("/having", "bad_filter", "unexpected text 'x' at 5: expected a number")),
        ({"order": ["-m"]}, ("/order/0", "unknown_field", "There is no column 'm'.")),
    ],
)
def test_what_does_not_fit(parts: dict[str, Any], expected: tuple[str, str, str]) -> None:
    found = faults(**parts)
    assert found[0][:2] == expected[:2]
    assert found[0][2].startswith(expected[2])
    with pytest.raises(Error) as caught:
        resolve_report(report(**parts), MODEL)
    assert (caught.value.code, caught.value.status) == ("invalid", 422)


def test_all_faults_at_once() -> None:
    found = faults(filter="x = 1", group_by=["y"], measures=[{"as": "n", "sum": "z"}], having="q = 1", order=["p"])
    assert [pointer for pointer, _, _ in found] == ["/group_by/0", "/measures/0/sum", "/filter", "/having", "/order/0"]
    assert faults() == []


@pytest.mark.contract("filters.md#hidden-field-unknown")
def test_hidden_fields_are_unknown() -> None:
    class Scope:
        def field_exists(self, entity: str, field: str) -> bool:
            return (entity, field) not in {("sale", "amount"), ("person", "name")}

        rows = SYSTEM_SCOPE.rows
        field_rows = SYSTEM_SCOPE.field_rows

    with pytest.raises(Error) as caught:
        resolve_report(
            report(group_by=["owner.name"], measures=[{"sum": "amount", "as": "v"}], filter="amount.amount > 1"),
            MODEL,
            scope=Scope(),
        )
    assert {(f.pointer, f.code) for f in caught.value.faults} == {
        ("/filter", "unknown_field"),
        ("/group_by/0", "unknown_field"),
        ("/measures/0/sum", "unknown_field"),
    }


def test_measures_of_the_document_are_all_known() -> None:
    assert set(MEASURES) == {"count", "count_distinct", "sum", "avg", "min", "max", "median"}
