"""Why somebody may do something: by which rules, and what is told to whom (that it tells the truth: tests/access)."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from crm_kernel import Change
from crm_kernel.callers import Caller
from crm_kernel.testing import TestCrm
from tests.operations.conftest import refusal


class Office:
    """A clerk, a boss, and a job of the clerk's."""

    def __init__(self, crm: TestCrm, clerk: Caller, boss: Caller, mine: str, other: str) -> None:
        self.crm, self.clerk, self.boss, self.mine, self.other = crm, clerk, boss, mine, other

    async def explain(self, caller: Caller | None = None, **asked: Any) -> dict[str, Any]:
        """What is told to a caller (the system)."""
        question = {"entity": "job", "action": "read", **asked}
        return await self.crm.kernel.explain.access(question, caller or self.crm.kernel.system("cli"))


@pytest_asyncio.fixture
async def office(crm: TestCrm) -> Office:
    clerk, boss = await crm.user("clerk", "clerk"), await crm.user("boss", "boss")
    mine, other = await crm.write([Change.create("job", owner=who.id, number=f"n{who.login}") for who in (clerk, boss)])
    return Office(crm, clerk, boss, mine["id"], other["id"])


async def test_each_rule_is_told_with_its_source_its_outcome_and_its_values(office: Office) -> None:
    told = await office.explain(user="clerk", id=office.mine, field="price")
    first, second = told["rules"]
    assert (told["allowed"], told["reason"]) == (False, "field_not_given")
    assert told["user"] == {"id": office.clerk.id, "login": "clerk", "roles": ["clerk"]}
    assert first["source"] == {"kind": "role", "name": "clerk", "plugin": None, "pointer": "/grants/0"}
    assert (first["effect"], first["action"], first["row"], first["field"]) == ("grant", True, True, False)
    assert first["parts"] == [{"expression": "owner = @me", "held": True, "values": {"owner": office.clerk.id}}]
    assert (second["row"], second["field"]) == (False, False)


async def test_roles_that_would_grant_it_are_named_to_an_administrator(office: Office) -> None:
    told = await office.explain(user="clerk", id=office.other)
    assert told["reason"] == "no_grant"
    assert [(source["name"], source["pointer"]) for source in told["would_grant"]] == [("boss", "/grants/0")]


async def test_hypothetical_roles_are_nobody(office: Office) -> None:
    told = await office.explain(roles=["clerk"], id=office.mine)
    assert (told["allowed"], told["user"]) == (False, {"id": None, "login": None, "roles": ["clerk"]})
    assert (await office.explain(roles=["boss"], id=office.mine))["allowed"]
    assert (await office.explain(roles=["admin"], id=office.mine, action="delete", field="number"))["allowed"]


async def test_a_hidden_record_is_as_one_that_never_was(office: Office) -> None:
    hidden = await office.explain(office.clerk, id=office.other)
    never = await office.explain(office.clerk, id="01900000-0000-7000-8000-000000000999")
    assert hidden | {"id": None} == never | {"id": None}
    assert (hidden["reason"], hidden["rules"], hidden["would_grant"]) == ("not_found", [], [])


async def test_anyone_but_oneself_needs_admin(office: Office) -> None:
    assert (await office.explain(office.clerk, user="clerk", id=office.mine))["allowed"]
    for asked in ({"user": "boss"}, {"user": "nobody"}, {"roles": ["clerk"]}):
        assert (await refusal(office.explain(office.clerk, **asked))).code == "forbidden"


async def test_expressions_are_quoted_to_whom_may_read_all_their_paths(office: Office) -> None:
    crm = office.crm
    where = "number = 'secret'"
    grant = {"entity": "job", "actions": ["read"], "where": f"{where} or owner = @me", "fields": {"deny": ["number"]}}
    await crm.put({"kind": "role", "name": "blind", "grants": [grant]})
    blind = await crm.user("blind", "blind")
    [rule] = (await office.explain(blind))["rules"]
    assert (rule["expression"], rule["parts"]) == (None, [])
    [rule] = (await office.explain(user="blind"))["rules"]
    assert rule["expression"] == grant["where"]


async def test_a_token_narrows(office: Office) -> None:
    narrow = Caller(
        id=office.boss.id, login="boss", roles=office.boss.roles, entities=frozenset({"job"}), read_only=True
    )
    assert (await office.explain(narrow, id=office.mine))["allowed"]
    told = await office.explain(narrow, id=office.mine, action="update")
    assert told["reason"] == "token_scope"
    assert told["rules"][-1]["source"]["kind"] == "token"


@pytest.mark.parametrize(
    ("asked", "faults"),
    [
        ({"action": None}, [("/action", "required")]),
        ({"entity": 5, "field": []}, [("/entity", "type"), ("/field", "type")]),
        ({"roles": "clerk"}, [("/roles", "type")]),
        ({"roles": [], "user": "clerk"}, [("/roles", "oneOf")]),
        ({"roles": ["clark"]}, [("/roles/0", "not_found")]),
        ({"who": "me"}, [("/who", "unknown_field")]),
        ({"field": "nothing"}, [("/field", "unknown_field")]),
    ],
)
async def test_a_question_that_cannot_be_read_is_refused_with_all_faults(
    office: Office, asked: dict[str, Any], faults: list[Any]
) -> None:
    refused = await refusal(office.explain(**asked))
    assert (refused.code, sorted(refused.faults)) == ("invalid", faults)


async def test_an_unknown_entity_and_one_without_any_grant_are_the_same_404(office: Office) -> None:
    nobody = await office.crm.user("nobody")
    unknown = await refusal(office.explain(nobody, entity="nothing"))
    hidden = await refusal(office.explain(nobody, entity="job"))
    assert str(hidden.error.detail).replace("job", "nothing") == str(unknown.error.detail)


async def test_what_leaves_in_an_export_is_what_may_be_read(office: Office) -> None:
    reads = {"entity": "job", "actions": ["read"], "fields": {"deny": ["price"]}}
    exports = {"entity": "job", "actions": ["export"], "fields": {"deny": ["number"]}}
    await office.crm.put({"kind": "role", "name": "taker", "grants": [reads, exports]})
    for field, given in (("number", True), ("price", False)):
        told = await office.explain(roles=["taker"], action="export", id=office.mine, field=field)
        assert (told["allowed"], told["reason"]) == (given, None if given else "field_not_given")
        assert [(rule["action"], rule["field"]) for rule in told["rules"]] == [(True, False), (False, given)]
