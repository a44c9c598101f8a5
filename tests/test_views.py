"""Saved lists against the entities: every member does what it says or is refused with its place."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from crm_kernel.documents import View
from crm_kernel.fields.base import ValueContext
from crm_kernel.views import view_faults
from tests.test_reports import MODEL


def faults(**members: Any) -> list[tuple[str, str]]:
    view = msgspec.convert({"kind": "view", "name": "v", "label": "V", "entity": "sale"} | members, View)
    return [(fault.pointer, fault.code) for fault in view_faults(view, MODEL, roles=["agent"], context=ValueContext())]


@pytest.mark.contract("documents.md#view-checked")
def test_a_view_that_fits() -> None:
    assert faults() == []
    assert faults(filter="stage = 'won'", columns=["name", "owner.name", "tags"], sort="-amount, owner.name") == []
    assert faults(sort=["-stage", "name"]) == []


@pytest.mark.contract("documents.md#view-checked")
@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"entity": "sael"}, [("/entity", "not_found")]),
        ({"filter": "stge = 1"}, [("/filter", "unknown_field")]),
        (
            {"columns": ["name", "nmae", "owner.nmae"]},
            [("/columns/1", "unknown_field"), ("/columns/2", "unknown_field")],
        ),
        ({"columns": ["name", "name"]}, [("/columns/1", "unique")]),
        ({"sort": ["name", "-nmae"]}, [("/sort/1", "unknown_field")]),
        ({"sort": "nmae,-owner.nmae"}, [("/sort", "unknown_field"), ("/sort", "unknown_field")]),
        ({"sort": ["tags", "size"]}, [("/sort/0", "not_sortable"), ("/sort/1", "not_sortable")]),
        ({"sort": ["name", "-name"]}, [("/sort/1", "unique")]),
        ({"roles": ["agent", "agnt"]}, [("/roles/1", "not_found")]),
        (
            {"filter": "x = 1", "columns": ["y"], "sort": ["z"], "roles": ["w"]},
            [("/roles/0", "not_found"), *((p, "unknown_field") for p in ("/filter", "/columns/0", "/sort/0"))],
        ),
    ],
)
def test_what_does_not_fit_is_told_at_once(members: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert faults(**members) == expected
