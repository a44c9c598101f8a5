from __future__ import annotations

import pytest

from crm_kernel.fields.base import Kind
from crm_kernel.model import SYSTEM
from crm_kernel.schema.names import PIPELINE_FIELDS, SYSTEM_FIELDS
from crm_kernel.schema.system import system_fields


@pytest.mark.contract("base.md#system-fields")
def test_system_fields_have_a_fixed_order() -> None:
    assert tuple(system_fields()) == SYSTEM_FIELDS
    assert tuple(system_fields({"viewing": ["requested"]})) == SYSTEM_FIELDS + PIPELINE_FIELDS


def test_who_refers_to_whom() -> None:
    targets = {name: field.options.reference for name, field in system_fields().items() if field.options.reference}
    assert targets == {"created_by": "user", "updated_by": "user", "owner": "user", "team": "team"}


def test_what_callers_may_write() -> None:
    fields = system_fields({"a": ["x"]})
    assert [n for n, f in fields.items() if not f.read_only] == ["owner", "team", "pipeline", "stage", "stage_reason"]
    assert {field.source for field in fields.values()} == {SYSTEM}


def test_stages_are_choices_in_declared_order_the_default_pipeline_first() -> None:
    fields = system_fields({"sales": ["new", "won"], "rent": ["asked", "new"]})
    assert fields["pipeline"].choices == ("sales", "rent")
    assert fields["stage"].choices == ("new", "won", "asked")
    assert fields["stage"].type.kind is Kind.CHOICE
    assert fields["rotting"].type.columns() == ()
