"""Mappings settled for an entity and a file: what fits, what does not, and how cells are read."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from crm_kernel.errors import Error
from crm_kernel.mappings import ColumnMapping, ImportMapping
from crm_kernel.operations.import_changes import Row, read_row
from crm_kernel.operations.import_mapping import Plan, settle
from crm_kernel.testing import TestCrm


@pytest.fixture
def plan(crm: TestCrm) -> Any:
    registry = crm.kernel.registry

    def make(header: str, mapping: ImportMapping, entity: str = "job") -> Plan:
        names = header.split(",")
        return settle(mapping, names, registry.entities[entity], registry.entities, registry.value_context)

    return make


def faults(plan: Any, header: str, mapping: ImportMapping, entity: str = "job") -> list[tuple[str, str]]:
    with pytest.raises(Error) as caught:
        plan(header, mapping, entity)
    assert caught.value.code == "invalid"
    return [(fault.pointer, fault.code) for fault in caught.value.faults]


def read(plan: Plan, *cells: str) -> Row:
    return read_row(plan, 7, list(cells))


@pytest.mark.contract("documents.md#map-columns")
def test_without_columns_headers_are_field_names(plan: Any) -> None:
    row = read(plan("number,level", ImportMapping()), "A1", "4")
    assert row.values == {"number": "A1", "level": Decimal(4)}


@pytest.mark.contract("documents.md#map-columns", "documents.md#map-options")
def test_columns_name_fields_and_how_cells_are_read(plan: Any) -> None:
    columns: dict[str, str | ColumnMapping] = {
        "Nr": "number",
        "Price": ColumnMapping(field="price", currency="USD"),
        "Due": ColumnMapping(field="due", format="%d/%m/%y"),
        "Size": ColumnMapping(field="kind_of", values={"S": "small", "L": "large", "?": ""}),
    }
    settled = plan("Nr,Price,Due,Size,Other", ImportMapping(columns=columns, constants={"level": 9}))
    values = read(settled, "A1", "1200.50", "3/1/26", "S", "x").values
    assert values == {
        "number": "A1",
        "price": {"amount": Decimal("1200.50"), "currency": "USD"},
        "due": "2026-01-03",
        "kind_of": "small",
        "level": 9,
    }
    assert read(settled, "A1", "EUR 5", "3/1/26", "?", "x").values["kind_of"] is None
    assert read(settled, "A1", "EUR 5", "3/1/26", "large", "x").values["kind_of"] == "large"
    assert read(settled, "A1", "EUR 5", "", "S", "x").values["price"]["currency"] == "EUR"


def test_a_column_may_fill_several_fields(plan: Any) -> None:
    columns: dict[str, Any] = {"Nr": ["number", ColumnMapping(field="kind_of", values={"A1": "small"})]}
    assert read(plan("Nr", ImportMapping(columns=columns)), "A1").values == {"number": "A1", "kind_of": "small"}
    columns = {"Nr": ["number", ColumnMapping(field="level", format="%d", match="x"), "nothing"]}
    assert faults(plan, "Nr", ImportMapping(columns=columns)) == [
        ("/columns/Nr/1/format", "type"),
        ("/columns/Nr/1/match", "type"),
        ("/columns/Nr/2", "unknown_field"),
    ]


def test_blank_cells_are_nothing(plan: Any) -> None:
    assert read(plan("number,level,due", ImportMapping()), "", "  ", "\t").values == {
        "number": None,
        "level": None,
        "due": None,
    }


def test_a_blank_cell_may_be_translated(plan: Any) -> None:
    columns: dict[str, str | ColumnMapping] = {
        "x": ColumnMapping(field="do_not_contact", values={"yes": True, "": False})
    }
    settled = plan("x", ImportMapping(columns=columns), "contact")
    assert [read(settled, cell).values["do_not_contact"] for cell in ("yes", " ", "", "1")] == [
        True,
        False,
        False,
        True,
    ]


@pytest.mark.contract("documents.md#map-file")
def test_the_decimal_mark_is_that_of_the_mapping(plan: Any) -> None:
    settled = plan("amount,price,number", ImportMapping(decimal=",", delimiter=";"))
    values = read(settled, "1,5", "2,25", "1,5").values
    assert values["amount"] == Decimal("1.5")
    assert values["price"] == {"amount": Decimal("2.25"), "currency": "EUR"}
    assert values["number"] == "1,5"


@pytest.mark.contract("documents.md#map-file")
def test_times_without_offset_are_in_the_zone_of_the_mapping(plan: Any) -> None:
    columns: dict[str, str | ColumnMapping] = {
        "a": "starts_at",
        "b": ColumnMapping(field="ends_at", format="%d.%m.%Y %H:%M"),
        "c": ColumnMapping(field="due_at", format="%Y-%m-%dT%H:%M%z"),
    }
    mapping = ImportMapping(columns=columns, timezone="America/Los_Angeles")
    values = read(plan("a,b,c", mapping, "activity"), "2026-07-01 10:00", "01.12.2026 10:00", "2026-01-01T10:00+0300")
    assert values.values == {
        "starts_at": "2026-07-01T10:00:00-07:00",
        "ends_at": "2026-12-01T10:00:00-08:00",
        "due_at": "2026-01-01T10:00:00+03:00",
    }
    assert read(plan("starts_at", ImportMapping(), "activity"), "2026-07-01").values == {
        "starts_at": "2026-07-01T00:00:00+03:00"
    }


def test_a_cell_that_is_not_of_its_format_is_a_fault_at_its_field(plan: Any) -> None:
    settled = plan("Due,number", ImportMapping(columns={"Due": ColumnMapping(field="due", format="%Y%m%d")}))
    row = read(settled, "20261301", "A1")
    (fault,) = row.faults.values()
    assert (fault.pointer, fault.code, fault.row) == ("/due", "format", 7)
    assert fault.detail == "'20261301' is not of the format '%Y%m%d'."


@pytest.mark.parametrize(("cells", "code"), [(["1"], "minItems"), (["1", "2", "3"], "maxItems")])
def test_a_row_of_another_length_is_refused_as_a_whole(plan: Any, cells: list[str], code: str) -> None:
    row = read(plan("number,level", ImportMapping()), *cells)
    assert [(f.pointer, f.code, f.detail) for f in row.faults.values()] == [
        ("", code, f"The row has {len(cells)} cells; the header has 2.")
    ]


@pytest.mark.contract("documents.md#map-unmapped")
def test_unmapped_columns_are_ignored_or_refused(plan: Any) -> None:
    assert len(plan("number,other", ImportMapping(unmapped="ignore")).columns) == 1
    assert len(plan("Nr,other", ImportMapping(columns={"Nr": "number"})).columns) == 1
    assert faults(plan, "Nr,other", ImportMapping(columns={"Nr": "number"}, unmapped="error")) == [
        ("/unmapped", "unknown_field")
    ]
    assert faults(plan, "number,levl,", ImportMapping(unmapped="error")) == [
        ("/columns", "required"),
        ("/columns/levl", "unknown_field"),
    ]


def test_headers_that_do_not_fit_are_named(plan: Any) -> None:
    mapping = ImportMapping(columns={"Nr": "number", "Size": "kind_of"})
    assert faults(plan, "Nr,Nr,size", mapping) == [("/columns/Nr", "unique"), ("/columns/Size", "required")]
    with pytest.raises(Error) as caught:
        plan("Nr,Sise", mapping)
    assert caught.value.detail == "The file has no column 'Size'; did you mean 'Sise'?"
    with pytest.raises(Error) as caught:
        plan("a,b", ImportMapping(columns={"Nr": "number"}))
    assert caught.value.detail == "The file has no column 'Nr'; it has 'a', 'b'."


@pytest.mark.parametrize(
    ("column", "pointer", "code"),
    [
        (ColumnMapping(field="nummer"), "", "unknown_field"),
        (ColumnMapping(field="serial"), "", "read_only"),
        (ColumnMapping(field="created_at"), "", "read_only"),
        (ColumnMapping(field="number", currency="EUR"), "/currency", "type"),
        (ColumnMapping(field="number", format="%Y"), "/format", "type"),
        (ColumnMapping(field="due", format="%Q"), "/format", "format"),
        (ColumnMapping(field="number", match="login"), "/match", "type"),
        (ColumnMapping(field="customer", match="name"), "/match", "unknown_field"),
        (ColumnMapping(field="customer", match="nix"), "/match", "unknown_field"),
    ],
)
def test_options_that_do_not_fit_the_field(plan: Any, column: ColumnMapping, pointer: str, code: str) -> None:
    assert faults(plan, "x", ImportMapping(columns={"x": column})) == [(f"/columns/x{pointer}", code)]


def test_a_reference_to_any_entity_matches_nothing(plan: Any) -> None:
    mapping = ImportMapping(columns={"x": ColumnMapping(field="about", match="login")})
    assert faults(plan, "x", mapping, "activity") == [("/columns/x/match", "type")]


def test_an_entity_without_a_unique_field_is_said_to_have_none(plan: Any) -> None:
    mapping = ImportMapping(columns={"x": ColumnMapping(field="team", match="name")})
    with pytest.raises(Error, match="'name' is no unique field of team; expected none"):
        plan("x", mapping, "contact")


def test_constants_are_fields_too(plan: Any) -> None:
    assert faults(plan, "number", ImportMapping(constants={"levl": 1, "version": 2})) == [
        ("/constants/levl", "unknown_field"),
        ("/constants/version", "read_only"),
    ]


@pytest.mark.contract("documents.md#map-key")
@pytest.mark.parametrize(
    ("key", "code"),
    [("nix", "unknown_field"), ("level", "required"), ("price", "type"), ("tags", "type")],
)
def test_a_key_is_a_scalar_that_is_filled(plan: Any, key: str, code: str) -> None:
    assert faults(plan, "number,price,tags,amount", ImportMapping(key=["number", key])) == [("/key/1", code)]


@pytest.mark.contract("documents.md#map-key")
def test_one_field_of_a_key_is_indexed(plan: Any) -> None:
    assert faults(plan, "due,amount", ImportMapping(key=["due", "amount"])) == [("/key", "required")]
    assert len(plan("due,number", ImportMapping(key=["due", "number"])).key) == 2


def test_key_values_are_in_their_normal_form(plan: Any) -> None:
    settled = plan("external_id,email", ImportMapping(key=["external_id", "email"]), "contact")
    assert read(settled, " X ", "A@EXAMPLE.org").values == {"external_id": "X", "email": "A@example.org"}
    assert read(settled, " ", "no mail").values == {"external_id": None, "email": "no mail"}
