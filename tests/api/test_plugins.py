"""The state of plugins over HTTP."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.contract("http-api.md#plugins")
async def test_plugins_are_listed_for_administrators(office: Any) -> None:
    items = (await office("ann", "GET", "/api/plugins")).json()["items"]
    base = next(item for item in items if item["name"] == "base")
    assert (base["source"], base["state"], base["order"]) == ("builtin", "active", 1)
    assert base["reason"] is None
    refused = await office("bob", "GET", "/api/plugins")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (await office("ann", "GET", "/api/plugins", params={"a": "1"})).status_code == 400
