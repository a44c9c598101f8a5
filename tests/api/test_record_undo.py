"""`POST …/{id}/undo`."""

from __future__ import annotations

from typing import Any

import pytest

CONTACTS = "/api/records/contact"


@pytest.mark.contract("http-api.md#undo")
async def test_undo_and_undo_of_the_undo(office: Any) -> None:
    path = f"{CONTACTS}/{(await office.contact(budget=5))['id']}"
    await office("bob", "PATCH", path, json={"budget": 6})
    undone = await office("bob", "POST", f"{path}/undo", json={"version": 2})
    assert (undone.status_code, undone.json()["budget"], undone.headers["ETag"]) == (200, 5, '"3"')
    entry = (await office("bob", "GET", f"{path}/history")).json()["items"][0]
    assert (entry["channel"], entry["cause"]) == ("undo", {"undo": "version 2"})
    again = await office("bob", "POST", f"{path}/undo", json={"version": 3})
    assert again.json()["budget"] == 6
    await office("bob", "DELETE", path)
    assert (await office("bob", "POST", f"{path}/undo", json={"version": 5})).json()["deleted_at"] is None


async def test_rights_are_those_of_the_opposite_change(office: Any) -> None:
    path = f"{CONTACTS}/{(await office.contact('ann', language='lv', budget=5))['id']}"
    await office("ann", "PATCH", path, json={"budget": 6})
    assert (await office("bob", "POST", f"{path}/undo", json={"version": 2})).status_code == 404
    assert (await office("cid", "POST", f"{path}/undo", json={"version": 2})).json()["code"] == "forbidden"
    assert (await office("reader", "POST", f"{path}/undo", json={"version": 2})).json()["code"] == "read_only_token"
    assert (await office("ann", "GET", path)).json()["budget"] == 6


async def test_a_conflict_names_no_field_that_he_may_not_read(office: Any) -> None:
    path = f"{CONTACTS}/{(await office.contact('ann', language='lv'))['id']}"
    await office("ann", "PATCH", path, json={"budget": 6, "bank": "A"})
    await office("ann", "PATCH", path, json={"budget": 7, "bank": "B"})
    told = (await office("cid", "POST", f"{path}/undo", json={"version": 2})).json()
    assert told["code"] == "conflict"
    assert [fault["pointer"] for fault in told["errors"]] == ["", "/bank"]
    assert "udget" not in str(told)


@pytest.mark.parametrize("body", [[], {}, {"version": "2"}, {"version": True}, {"version": 2, "other": 1}])
async def test_a_body_that_is_none(office: Any, body: Any) -> None:
    path = f"{CONTACTS}/{(await office.contact())['id']}"
    refused = await office("bob", "POST", f"{path}/undo", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")


@pytest.mark.contract("http-api.md#undo-merge")
async def test_a_merge_is_taken_back_over_http(office: Any) -> None:
    kept, other = await office.lease("L-1"), await office.lease("L-2", rent=7)
    path, gone = f"/api/records/lease/{kept['id']}", f"/api/records/lease/{other['id']}"
    merged = await office("ann", "POST", f"{path}/merge", json={"records": [other["id"]]})
    assert (merged.json()["rent"], merged.json()["version"]) == (7, 2)
    denied = await office("cid", "POST", f"{path}/undo", json={"version": 2})
    assert (denied.status_code, denied.json()["code"]) == (403, "forbidden")
    await office.lease("L-2")  # the number was free
    refused = (await office("ann", "POST", f"{path}/undo", json={"version": 2})).json()
    assert (refused["code"], [fault["pointer"] for fault in refused["errors"]]) == ("unique", [""])
    assert refused["errors"][0]["detail"] == "Of the lease: Number is taken by another record."
    assert (await office("ann", "GET", path)).json()["rent"] == 7
    [taker] = (await office("ann", "GET", "/api/records/lease?filter=number = 'L-2'")).json()["items"]
    await office("bob", "PATCH", f"/api/records/lease/{taker['id']}", json={"number": "L-3"})
    undone = await office("ann", "POST", f"{path}/undo", json={"version": 2}, headers={"Idempotency-Key": "k-1"})
    assert (undone.status_code, undone.json()["rent"], undone.headers["ETag"]) == (200, None, '"3"')
    assert (await office("ann", "GET", gone)).json()["rent"] == 7
    again = await office("ann", "POST", f"{path}/undo", json={"version": 2})
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert f"The lease {other['id']}: The record was changed since" in str(again.json()["errors"])
