"""`register_field_types`: a kind of value of a plugin's, in classes and documents, over all ways in and out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crm_kernel import Change, Error
from crm_kernel.mappings import ImportMapping
from crm_kernel.operations.export import export
from crm_kernel.operations.list_query import ListQuery
from tests.operations.conftest import MakeCrm, plan_of

CODE = """
from typing import Annotated

class Vin(FieldType):
    name = "vin"
    kind = Kind.TEXT
    schema = {"maxLength": 6}

    def canonical(self, value, context):
        text = value.replace("-", "").upper()
        if text == "FAIL":
            raise ValueError("secret")
        if text == "ODD":
            return 3
        if text[:1] == "Q":
            raise Faulty("shop.vin", "A VIN has no Q.")
        return text

class Even(FieldType):
    name = "even"
    kind = Kind.INTEGER

    def canonical(self, value, context):
        return value - value % 2

class Car(Entity, name="car", title="{vin}"):
    vin: Annotated[str | None, field(type="vin", unique=True, search=True)] = None
    wheels: Annotated[int | None, field(type="even")] = None

@hookimpl
def register_field_types(): return [Vin, Even]

@hookimpl
def register_entities(): return [Car]
"""


def faults(error: pytest.ExceptionInfo[Error]) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in error.value.faults]


@pytest.mark.contract("hooks.md#field-types")
async def test_values_are_brought_into_the_form_of_the_type(with_plugin: MakeCrm, tmp_path: Path) -> None:
    crm = await with_plugin(CODE)
    made = await crm.write([Change.create("car", vin=vin, wheels=5) for vin in ("c-3", "a-1", "b2")])
    assert [(car.vin, car.wheels) for car in made] == [("C3", 4), ("A1", 4), ("B2", 4)]
    assert [car["vin"] for car in await crm.find("car", "vin in ('C3', 'B2') and wheels = 4", sort="-vin")] == [
        "C3",
        "B2",
    ]
    for vin, code in (("A1", "unique"), ("1234567", "maxLength"), ("q1", "shop.vin"), ("fail", "plugin_fault")):
        with pytest.raises(Error) as raised:
            await crm.write([Change.create("car", vin=vin)])
        assert faults(raised) == [("/vin", code)]
    with pytest.raises(Error) as raised:
        await crm.write([Change.create("car", vin="odd", wheels="x")])
    assert faults(raised) == [("/vin", "plugin_fault"), ("/wheels", "type")]
    state = next(s for s in crm.kernel.plugins.states() if s["name"] == "shop")
    assert len(state["faults"]) >= 2
    file = tmp_path / "cars.csv"
    file.write_text("vin,wheels\na-1,7\nd-4,3\n", "utf-8")
    system = crm.kernel.system("import")
    mapping = ImportMapping(key=["vin"])
    job = await crm.kernel.imports.run("car", file, mapping, caller=system, on_duplicate="update")
    assert (job["counts"]["updated"], job["counts"]["created"]) == (1, 1)
    query = ListQuery(fields=("vin", "wheels"), sort="vin")
    parts = await export(crm.kernel.reader, "car", system, query, form="csv")
    assert b"".join([part async for part in parts]).split() == [b"vin,wheels", b"A1,6", b"B2,4", b"C3,4", b"D4,2"]
    described: dict[str, Any] = crm.kernel.reader.schema("car", system)["properties"]
    assert (described["vin"]["type"], described["vin"]["maxLength"]) == ("string", 6)
    assert described["wheels"]["type"] == "integer"


@pytest.mark.contract("hooks.md#field-types")
async def test_a_document_may_have_fields_of_it(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(CODE)
    body = {"kind": "fields", "name": "contact-car", "entity": "contact"}
    schema = {"properties": {"car_vin": {"title": "Car", "x-crm": {"type": "vin", "unique": True}}}}
    await crm.put({**body, "schema": schema})
    [contact] = await crm.write([Change.create("contact", last_name="A", car_vin="x-9")])
    assert contact["car_vin"] == "X9"
    wrong = {"properties": {"car_vin": {"x-crm": {"type": "vim"}}}}
    [document] = (await plan_of(crm.put({**body, "schema": wrong})))["documents"]
    assert document["errors"][0]["pointer"] == "/schema/properties/car_vin/x-crm/type"
    assert "did you mean 'vin'" in document["errors"][0]["detail"]
