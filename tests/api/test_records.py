"""Record routes: what they send on to the doors, and what they answer."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

CONTACTS = "/api/records/contact"


async def test_create_answers_the_record_and_where_it_is(office: Any) -> None:
    answer = await office("bob", "POST", CONTACTS, json={"first_name": "Ilze", "budget": 250000.5})
    record = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"{CONTACTS}/{record['id']}"
    assert answer.headers["ETag"] == '"1"'
    assert (record["budget"], record["bank"]) == (250000.5, None)
    assert (await office("bob", "GET", answer.headers["Location"])).json() == record


async def test_a_record_he_may_not_read_is_answered_by_its_id(office: Any) -> None:
    answer = await office("cid", "POST", CONTACTS, json={"first_name": "Ilze", "language": "ru"})
    assert (answer.status_code, list(answer.json())) == (201, ["id"])
    assert "ETag" not in answer.headers


async def test_get_takes_fields_and_expand(office: Any) -> None:
    contact = await office.contact()
    path = f"{CONTACTS}/{contact['id']}"
    some = await office("bob", "GET", path, params={"fields": "first_name,owner.name", "expand": "owner"})
    assert some.json()["first_name"] == "Ilze"
    assert some.json()["owner.name"] == "bob"
    assert (await office("bob", "GET", path.upper().replace("/API/RECORDS/CONTACT", CONTACTS))).json() == contact
    assert (await office("bob", "GET", path, params={"expand": "first_name"})).json()["code"] == "bad_value"
    assert (await office("bob", "GET", path, params={"limit": "1"})).json()["code"] == "unknown_parameter"


async def test_patch_knows_versions(office: Any) -> None:
    path = f"{CONTACTS}/{(await office.contact())['id']}"
    patched = await office("bob", "PATCH", path, json={"budget": 5}, headers={"If-Match": '"1"'})
    assert (patched.status_code, patched.headers["ETag"], patched.json()["budget"]) == (200, '"2"', 5)
    stale = await office("bob", "PATCH", path, json={"budget": 6}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    foreign = await office("bob", "PATCH", path, json={"budget": 6}, headers={"If-Match": '"abc"'})
    assert foreign.status_code == 412
    broken = await office("bob", "PATCH", path, json={"budget": 6}, headers={"If-Match": "1"})
    assert broken.json()["code"] == "bad_value"


async def test_delete_restore_and_purge(office: Any) -> None:
    path = f"{CONTACTS}/{(await office.contact())['id']}"
    gone = await office("bob", "DELETE", path, headers={"If-Match": '"1"'})
    assert (gone.status_code, gone.content, "content-type" in gone.headers) == (204, b"", False)
    assert (await office("bob", "GET", path)).status_code == 404
    assert (await office("bob", "DELETE", path)).status_code == 404
    back = await office("bob", "POST", f"{path}/restore")
    assert (back.status_code, back.json()["deleted_at"], back.headers["ETag"]) == (200, None, '"3"')
    assert (await office("bob", "DELETE", path, params={"purge": "true"})).status_code == 403
    assert (await office("bob", "DELETE", path, params={"purge": "maybe"})).json()["code"] == "bad_value"
    assert (await office("ann", "DELETE", path, params={"purge": "true"})).status_code == 204
    assert (await office("ann", "POST", f"{path}/restore")).status_code == 404


async def test_history_in_pages(office: Any) -> None:
    path = f"{CONTACTS}/{(await office.contact())['id']}"
    for budget in (1, 2, 3):
        await office("bob", "PATCH", path, json={"budget": budget})
    first = (await office("bob", "GET", f"{path}/history", params={"limit": "3"})).json()
    assert [item["version"] for item in first["items"]] == [4, 3, 2]
    rest = await office("bob", "GET", f"{path}/history", params={"limit": "3", "cursor": first["next"]})
    assert [item["action"] for item in rest.json()["items"]] == ["create"]
    wrong = await office("bob", "GET", f"{path}/history", params={"cursor": "xyz"})
    assert wrong.json()["code"] == "bad_cursor"
    assert (await office("bob", "GET", f"{path}/history", params={"limit": "0"})).json()["code"] == "bad_value"


@pytest.mark.parametrize("atomic", [True, False])
async def test_batch(office: Any, atomic: bool) -> None:
    changes = [{"create": {"values": {"first_name": "A"}}}, {"create": {"values": {"budget": -1}}}]
    answer = await office("bob", "POST", f"{CONTACTS}/batch", json={"atomic": atomic, "changes": changes})
    listed = (await office("bob", "GET", CONTACTS)).json()["items"]
    if atomic:
        assert answer.status_code == 422
        assert [(e["row"], e["code"]) for e in answer.json()["errors"]] == [(2, "minimum")]
        assert listed == []
    else:
        assert answer.status_code == 200
        assert answer.json()["counts"]["created"] == answer.json()["counts"]["failed"] == 1
        assert [r["status"] for r in answer.json()["results"]] == [201, 422]
        assert len(listed) == 1


@pytest.mark.parametrize("body", [[], "text", True, 3, {"changes": {}}])
async def test_a_batch_that_is_none(office: Any, body: Any) -> None:
    assert (await office("bob", "POST", f"{CONTACTS}/batch", json=body)).status_code == 422
    assert (await office("dan", "POST", f"{CONTACTS}/batch", json=body)).status_code == 404


@pytest.mark.contract("http-api.md#hidden-is-404")
async def test_a_hidden_row_is_like_an_id_that_never_was(office: Any) -> None:
    hidden, never = (await office.contact("ann"))["id"], str(uuid4())
    for method, tail, body in [
        ("GET", "", None),
        ("PATCH", "", {"budget": -1}),
        ("PATCH", "", []),
        ("DELETE", "", None),
        ("DELETE", "?purge=true", None),
        ("POST", "/restore", None),
        ("GET", "/history", None),
    ]:
        answers = [
            await office("bob", method, f"{CONTACTS}/{id}{tail}", json=body) for id in (hidden, never, "no-uuid")
        ]
        bodies = {a.text.replace(id, "ID") for a, id in zip(answers, (hidden, never, "no-uuid"), strict=True)}
        assert {a.status_code for a in answers} == {404}, (method, tail)
        assert len(bodies) == 1, bodies


@pytest.mark.contract("http-api.md#unknown-entity-404")
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_entity_without_grant_is_like_none(office: Any, method: str) -> None:
    answers = [await office("dan", method, f"/api/records/{entity}", json={}) for entity in ("lease", "nolse")]
    assert [a.status_code for a in answers] == [404, 404]
    assert answers[0].text.replace("lease", "E") == answers[1].text.replace("nolse", "E")


async def test_a_body_that_is_no_object_is_refused_after_what_wins(office: Any) -> None:
    hers, his = (await office.contact("ann", language="lv"))["id"], (await office.contact())["id"]
    assert (await office("bob", "PATCH", f"{CONTACTS}/{hers}", json=[])).status_code == 404
    assert (await office("cid", "PATCH", f"{CONTACTS}/{hers}", json=[])).status_code == 403
    stale = await office("bob", "PATCH", f"{CONTACTS}/{his}", json=[], headers={"If-Match": '"9"'})
    assert stale.status_code == 412
    refused = await office("bob", "PATCH", f"{CONTACTS}/{his}", json=[])
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "type")
    assert (await office("bob", "POST", CONTACTS, json="x")).status_code == 422
    assert (await office("dan", "POST", CONTACTS, json="x")).status_code == 404


@pytest.mark.contract("http-api.md#token-read-only")
async def test_a_read_only_token_changes_nothing(office: Any) -> None:
    contact = await office.contact()
    path, never = f"{CONTACTS}/{contact['id']}", f"{CONTACTS}/{uuid4()}"
    changing: list[tuple[str, str, Any]] = [
        ("POST", CONTACTS, {"first_name": "A"}),
        ("POST", CONTACTS, []),
        ("PATCH", path, {"budget": 1}),
        ("PATCH", path, []),
        ("DELETE", path, None),
        ("DELETE", f"{path}?purge=true", None),
        ("POST", f"{CONTACTS}/batch", {"changes": []}),
    ]
    for method, target, body in changing:
        answer = await office("reader", method, target, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "read_only_token"), (method, target)
    assert (await office("reader", "PATCH", never, json={})).status_code == 404
    assert (await office("reader", "POST", "/api/records/nothing", json={})).status_code == 404
    assert (await office("reader", "POST", f"{path}/restore")).status_code == 404
    await office("bob", "DELETE", path)
    assert (await office("reader", "POST", f"{path}/restore")).json()["code"] == "read_only_token"


@pytest.mark.contract("http-api.md#token-scope")
async def test_a_scoped_token_knows_its_entities_only(office: Any) -> None:
    assert (await office("scoped", "GET", "/api/records/lease")).status_code == 200
    assert (await office("scoped", "GET", CONTACTS)).status_code == 404
    assert [e["name"] for e in (await office("scoped", "GET", "/api/schema")).json()["items"]] == ["lease"]
    assert (await office("scoped", "GET", "/api/documents")).status_code == 403
    assert (await office("scoped", "GET", "/api/plugins")).status_code == 403
