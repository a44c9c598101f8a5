"""Extension classes are `fields` documents."""

from __future__ import annotations

from typing import Annotated

import pytest

from crm_kernel import Entity, Extension, field
from crm_kernel.document_check import document_faults
from crm_kernel.entities import is_entity
from crm_kernel.extensions import extension_declaration, is_extension


class Person(Entity):
    """Somebody."""


class PersonBuyer(Extension, entity=Person):
    """What a buyer wants."""

    budget: Annotated[int | None, field(ge=0)] = None


class ByName(Extension, entity="company", name="crm_by_name"):
    rank: int


class Homeless(Extension):
    rank: int


def test_a_class_is_the_document_it_stands_for() -> None:
    body = extension_declaration(PersonBuyer)
    assert {k: body[k] for k in ("kind", "name", "label", "entity")} == {
        "kind": "fields",
        "name": "person-buyer",
        "label": "Person buyer",
        "entity": "person",
    }
    assert body["schema"]["properties"]["budget"] == {"type": "integer", "minimum": 0}
    assert document_faults(body) == []


def test_the_entity_may_be_named() -> None:
    assert extension_declaration(ByName)["entity"] == "company"
    assert extension_declaration(ByName)["schema"]["required"] == ["rank"]


def test_an_extension_needs_an_entity() -> None:
    with pytest.raises(TypeError, match="Homeless: the class keyword entity: expected an entity class or the name"):
        extension_declaration(Homeless)


def test_an_extension_is_told_from_an_entity() -> None:
    assert is_extension(PersonBuyer)
    assert is_entity(PersonBuyer)
    assert not is_extension(Person)
