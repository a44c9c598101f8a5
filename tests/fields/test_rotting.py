from __future__ import annotations

from crm_kernel.fields.base import Kind, Options, Shape
from crm_kernel.fields.rotting import Limit, Rotting


def test_rotting_is_computed_and_has_no_column() -> None:
    rotting = Rotting((Limit("viewing", "requested", 259_200),))
    assert rotting.kind is Kind.BOOLEAN
    assert rotting.columns() == rotting.to_columns(True) == ()


def test_no_schema_asks_for_it() -> None:
    assert Rotting.match(Shape({"type": "boolean"}, Options(), "boolean", ())) is None
