"""The description of entities over HTTP."""

from __future__ import annotations

from typing import Any


async def test_entities_and_their_schemas(office: Any) -> None:
    listed = (await office("bob", "GET", "/api/schema")).json()["items"]
    assert {e["name"] for e in listed} == {"user", "team", "contact", "lease"}
    schema = (await office("bob", "GET", "/api/schema/contact")).json()
    assert schema["properties"]["budget"]["minimum"] == 0
    assert schema["properties"]["external_id"]["readOnly"] is True
    assert "national_id" not in schema["properties"]
    assert "budget" not in (await office("cid", "GET", "/api/schema/contact")).json()["properties"]


async def test_unknown_and_hidden_entities_are_the_same(office: Any) -> None:
    hidden = await office("dan", "GET", "/api/schema/contact")
    unknown = await office("dan", "GET", "/api/schema/nothing")
    assert (hidden.status_code, unknown.status_code) == (404, 404)
    assert hidden.text.replace("contact", "E") == unknown.text.replace("nothing", "E")
    assert (await office("ann", "GET", "/api/schema", params={"a": "1"})).json()["code"] == "unknown_parameter"
