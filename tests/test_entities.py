from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, ClassVar, Literal, NewType
from uuid import UUID

import msgspec
import pytest

from crm_kernel import Address, Email, Entity, Money, Phone, Ref, Url, field
from crm_kernel.entities import declaration, entity_name, is_entity
from crm_kernel.fields.hints import schema_of
from crm_kernel.schema import check_schema

Shelf = NewType("Shelf", str)


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Part(msgspec.Struct, rename={"kind_": "kind"}, forbid_unknown_fields=True):
    """A   part."""

    label: str
    kind_: Literal["a", "b"] | None = None
    size: Annotated[int | None, msgspec.Meta(ge=1)] = None
    weight: int | float | None = None
    note: Annotated[str, msgspec.Meta(max_length=5, description="in short")] = ""


class Contact(Entity, name="contact"):
    """A person."""

    name: str


class BuyerRequirement(Entity):
    contact: Ref[Contact]


class Everything(
    Entity,
    name="everything",
    label="Thing",
    plural="Things",
    title="{text}",
    icon="box",
    history=False,
    schema={"if": {"required": ["whole"]}, "then": {"required": ["text"]}, "required": ["choice", "text"]},
):
    """One field
    of each sort."""

    text: Annotated[str, field(max_length=20, min_length=1, pattern="^[a-z]+$", search=True, labels={"lv": "Teksts"})]
    whole: Annotated[int | None, field(ge=0, le=9, multiple_of=3)] = None
    double: Annotated[float | None, field(gt=0, lt=1, unit="m²")] = None
    exact: Annotated[Decimal | None, field(decimal=2)] = None
    plain_decimal: Decimal | None = None
    yes: bool = True
    price: Annotated[Money | None, field(ge=0, index=True)] = None
    day: date | None = None
    moment: datetime | None = None
    clock: time | None = None
    uuid: UUID | None = None
    choice: Literal["z", "a", None] = "z"
    colour: Colour = Colour.BLUE
    number: Annotated[str | None, field(autonumber="E-{000}", unique=True)] = None
    email: Email | None = None
    phone: Annotated[Phone | None, field(index=True)] = None
    url: Url | None = None
    address: Address | None = None
    self_: Annotated[Ref[Literal["everything"]] | None, field(reverse="others")] = None
    anything: Ref[Any] | None = None
    people: list[Ref[Contact]] | None = None
    tags: Annotated[list[str], field(unique_items=True, max_items=5)] = msgspec.field(default_factory=list)
    kinds: list[Literal["q", "b"]] | None = None
    parts: list[Part] | None = None
    counts: dict[str, int | None] | None = None
    free: dict | None = None  # type: ignore[type-arg]
    unique: set[int] | None = None
    pair: tuple[int, str] | None = None
    row: tuple[int, ...] | None = None
    mixed: bool | str | None = None
    either: str | Part | None = None
    whatever: Any = None
    shelf: Shelf | None = None
    raw: Annotated[str | None, field(schema={"contentEncoding": "base64"}, title="Raw", format="regex")] = None
    limit: ClassVar[int] = 5


BODY = declaration(Everything)
PROPERTIES: dict[str, Any] = BODY["schema"]["properties"]


@pytest.mark.contract("hooks.md#entity-class")
def test_a_class_is_the_document_it_is_equal_to() -> None:
    assert {key: value for key, value in BODY.items() if key != "schema"} == {
        "kind": "entity",
        "name": "everything",
        "label": "Thing",
        "plural": "Things",
        "title": "{text}",
        "icon": "box",
        "history": False,
    }
    assert BODY["schema"]["description"] == "One field of each sort."
    assert BODY["schema"]["if"] == {"required": ["whole"]}
    assert check_schema(BODY["schema"]) == []


@pytest.mark.contract("hooks.md#entity-class")
def test_what_has_no_default_is_required() -> None:
    assert BODY["schema"]["required"] == ["text", "choice"]
    assert declaration(Contact)["schema"]["required"] == ["name"]
    with pytest.raises(TypeError):
        Contact("Anna")  # type: ignore[misc]


