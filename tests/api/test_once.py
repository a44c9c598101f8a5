"""`Idempotency-Key`: whatever is repeated, the effect is one and the answer the same."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from crm_kernel.kernel import Kernel
from crm_kernel.testing.kit import write_app
from tests.api.conftest import Office

CONTACTS = "/api/records/contact"
KEY = {"Idempotency-Key": "f3c1"}


async def how_many(office: Any, filter: str = "id is not null") -> int:
    return (await office("ann", "GET", CONTACTS, params={"filter": filter, "count": "exact"})).json()["count"]


@pytest.mark.contract("http-api.md#idempotency")
async def test_a_repeated_create_is_answered_as_the_first_time(office: Any) -> None:
    first = await office("bob", "POST", CONTACTS, json={"first_name": "Ilze"}, headers=KEY)
    again = await office("bob", "POST", CONTACTS, json={"first_name": "Ilze"}, headers=KEY)
    assert (again.status_code, again.content) == (201, first.content)
    for name in ("Location", "ETag", "Content-Type"):
        assert again.headers[name] == first.headers[name]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert await how_many(office) == 1


@pytest.mark.contract("http-api.md#idempotency")
async def test_every_kind_of_write_is_repeated_without_effect(office: Any) -> None:
    lease = f"/api/records/lease/{(await office.lease(rent=5))['id']}"
    batch = {"changes": [{"create": {"values": {"number": "B"}}}, {"create": {"values": {}}}], "atomic": False}
    steps: list[tuple[str, str, Any]] = [
        ("PATCH", lease, {"rent": 6}),
        ("POST", f"{lease}/move", {"to": "signed"}),
        ("DELETE", lease, None),
        ("POST", f"{lease}/restore", None),
        ("POST", "/api/records/lease/batch", batch),
    ]
    for number, (method, path, body) in enumerate(steps):
        headers = {"Idempotency-Key": str(number)}
        first = await office("bob", method, path, json=body, headers=headers)
        assert first.status_code in (200, 204), first.text
        again = await office("bob", method, path, json=body, headers=headers)
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again.headers["Idempotency-Replayed"] == "true"
    history = (await office("bob", "GET", f"{lease}/history")).json()["items"]
    assert [entry["action"] for entry in history] == ["restore", "delete", "move", "update", "create"]


@pytest.mark.contract("http-api.md#idempotency")
async def test_a_record_is_shared_once(office: Any) -> None:
    shares = f"{CONTACTS}/{(await office.contact())['id']}/shares"
    first = await office("ann", "POST", shares, json={"user": "bob"}, headers=KEY)
    again = await office("ann", "POST", shares, json={"user": "bob"}, headers=KEY)
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content), first.text
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (await office("ann", "GET", shares)).json()["items"] == [first.json()]
    share, other = f"{shares}/{first.json()['id']}", {"Idempotency-Key": "f3c2"}
    assert (await office("ann", "DELETE", share, headers=KEY)).json()["code"] == "idempotency_key"
    for replayed in (None, "true"):
        ended = await office("ann", "DELETE", share, headers=other)
        assert (ended.status_code, ended.headers.get("Idempotency-Replayed")) == (204, replayed)
    assert (await office("ann", "DELETE", share)).status_code == 404
    assert (await office("ann", "GET", shares)).json()["items"] == []


async def test_a_stale_tag_does_not_stand_against_the_repeat_of_what_was_done(office: Any) -> None:
    path = f"{CONTACTS}/{(await office.contact())['id']}"
    for replayed in (None, "true"):
        answer = await office("bob", "PATCH", path, json={"bank": "A"}, headers={**KEY, "If-Match": '"1"'})
        assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
        assert answer.headers.get("Idempotency-Replayed") == replayed


@pytest.mark.contract("http-api.md#idempotency-bound")
async def test_a_key_is_bound_to_user_method_path_and_body(office: Any) -> None:
    contact = await office("bob", "POST", CONTACTS, json={"first_name": "Ilze"}, headers=KEY)
    path = f"{CONTACTS}/{contact.json()['id']}"
    for method, other, body in (
        ("POST", CONTACTS, {"first_name": "Anna"}),
        ("POST", "/api/records/lease", {"first_name": "Ilze"}),
        ("PATCH", path, {"first_name": "Ilze"}),
    ):
        refused = await office("bob", method, other, json=body, headers=KEY)
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key")
    another = await office("ann", "POST", CONTACTS, json={"first_name": "Ilze"}, headers=KEY)
    assert another.json()["id"] != contact.json()["id"]
    assert await how_many(office) == 2


async def test_a_refused_request_leaves_its_key_free(office: Any) -> None:
    body = {"first_name": "Ilze", "purchase_type": "mortgage"}
    for _ in range(2):
        refused = await office("bob", "POST", CONTACTS, json=body, headers=KEY)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    made = await office("bob", "POST", CONTACTS, json={**body, "bank": "A"}, headers=KEY)
    assert made.status_code == 201
    assert "Idempotency-Replayed" not in made.headers


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_a_key_of_a_wrong_length_is_refused(office: Any, key: str) -> None:
    refused = await office("bob", "POST", CONTACTS, json={"first_name": "Ilze"}, headers={"Idempotency-Key": key})
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_value")
    assert await how_many(office) == 0


@pytest.mark.contract("http-api.md#idempotency-running")
async def test_of_twenty_at_once_one_has_an_effect(office: Any) -> None:
    sent = [office("bob", "POST", CONTACTS, json={"first_name": "Ilze"}, headers=KEY) for _ in range(20)]
    answers = await asyncio.gather(*sent)
    told = {answer.json()["code"] for answer in answers if answer.status_code != 201}
    made = {answer.json()["id"] for answer in answers if answer.status_code == 201}
    assert (told <= {"in_progress"}, len(made), await how_many(office)) == (True, 1, 1)


async def test_while_the_first_one_runs_another_body_is_another_request(office: Any) -> None:
    bodies = [{"first_name": "Ilze"}, {"first_name": "Anna"}]
    answers = await asyncio.gather(*(office("bob", "POST", CONTACTS, json=b, headers=KEY) for b in bodies))
    codes = [answer.json().get("code") for answer in answers]
    assert codes == [None, "idempotency_key"]


async def test_a_key_is_good_for_a_day(office: Any) -> None:
    office.kernel.clock.set(office.kernel.clock.now())
    first = await office("bob", "POST", CONTACTS, json={"first_name": "Ilze"}, headers=KEY)
    office.kernel.clock.advance(timedelta(hours=23, minutes=59))
    assert (await office("bob", "POST", CONTACTS, json={"first_name": "Ilze"}, headers=KEY)).content == first.content
    office.kernel.clock.advance(timedelta(minutes=2))
    later = await office("bob", "POST", CONTACTS, json={"first_name": "Ilze"}, headers=KEY)
    assert (later.status_code, "Idempotency-Replayed" in later.headers) == (201, False)
    assert later.json()["id"] != first.json()["id"]


async def test_housekeeping_forgets_keys_whose_day_is_over(office: Any) -> None:
    office.kernel.clock.set(office.kernel.clock.now())
    await office("bob", "POST", CONTACTS, json={"first_name": "Ilze"}, headers=KEY)
    office.kernel.clock.advance(timedelta(hours=12))
    await office("bob", "POST", CONTACTS, json={"first_name": "Ilze"}, headers={"Idempotency-Key": "younger"})
    office.kernel.clock.advance(timedelta(hours=13))
    await office.kernel.housekeeping.run()
    assert await office.kernel.database.read("SELECT key FROM crm_key") == [("younger",)]


@pytest.mark.contract("http-api.md#idempotency")
async def test_two_kernels_on_one_database_do_it_once(office: Any, tmp_path: Path) -> None:
    other = await Kernel.open(write_app(tmp_path, (), office.kernel.settings.database.url), strict=True)
    both = (office, Office(other, office.tokens))
    try:
        for number in range(10):
            headers = {"Idempotency-Key": str(number)}
            body = {"first_name": "Ilze"}
            answers = await asyncio.gather(*(o("bob", "POST", CONTACTS, json=body, headers=headers) for o in both))
            assert [answer.status_code for answer in answers] == [201, 201]
            assert answers[0].content == answers[1].content
            assert [answer.headers.get("Idempotency-Replayed") for answer in answers].count("true") == 1
        assert await how_many(office) == 10
    finally:
        await other.close()
