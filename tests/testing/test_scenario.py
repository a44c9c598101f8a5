"""Scenarios: what is declared of an answer is held, and what holds for every answer is held without a word."""

from __future__ import annotations

from typing import Any

import pytest

from crm_kernel.testing import Scenario, TestCrm, assert_access
from crm_kernel.testing.client import Answer, Client

DESK = {
    "kind": "entity",
    "name": "desk",
    "schema": {
        "properties": {"label": {"type": "string"}, "price": {"type": "number"}, "place": {"type": "string"}},
        "required": ["label"],
    },
}
CLERK = {
    "kind": "role",
    "name": "clerk",
    "grants": [
        {"entity": "desk", "actions": ["read", "create"], "fields": {"deny": ["price"]}},
        {"entity": "desk", "actions": ["update"], "where": "owner = @me", "fields": {"readonly": ["label"]}},
    ],
}


@pytest.fixture
def crm_documents() -> list[dict[str, Any]]:
    return [DESK, CLERK]


GOOD: list[dict[str, Any]] = [
    {"method": "GET", "path": "/api/records/desk/{id}", "role": "clerk", "not_expect": ["price", "1250"]},
    {"method": "GET", "path": "/api/records/desk/{id}", "expect": [200, "1250", {"label": "By the window"}]},
    {"method": "GET", "path": "/api/records/desk/{id}", "role": None, "expect": [401, {"code": "unauthenticated"}]},
    {"method": "GET", "path": "/api/records/desk", "query": {"filter": "id = '{id}'"},
        "expect": [{"items": [{"id": "{id}"}]}]},
    {"method": "PATCH", "path": "/api/records/desk/{id}", "body": {"place": "{id}"}, "expect": {"place": "{id}"},
        "events": {"desk record.updated": 1, "*": 1}},
    {"method": "PATCH", "path": "/api/records/desk/{id}", "body": {"place": "x"}, "role": "clerk", "expect": 403,
        "events": {"*": 0}},
    {"method": "DELETE", "path": "/api/records/desk/{id}", "expect": 204, "events": {"record.deleted": 1}},
]  # fmt: skip


@pytest.mark.parametrize("said", GOOD, ids=lambda said: f"{said['method']} {said.get('role', 'admin')}")
async def test_what_is_so_passes(crm: TestCrm, said: dict[str, Any]) -> None:
    desk = await crm.make("desk", label="By the window", price=1250)
    await Scenario(**said).run(crm, id=desk["id"])


BAD: list[dict[str, Any]] = [
    {"expect": 201},
    {"expect": "By the door"},
    {"expect": {"label": "By the door"}},
    {"expect": {"labels": []}},
    {"not_expect": "1250"},
    {"events": {"*": 1}},
]


@pytest.mark.parametrize("said", BAD, ids=str)
@pytest.mark.contract("hooks.md#kit-scenario")
async def test_what_is_not_so_fails_and_shows_the_answer(crm: TestCrm, said: dict[str, Any]) -> None:
    desk = await crm.make("desk", label="By the window", price=1250)
    scenario = Scenario(name="A desk", method="GET", path="/api/records/desk/{id}", **said)
    with pytest.raises(AssertionError, match=f"A desk: GET /api/records/desk/{desk['id']} as admin: 200"):
        await scenario.run(crm, id=desk["id"])


class Wrong(Client):
    """A client of an application that answers wrongly."""

    def __init__(self, crm: TestCrm, answer: Answer, body: Any = None) -> None:
        super().__init__(crm.kernel)
        self._answer = answer
        self._crm = crm
        self._writes = body

    async def _ask(self, *_request: Any) -> Answer:
        if self._writes is not None:
            await self._crm.write([{"create": {"values": self._writes}}], entity="desk")
        return self._answer


PROBLEM = b'{"type":"","title":"","status":403,"code":"forbidden","detail":"","hint":"","errors":[]}'


@pytest.mark.parametrize(
    ("answer", "writes"),
    [
        (Answer(500, {}, PROBLEM), None),
        (Answer(200, {}, b"sqlite3.OperationalError"), None),
        (Answer(403, {}, b"{}"), None),
        (Answer(403, {}, PROBLEM.replace(b"forbidden", b"nonsense")), None),
        (Answer(403, {}, PROBLEM), {"label": "x"}),
    ],
    ids=["5xx", "machinery", "no problem", "no code", "refused but written"],
)
async def test_what_holds_for_every_answer_is_held(crm: TestCrm, answer: Answer, writes: Any) -> None:
    with pytest.raises(AssertionError):
        await Wrong(crm, answer, writes).send("GET", "/")


@pytest.mark.contract("hooks.md#kit-people")
async def test_people_have_their_roles(crm: TestCrm) -> None:
    clerk = await crm.as_user(role="clerk", name="Ilze")
    (desk,) = await clerk.write([{"create": {"values": {"label": "x"}}}], entity="desk")
    assert desk["created_by"] == clerk.id
    assert (await crm.get("user", clerk.id))["name"] == "Ilze"
    other = crm.as_user(role="clerk")
    assert other.login != clerk.login
    assert [d["id"] for d in await other.find("desk")] == [desk["id"]]
    assert (await other.send("PATCH", f"/api/records/desk/{desk['id']}", {"place": "x"})).status == 403
    assert (await clerk.send("PATCH", f"/api/records/desk/{desk['id']}", {"place": "x"})).json()["version"] == 2
    assert [d["id"] for d in await crm.as_user(clerk.login).find("desk")] == [desk["id"]]


@pytest.mark.contract("hooks.md#kit-access")
async def test_a_table_of_access(crm: TestCrm) -> None:
    clerk = {"actions": "read create update", "hidden": "price", "readonly": "label"}
    assert_access(crm, {"clerk": {"desk": clerk, "contact": ""}, "admin": {"desk": {"hidden": ""}}})
    with pytest.raises(AssertionError) as told:
        assert_access(crm, {"clerk": {"desk": {"actions": "read delete", "hidden": "", "readonly": "label place"}}})
    assert str(told.value).splitlines()[:4] == [
        "clerk on desk: create update too",
        "clerk on desk: not delete",
        "hidden from clerk on desk: price too",
        "read only for clerk on desk: not place",
    ]
    with pytest.raises(KeyError, match="no role 'agent'"):
        assert_access(crm, {"agent": {}})