@pytest.mark.contract("hooks.md#entity-class", "hooks.md#field-marker")
@pytest.mark.parametrize(
    ("name", "schema"),
    [
        (
            "text",
            {
                "type": "string",
                "maxLength": 20,
                "minLength": 1,
                "pattern": "^[a-z]+$",
                "x-crm": {"search": True, "labels": {"lv": "Teksts"}},
            },
        ),
        ("whole", {"type": "integer", "minimum": 0, "maximum": 9, "multipleOf": 3}),
        ("double", {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1, "x-crm": {"unit": "m²"}}),
        ("exact", {"type": "number", "x-crm": {"decimal": 2}}),
        ("plain_decimal", {"type": "number", "x-crm": {"decimal": 4}}),
        ("yes", {"type": "boolean", "default": True}),
        ("price", {"minimum": 0, "x-crm": {"money": True, "index": True}}),
        ("day", {"type": "string", "format": "date"}),
        ("moment", {"type": "string", "format": "date-time"}),
        ("clock", {"type": "string", "format": "time"}),
        ("uuid", {"type": "string", "format": "uuid"}),
        ("colour", {"type": "string", "enum": ["red", "blue"], "default": "blue"}),
        ("number", {"type": "string", "x-crm": {"autonumber": "E-{000}", "unique": True}}),
        ("email", {"type": "string", "format": "email"}),
        ("phone", {"type": "string", "x-crm": {"phone": True, "index": True}}),
        ("url", {"type": "string", "format": "uri"}),
        ("tags", {"type": "array", "items": {"type": "string"}, "uniqueItems": True, "maxItems": 5, "default": []}),
        ("kinds", {"type": "array", "items": {"type": "string", "enum": ["q", "b"]}}),
        ("counts", {"type": "object", "additionalProperties": {"type": ["integer", "null"]}}),
        ("free", {"type": "object"}),
        ("unique", {"type": "array", "items": {"type": "integer"}, "uniqueItems": True}),
        (
            "pair",
            {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 2, "maxItems": 2},
        ),
        ("row", {"type": "array", "items": {"type": "integer"}}),
        ("mixed", {"type": ["boolean", "string"]}),
        ("whatever", {}),
        ("shelf", {"type": "string"}),
        ("raw", {"type": "string", "format": "regex", "contentEncoding": "base64", "title": "Raw"}),
    ],
)
def test_the_schema_of_a_field(name: str, schema: dict[str, Any]) -> None:
    assert PROPERTIES[name] == schema


@pytest.mark.contract("hooks.md#literal-order")
def test_choices_keep_the_order_of_the_literal() -> None:
    assert PROPERTIES["choice"] == {"type": "string", "enum": ["z", "a"], "default": "z"}


@pytest.mark.contract("hooks.md#ref-forward")
def test_references() -> None:
    uuid = {"type": "string", "format": "uuid"}
    assert PROPERTIES["self_"] == {**uuid, "x-crm": {"reference": "everything", "reverse": "others"}}
    assert PROPERTIES["anything"] == {**uuid, "x-crm": {"reference": "*"}}
    by_name: Any = Ref["contact"]
    assert schema_of(by_name | None, entity_name) == {**uuid, "x-crm": {"reference": "contact"}}
    assert PROPERTIES["people"] == {"type": "array", "items": {**uuid, "x-crm": {"reference": "contact"}}}
    with pytest.raises(TypeError, match="takes an entity class"):
        Ref[5]


def test_a_nested_struct_is_an_object_in_which_null_is_a_value() -> None:
    assert PROPERTIES["parts"]["items"] == {
        "type": "object",
        "description": "A part.",
        "properties": {
            "label": {"type": "string"},
            "kind": {"anyOf": [{"type": "string", "enum": ["a", "b"]}, {"type": "null"}]},
            "size": {"type": ["integer", "null"], "minimum": 1},
            "weight": {"anyOf": [{"type": ["integer", "number"]}, {"type": "null"}]},
            "note": {"type": "string", "maxLength": 5, "maxItems": 5, "description": "in short"},
        },
        "required": ["label"],
        "additionalProperties": False,
    }
    assert [part["type"] for part in PROPERTIES["either"]["anyOf"]] == ["string", "object"]


@pytest.mark.contract("base.md#address")
def test_an_address_has_its_members() -> None:
    names = ["street", "street2", "city", "region", "postal_code", "country", "latitude", "longitude"]
    assert list(PROPERTIES["address"]["properties"]) == names
    assert PROPERTIES["address"]["properties"]["country"]["pattern"] == "^[A-Z]{2}$"
    assert PROPERTIES["address"]["additionalProperties"] is False


def test_the_names_of_entities() -> None:
    assert BuyerRequirement.__entity__.name == "buyer_requirement"
    assert BuyerRequirement.__entity__.label == "Buyer requirement"
    assert entity_name(Contact) == entity_name("contact") == "contact"
    assert is_entity(Contact)
    assert not is_entity("contact")
    with pytest.raises(TypeError, match="got 5"):
        entity_name(5)


def test_fields_of_a_base_class_come_first() -> None:
    class Named(Entity):
        """In common."""

        name: str

    class Person(Named, name="person"):
        age: int | None = None

    body = declaration(Person)
    assert list(body["schema"]["properties"]) == ["name", "age"]
    assert "description" not in body["schema"]


def test_a_type_without_json_schema_names_class_and_field() -> None:
    class Odd(Entity, name="odd"):
        raw: bytes | None = None

    with pytest.raises(TypeError, match=r"Odd\.raw: no JSON Schema for the type <class 'bytes'>"):
        declaration(Odd)


def test_a_redeclared_system_field_is_found() -> None:
    class Mine(Entity, name="mine"):
        owner: str | None = None  # type: ignore[assignment]

    assert [fault.code for fault in check_schema(declaration(Mine)["schema"])] == ["reserved"]


def test_entities_have_the_attributes_of_system_fields() -> None:
    contact = Contact(name="Anna")
    assert (contact.name, contact.version, contact.owner, contact.rotting) == ("Anna", 0, None, False)
