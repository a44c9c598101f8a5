"""Tokens, and the callers that people become."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from crm_kernel import Change
from crm_kernel.kernel import Kernel
from crm_kernel.operations.identity import Identity
from crm_kernel.storage import tokens as stored_tokens
from crm_kernel.testing import TestCrm
from tests.operations.conftest import refusal

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def identity(crm: TestCrm) -> Identity:
    crm.clock.set(NOW)
    return crm.kernel.identity


async def token_of(identity: Identity, login: str = "ilze", **options: object) -> str:
    return (await identity.create_token(login, "laptop", **options))[1]  # type: ignore[arg-type]


async def test_a_token_is_shown_once_and_stored_as_a_hash(crm: TestCrm, identity: Identity) -> None:
    await identity.add_user("ilze")
    id, text = await identity.create_token("ilze", "laptop")
    assert re.fullmatch(r"crm_[A-Za-z0-9_-]{43}", text)
    stored = await stored_tokens.by_hash(crm.kernel.database, sha256(text.encode()).hexdigest())
    assert stored is not None
    assert stored.id == id
    (listed,) = await identity.tokens("ilze")
    assert listed["name"] == "laptop"
    assert text not in str(listed)
    assert stored.hash not in str(listed)


async def test_a_token_becomes_its_user_with_his_rights(identity: Identity) -> None:
    user = await identity.add_user("ilze", name="Ilze", roles=["clerk"])
    caller = await identity.caller_for_token(await token_of(identity))
    assert caller is not None
    assert (caller.id, caller.login, caller.name, caller.channel) == (user["id"], "ilze", "Ilze", "api")
    assert (caller.roles, caller.system, caller.read_only, caller.entities) == (
        frozenset({"clerk"}),
        False,
        False,
        None,
    )
    assert (caller.timezone, caller.locale) == ("Europe/Riga", "en")
    other = await identity.caller_for_token(await token_of(identity), "web")
    assert other is not None
    assert other.channel == "web"


@pytest.mark.contract("cli.md#token-options", "http-api.md#token-scope")
async def test_a_token_may_be_narrower_than_its_user(identity: Identity) -> None:
    await identity.add_user("ilze", roles=["admin"])
    token = await token_of(identity, read_only=True, entities=["contact", "job", "contact"])
    caller = await identity.caller_for_token(token)
    assert caller is not None
    assert (caller.read_only, caller.entities) == (True, frozenset({"contact", "job"}))
    refused = await refusal(token_of(identity, entities=["contct"]))
    assert (refused.code, "did you mean 'contact'" in refused.error.detail) == ("bad_value", True)


async def test_a_token_ends_at_its_moment(crm: TestCrm, identity: Identity) -> None:
    await identity.add_user("ilze")
    token = await token_of(identity, expires_at=NOW + timedelta(hours=1))
    assert await identity.caller_for_token(token) is not None
    crm.clock.set(NOW + timedelta(minutes=59))
    assert await identity.caller_for_token(token) is not None
    crm.clock.set(NOW + timedelta(hours=1))
    assert await identity.caller_for_token(token) is None
    assert (await refusal(token_of(identity, expires_at=NOW))).code == "bad_value"


@pytest.mark.contract("http-api.md#token-revoked", "cli.md#token-revoke")
async def test_a_revoked_token_is_refused_at_once_in_every_process(crm: TestCrm, identity: Identity) -> None:
    await identity.add_user("ilze")
    id, token = await identity.create_token("ilze", "laptop")
    elsewhere = await Kernel.open(crm.kernel.settings)
    assert await elsewhere.identity.caller_for_token(token) is not None
    await identity.revoke(id)
    async with asyncio.timeout(1):
        # On PostgreSQL the news is on its way for a moment.
        while await elsewhere.identity.caller_for_token(token) is not None:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    await elsewhere.close()
    assert await identity.tokens("ilze") == []
    assert (await refusal(identity.revoke(id))).code == "not_found"


async def test_unknown_tokens_are_nobody(identity: Identity) -> None:
    assert await identity.caller_for_token("crm_nobody") is None
    assert await identity.caller_for_token("") is None


@pytest.mark.contract("cli.md#user-disable")
async def test_a_disabled_or_deleted_user_is_refused_with_his_tokens(crm: TestCrm, identity: Identity) -> None:
    await identity.add_user("janis")
    user = await identity.add_user("ilze")
    tokens = {login: await token_of(identity, login) for login in ("ilze", "janis")}
    for token in tokens.values():
        assert await identity.caller_for_token(token) is not None
    await identity.disable("janis")
    await crm.write([Change.delete("user", user["id"])])
    for token in tokens.values():
        assert await identity.caller_for_token(token) is None
    assert (await refusal(identity.caller_for("janis", "cli"))).code == "forbidden"
    assert (await refusal(identity.caller_for("ilze", "cli"))).code == "not_found"


async def test_a_change_of_rights_is_seen_by_the_next_request(crm: TestCrm, identity: Identity) -> None:
    user = await identity.add_user("ilze")
    token = await token_of(identity)
    before = await identity.caller_for_token(token)
    assert before is not None
    assert await identity.caller_for_token(token) is before
    await crm.write([Change.create("contact", {"name": "Anna"})])
    assert await identity.caller_for_token(token) is before
    await crm.write([Change.update("user", user["id"], {"roles": ["boss"]})])
    after = await identity.caller_for_token(token)
    assert after is not None
    assert after.roles == {"boss"}


async def test_a_known_token_costs_no_statement(crm: TestCrm, identity: Identity) -> None:
    await identity.add_user("ilze")
    token = await token_of(identity)
    await identity.caller_for_token(token)
    before = crm.kernel.database.statements
    for _ in range(10):
        await identity.caller_for_token(token)
    assert crm.kernel.database.statements == before


@pytest.mark.contract("filters.md#my-teams")
async def test_teams_are_those_of_today_and_all_below(crm: TestCrm, identity: Identity) -> None:
    office = (await identity.add_team("Office"))["id"]
    sales = (await identity.add_team("Sales", parent="Office"))["id"]
    rent = (await identity.add_team("Rent", parent="Sales"))["id"]
    other = (await identity.add_team("Other"))["id"]
    user = await identity.add_user("ilze", team="Sales")
    membership = {"team": other, "since": "2026-03-01", "until": "2026-03-02"}
    await crm.write([Change.update("user", user["id"], {"teams": [membership]})])
    token = await token_of(identity)

    async def teams() -> tuple[str | None, tuple[str, ...]]:
        caller = await identity.caller_for_token(token)
        assert caller is not None
        return caller.team, caller.teams

    assert await teams() == (sales, (sales, other, rent))
    crm.clock.set(datetime(2026, 3, 2, 21, 59, tzinfo=UTC))  # one minute before midnight in Riga
    assert await teams() == (sales, (sales, other, rent))
    crm.clock.set(datetime(2026, 3, 2, 22, tzinfo=UTC))
    assert await teams() == (sales, (sales, rent))
    await crm.write([Change.delete("team", sales)])
    assert await teams() == (None, ())
    assert office


async def test_a_caller_is_found_by_id_or_login(crm: TestCrm, identity: Identity) -> None:
    user = await identity.add_user("ilze")
    await crm.write([Change.update("user", user["id"], {"timezone": "Nowhere/Land", "locale": "lv"})])
    by_id, by_login = await identity.caller_for(user["id"], "cli"), await identity.caller_for("ilze", "cli")
    assert by_id == by_login
    assert (by_id.id, by_id.channel, by_id.locale) == (user["id"], "cli", "lv")
