"""Listings in and out as the RESO Web API has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from crm_real_estate.commands import unsold
from crm_real_estate.pipelines import VIEWING
from crm_real_estate.reso_web import from_reso, to_reso

from crm_kernel import Change, Error
from crm_kernel.operations.export import export, format_of
from crm_kernel.operations.list_query import ListQuery

SENT = {
    "StandardStatus": "Active",
    "UnparsedAddress": "Brīvības iela 45, Rīga",
    "CityRegion": "Centrs",
    "ListPrice": 250000.5,
    "PropertyType": "Residential",
    "WaterfrontYN": True,
    "BedroomsTotal": 3,
    "@odata.etag": "1",
}


def test_names_are_those_of_the_data_dictionary() -> None:
    values = from_reso(SENT)
    assert values["waterfront_yn"] is True
    assert values["list_price"] == {"amount": 250000.5}
    assert (values["stage"], "@odata.etag" in values) == ("Active", False)


async def test_a_payload_is_imported_by_register_importers(office: Any, tmp_path: Path) -> None:
    file = tmp_path / "feed.reso.json"
    file.write_text(json.dumps({"value": [SENT, {**SENT, "BedroomsTotal": -1}, 3]}), "utf-8")
    kernel = office.crm.kernel
    job = await kernel.imports.run("listing", file, None, caller=kernel.system("import"))
    assert (job["counts"]["created"], job["counts"]["refused"]) == (1, 2)
    assert [(e["row"], e["pointer"]) for e in job["errors"]] == [(2, "/bedrooms_total"), (3, "")]
    [listing] = await office.crm.find("listing")
    back = to_reso(listing)
    assert {name: back[name] for name in SENT if name in back} == {n: v for n, v in SENT.items() if n != "@odata.etag"}
    file.write_text("[", "utf-8")
    with pytest.raises(Error, match="no RESO payload"):
        await kernel.imports.run("listing", file, None, caller=kernel.system("import"))


async def test_an_export_by_register_exporters_is_read_back(office: Any, tmp_path: Path) -> None:
    kernel = office.crm.kernel
    system = kernel.system("api")
    empty = await export(kernel.reader, "listing", system, ListQuery(), form=format_of(kernel, "reso"))
    assert json.loads(b"".join([part async for part in empty])) == {"value": []}
    for number in range(3):
        await office.listing("Hold", list_price={"amount": number, "currency": "EUR"}, bedrooms_total=number)
    query = ListQuery(filter="bedrooms_total > 0", sort="bedrooms_total")
    parts = await export(kernel.reader, "listing", system, query, form=format_of(kernel, "reso"))
    file = tmp_path / "out.reso.json"
    file.write_bytes(b"".join([part async for part in parts]))
    sent = json.loads(file.read_text("utf-8"))["value"]
    assert [(item["ListPrice"], item["BedroomsTotal"], item["StandardStatus"]) for item in sent] == [
        (1.0, 1, "Hold"),
        (2.0, 2, "Hold"),
    ]
    assert not any("Agent" in name or "Remarks" in name for item in sent for name in item)
    job = await kernel.imports.run("listing", file, None, caller=system)
    assert job["counts"]["created"] == 2


async def test_real_estate_uses_commands_types_and_before_apply(office: Any) -> None:
    kernel, system = office.crm.kernel, office.crm.kernel.system("apply")
    listing = await office.listing("Active", country="lv", on_market_date="2025-01-01")
    assert listing["country"] == "LV"
    assert [row["listing"] for row in await unsold(kernel.crm("real_estate"), days=90)] == [listing["listing_id"]]
    assert await unsold(kernel.crm("real_estate"), days=9000) == []
    without = [stage for stage in VIEWING["stages"] if stage["name"] != "confirmed"]
    body = {**VIEWING, "overrides": "real_estate", "stages": without, "transitions": None}
    plan = await kernel.documents.plan({"documents": [{k: v for k, v in body.items() if v is not None}]}, system)
    errors = [(error["pointer"], error["code"]) for error in plan["documents"][0]["errors"]]
    assert ("/stages", "real_estate.stage_missing") in errors


async def test_before_merge_keeps_sold_listings(office: Any) -> None:
    one, two = await office.listing("Active"), await office.listing("Active", living_area=50)
    sold = await office.listing("Closed", close_date="2026-01-01", close_price={"amount": 1, "currency": "EUR"})
    viewing = await office.book(one, 50)
    with pytest.raises(Error) as refused:
        await office.crm.write([Change.merge("listing", one["id"], [two["id"], sold["id"]])])
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [("/from/1", "real_estate.sold")]
    [kept] = await office.crm.write([Change.merge("listing", two["id"], [one["id"]])])
    assert (kept["stage"], kept["living_area"]) == ("Active", 50)
    assert (await office.crm.get("viewing", viewing["id"]))["listing"] == two["id"]
