"""Listings in and out as the RESO Web API has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from crm_real_estate.reso_web import from_reso, to_reso

from crm_kernel import Error

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
