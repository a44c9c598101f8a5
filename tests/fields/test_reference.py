from __future__ import annotations

from uuid import UUID

import pytest

from crm_kernel.fields.base import Column, Faulty, FieldType, Options, Shape, ValueContext
from crm_kernel.fields.reference import ANY, AnyReference, Id, Reference

CONTEXT = ValueContext()
ID = "0192d7a0-0000-7000-8000-00000000000a"


def test_ids_are_uuids_in_lower_case() -> None:
    contact = Reference("contact")
    assert contact.canonical(f" {ID.upper()} ", CONTEXT) == ID
    assert contact.canonical(UUID(ID), CONTEXT) == ID
    assert contact.canonical("", CONTEXT) is None
    assert not contact.folds


@pytest.mark.parametrize(
    ("field_type", "code"), [(Reference("contact"), "reference"), (AnyReference(), "reference"), (Id(), "format")]
)
@pytest.mark.parametrize("text", ["nobody", ID[:-1], "{" + ID + "}", ID.replace("-", "")])
def test_what_is_no_id_refers_to_nothing(field_type: FieldType, code: str, text: str) -> None:
    with pytest.raises(Faulty) as caught:
        field_type.canonical(text, CONTEXT)
    assert caught.value.faults[0].code == code


def test_a_reference_to_any_keeps_the_entity_beside_the_id() -> None:
    about = AnyReference()
    assert about.target == ANY
    assert about.columns() == (Column("", "uuid"), Column("__entity", "text"))
    assert about.from_columns()(ID, "contact") == ID
    assert Reference("contact").columns() == (Column("", "uuid"),)


def test_no_schema_asks_for_an_id() -> None:
    assert Id.match(Shape({}, Options(reference="contact"), "string", ())) is None
