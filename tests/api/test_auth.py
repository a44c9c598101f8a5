"""Authorization headers."""

from __future__ import annotations

import httpx
import pytest

BAD = [
    ("", "form"),
    ("Bearer", "form"),
    ("Bearer ", "form"),
    ("Basic YWRtaW46YWRtaW4=", "form"),
    ("admin", "form"),
    ("Bearer " + "x" * 513, "form"),
    ("Bearer nobody", "not valid"),
    ("Bearer admin admin", "not valid"),
]


@pytest.mark.contract("http-api.md#bearer")
@pytest.mark.parametrize(("sent", "words"), BAD)
async def test_what_names_nobody_is_refused(http: httpx.AsyncClient, sent: str, words: str) -> None:
    answer = await http.get("/api/schema", headers={"Authorization": sent})
    assert answer.status_code == 401
    assert words in answer.json()["detail"]
    assert "WWW-Authenticate" in answer.headers


@pytest.mark.parametrize("sent", ["Bearer admin", "bearer admin", "BEARER  admin "])
async def test_a_token_names_its_user(http: httpx.AsyncClient, sent: str) -> None:
    assert (await http.get("/api/schema", headers={"Authorization": sent})).status_code == 200
