"""Probes."""

from __future__ import annotations

from typing import Any

import httpx
import pytest


@pytest.mark.contract("http-api.md#health-ready")
async def test_ready_names_what_waits_and_not_why(http: httpx.AsyncClient, kernel: Any) -> None:
    errors = [{"pointer": "/entity", "detail": "something inside"}]
    kernel.pending = [{"kind": "role", "name": "agent", "change": "conflict", "file": "roles/a.json", "errors": errors}]
    answer = await http.get("/health/ready")
    assert answer.json() == {
        "status": "ready",
        "pending": [{"kind": "role", "name": "agent", "change": "conflict"}],
    }
    assert (await http.get("/health/ready", params={"a": "1"})).status_code == 400


async def test_live(http: httpx.AsyncClient) -> None:
    assert (await http.get("/health/live")).json() == {"status": "live"}
    assert (await http.post("/health/live")).status_code == 405
