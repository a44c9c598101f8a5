from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from crm_kernel.base.entities import ENTITIES
from crm_kernel.entities import declaration
from crm_kernel.fields.base import Kind, ValueContext
from crm_kernel.model import EntityModel, Source
from crm_kernel.schema import build_entity, check_schema, reverse_clashes, title_faults, with_reverses

FIELDS = {
    "user": "login name email roles teams locale timezone active last_seen_at",
    "team": "name parent lead",
    "company": "name legal_name email phone website vat_number registration_number industry employees annual_revenue "
    "address parent kinds labels source external_id",
    "contact": "name first_name last_name email emails phone phones job_title company address birthday language labels "
    "source external_id do_not_contact",
    "activity": "type subject body about participants starts_at ends_at due_at done_at direction outcome duration "
    "location",
    "file": "name size content_type sha256 about",
}


@pytest.fixture(scope="module")
def models() -> dict[str, EntityModel]:
    bodies = [declaration(cls) for cls in ENTITIES]
    built = {
        b["name"]: build_entity(b, source=Source("builtin", "base"), cls=c)
        for b, c in zip(bodies, ENTITIES, strict=True)
    }
    return with_reverses(built)


def faults(model: EntityModel, **sent: Any) -> list[tuple[str, str]]:
    record = dict.fromkeys(model.fields)
    record.update({n: model.fields[n].type.canonical(v, ValueContext(region="LV")) for n, v in sent.items()})
    return [(fault.pointer, fault.code) for fault in model.validate(record)]


@pytest.mark.contract(
    "base.md#user",
    "base.md#user-secrets",
    "base.md#team",
    "base.md#company",
    "base.md#contact",
    "base.md#activity",
    "base.md#file",
    "base.md#system-fields",
)
def test_the_fields_of_each_entity(models: dict[str, EntityModel]) -> None:
    assert {name: " ".join(f.name for f in model.own_fields) for name, model in models.items()} == FIELDS
    assert all("team" in model.fields and "owner" in model.fields for model in models.values())


def test_each_declaration_is_sound(models: dict[str, EntityModel]) -> None:
    names = set(models)
    for cls in ENTITIES:
        assert check_schema(declaration(cls)["schema"], entities=names) == []
        assert title_faults(models[cls.__entity__.name].title, models[cls.__entity__.name].fields) == []
    assert reverse_clashes(models) == []


@pytest.mark.contract("base.md#email-index", "base.md#phone-index")
def test_how_people_are_reached_is_indexed(models: dict[str, EntityModel]) -> None:
    assert [models[n].fields[f].options.index for n in ("company", "contact") for f in ("email", "phone")] == [True] * 4
    contact, latvia = models["contact"].fields, ValueContext(region="LV")
    assert contact["email"].type.canonical(" Anna@Example.ORG", latvia) == "Anna@example.org"
    assert contact["phone"].type.canonical("2123 4567", latvia) == "+37121234567"
    phones = contact["phones"].type
    assert phones.canonical(["21234567"], latvia) == ["+37121234567"]


def test_what_is_unique(models: dict[str, EntityModel]) -> None:
    unique = {f"{n}.{f.name}" for n, model in models.items() for f in model.own_fields if f.options.unique}
    assert unique == {"user.login", "company.external_id", "contact.external_id"}


@pytest.mark.contract("base.md#company-kinds")
def test_a_company(models: dict[str, EntityModel]) -> None:
    company = models["company"]
    money = {"amount": Decimal("1000000.00"), "currency": "EUR"}
    assert faults(company, name="A", kinds=["customer", "other"], annual_revenue=money, employees=5) == []
    assert faults(company, name="A", kinds=["friend"], employees=-1) == [
        ("/employees", "minimum"),
        ("/kinds/0", "enum"),
    ]
    assert company.fields["kinds"].choices == ("customer", "supplier", "partner", "other")


@pytest.mark.contract("base.md#address")
def test_an_address(models: dict[str, EntityModel]) -> None:
    contact = models["contact"]
    assert faults(contact, address={"street": "Brīvības iela 1", "country": "LV", "latitude": None}) == []
    wrong = {"country": "Latvia", "latitude": 91, "zip": "LV-1010"}
    assert faults(contact, address=wrong) == [
        ("/address/country", "pattern"),
        ("/address/latitude", "maximum"),
        ("/address/zip", "additionalProperties"),
    ]


@pytest.mark.contract("base.md#activity-types", "base.md#activity-about")
def test_an_activity(models: dict[str, EntityModel]) -> None:
    activity = models["activity"]
    now = "2026-03-01T10:00:00Z"
    for name in ("call", "email", "note", "task", "viewing"):
        assert faults(activity, type=name) == []
    assert faults(activity) == [("/type", "required")]
    assert faults(activity, type="meeting") == [("/starts_at", "required")]
    assert faults(activity, type="meeting", starts_at=now, ends_at=now) == []
    assert faults(activity, type="call", ends_at=now) == [("/starts_at", "dependentRequired")]
    assert faults(activity, type="task", direction="incoming") == [("/direction", "properties")]
    assert activity.fields["about"].type.kind is Kind.REFERENCE
    assert activity.fields["participants"].item_reference == "*"
    assert all("activities" in model.reverses for model in models.values())
