"""Single records shared with users (that every way sees them: tests/access)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from crm_kernel import Change
from crm_kernel.callers import Caller
from crm_kernel.operations.list_query import ListQuery
from crm_kernel.testing import TestCrm
from tests.operations.conftest import refusal

NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
ACTIONS = ["read", "update", "move", "delete", "share"]
SELLER = {
    "kind": "role",
    "name": "seller",
    "grants": [
        {"entity": "job", "actions": ["read", "update", "delete", "share"], "where": "owner = @me",
         "fields": {"deny": ["price"], "readonly": ["number"]}},
        {"entity": "job", "actions": ["read"], "where": "kind_of = 'large'", "fields": {"read": ["number", "secret"]}},
    ],
}  # fmt: skip


@pytest.fixture
def crm_documents(crm_documents: Any) -> Any:
    return [*crm_documents, SELLER]


class Shop:
    """A seller with two jobs, and somebody without any role."""

    def __init__(self, crm: TestCrm, seller: Caller, jobs: list[Any]) -> None:
        self.crm, self.seller, self.mine, self.other = crm, seller, jobs[0]["id"], jobs[1]["id"]

    async def guest(self) -> Caller:
        """The one without a role, as he is now."""
        return await self.crm.kernel.caller_for("guest", "api")

    async def give(self, **body: Any) -> dict[str, Any]:
        """What is answered when the seller shares his first job."""
        return await self.crm.kernel.shares.give("job", self.mine, {"user": "guest", **body}, self.seller)

    async def seen(self, **query: Any) -> list[Any]:
        """The jobs that the guest is listed."""
        return (await self.crm.kernel.reader.list("job", await self.guest(), ListQuery(**query))).items


@pytest_asyncio.fixture
async def shop(crm: TestCrm) -> Shop:
    crm.kernel.clock.set(NOW)
    seller = await crm.user("seller", "seller")
    await crm.user("guest")
    jobs = [
        {"number": f"n{n}", "owner": seller.id, "level": n, "secret": "s", "price": {"amount": 5, "currency": "EUR"}}
        for n in (1, 2)
    ]
    return Shop(crm, seller, await crm.write([Change.create("job", job) for job in jobs]))


@pytest.mark.contract("http-api.md#shares")
async def test_a_share_gives_one_row_to_one_user_until_it_ends(shop: Shop) -> None:
    assert (await refusal(shop.seen())).code == "not_found"
    share = await shop.give(expires_at="2026-03-01T11:00:00Z")
    [job] = await shop.seen(count="exact", filter="level = 1", sort="-number")
    assert (job["id"], job["number"], "price" in job, "secret" in job) == (shop.mine, "n1", False, False)
    late = await shop.guest()
    shop.crm.kernel.clock.advance(timedelta(hours=1))
    assert (await refusal(shop.seen())).code == "not_found"
    assert (await shop.crm.kernel.reader.list("job", late, ListQuery())).items == []
    assert [s["id"] for s in await shop.crm.kernel.shares.listed("job", shop.mine, shop.seller)] == [share["id"]]


async def test_it_is_ended_by_hand_and_by_purge(shop: Shop) -> None:
    first, _ = await shop.give(), await shop.give(actions=["update"])
    await shop.crm.kernel.shares.end("job", shop.mine, first["id"], shop.seller)
    assert len(await shop.seen()) == 1
    await shop.crm.write([Change("purge", "job", id=shop.mine)])
    assert (await refusal(shop.seen())).code == "not_found"


@pytest.mark.contract("security.md#own-grants")
async def test_nobody_shares_what_he_has_not(shop: Shop) -> None:
    for body, fault in [
        ({"actions": ["move"]}, ("/actions/0", "enum")),
        ({"actions": ["update", "create"]}, ("/actions/1", "enum")),
        ({"fields": {"read": ["price"]}}, ("/fields/read/0", "unknown_field")),
        ({"fields": {"read": ["secret"]}}, ("/fields/read/0", "unknown_field")),
        ({"actions": ["update"], "fields": {"write": ["number"]}}, ("/fields/write/0", "read_only")),
        ({"user": "nobody"}, ("/user", "reference")),
        ({"expires_at": "2026-03-01T09:00:00Z"}, ("/expires_at", "minimum")),
    ]:
        assert (await refusal(shop.give(**body))).faults == [fault]
    assert (await refusal(shop.crm.kernel.shares.give("job", shop.other, {}, await shop.guest()))).code == "not_found"


async def test_fields_are_those_of_the_giver_on_that_row_and_sensitive_ones_only_by_name(shop: Shop) -> None:
    await shop.crm.write([Change.update("job", shop.mine, {"kind_of": "large", "amount": 3})])
    plain = await shop.give()
    assert "*" not in plain["fields"]["read"]  # the price is denied to him
    assert {"price", "secret"}.isdisjoint(plain["fields"]["read"])
    await shop.crm.kernel.shares.end("job", shop.mine, plain["id"], shop.seller)
    assert (await shop.give(fields={"read": ["secret"]}))["fields"] == {"read": ["secret"], "write": []}
    [job] = await shop.seen()
    assert set(job) == {"id", "version", "secret"}
    root = await shop.crm.user("root", "admin")
    body = {"user": "guest", "actions": ["update"]}
    given = await shop.crm.kernel.shares.give("job", shop.other, body, root)
    assert given["fields"] == {"read": ["*"], "write": ["*"]}


async def test_what_the_givers_check_looks_at_is_not_given_to_write(shop: Shop) -> None:
    share = await shop.give(actions=["update"])
    assert "owner" not in share["fields"]["write"]
    assert "level" in share["fields"]["write"]
    guest = shop.crm.acting(await shop.guest())
    assert (await guest.write([Change.update("job", shop.mine, level=7)]))[0]["level"] == 7
    taken = await refusal(guest.write([Change.update("job", shop.mine, owner=(await shop.guest()).id)]))
    assert taken.faults == [("/owner", "read_only")]


async def test_it_takes_the_action_share_on_a_visible_row(shop: Shop) -> None:
    await shop.give()
    guest, shares = await shop.guest(), shop.crm.kernel.shares
    assert (await refusal(shares.listed("job", shop.mine, guest))).code == "forbidden"
    assert (await refusal(shares.give("job", shop.mine, {"user": "seller"}, guest))).code == "forbidden"
    hidden = await refusal(shares.give("job", shop.other, {"user": "seller"}, guest))
    never = await refusal(shares.listed("job", "01900000-0000-7000-8000-000000000999", guest))
    assert (hidden.code, never.code) == ("not_found", "not_found")


async def test_who_was_given_the_action_share_passes_on_what_he_was_given(shop: Shop) -> None:
    await shop.give(actions=["share"], fields={"read": ["number"]})
    await shop.crm.user("third")
    body = {"user": "third", "actions": ["read"]}
    passed = await shop.crm.kernel.shares.give("job", shop.mine, body, await shop.guest())
    assert passed["fields"]["read"] == ["number"]
    beyond = {**body, "actions": ["update"]}
    refused = await refusal(shop.crm.kernel.shares.give("job", shop.mine, beyond, await shop.guest()))
    assert refused.faults == [("/actions/0", "enum")]


async def test_it_is_explained(shop: Shop) -> None:
    await shop.give()
    question = {"action": "read", "entity": "job", "id": shop.mine}
    told = await shop.crm.kernel.explain.access(question, await shop.guest())
    assert told["allowed"]
    assert told["rules"][0]["source"] == {"kind": "share", "name": "share", "plugin": None, "pointer": ""}
    assert (told["rules"][0]["row"], told["rules"][0]["expression"]) == (True, None)


async def test_shared_rows_are_branches_of_a_list_not_conditions_of_it(shop: Shop) -> None:
    await shop.give()
    await shop.crm.put({**SELLER, "grants": [{"entity": "job", "actions": ["read"], "where": "owner = @me"}]})
    await shop.crm.write([Change.update("user", (await shop.guest()).id, {"roles": ["seller"]})])
    guest = await shop.guest()
    plan = shop.crm.kernel.reader.planner.list_plan(shop.crm.kernel.registry.access(guest), "job", ListQuery())
    assert plan.ordered is not None
    assert plan.few is not None
    assert " OR " not in plan.ordered.first_page.text.partition("FROM (")[2]


async def test_a_token_sees_a_share_at_once_and_loses_it_when_it_is_over(shop: Shop) -> None:
    _, text = await shop.crm.kernel.identity.create_token("guest", "test")
    before = await shop.crm.kernel.identity.caller_for_token(text)
    await shop.give(expires_at="2026-03-01T10:00:10Z")
    during = await shop.crm.kernel.identity.caller_for_token(text)
    shop.crm.kernel.clock.advance(timedelta(seconds=10))
    after = await shop.crm.kernel.identity.caller_for_token(text)
    assert before is not None
    assert during is not None
    assert after is not None
    assert (before.shares, len(during.shares), after.shares) == ((), 1, ())
