"""Sessions: begun by a password, known by an id, ended."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec
import pytest

from crm_kernel import Change
from crm_kernel.kernel import Kernel
from crm_kernel.operations.log_in import RESET_LIFETIME, LogIn
from crm_kernel.operations.sessions import GRACE, Browser, Opened, Sessions
from crm_kernel.settings import SessionSettings
from crm_kernel.storage import secrets, sessions, tokens
from crm_kernel.testing import TestCrm
from tests.operations.conftest import refusal

IDLE, LIFETIME = SessionSettings().idle, SessionSettings().lifetime
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PASSWORD, OTHER = "correct horse", "battery staple"
BROWSER = Browser("1.2.3.4", "Firefox")


class Signing:
    """Ilze with a password, and what she does with it."""

    def __init__(self, crm: TestCrm, user: str) -> None:
        self.crm = crm
        self.user = user
        self.sessions: Sessions = crm.kernel.sessions
        self.log_in: LogIn = crm.kernel.log_in

    async def open(self, password: str = PASSWORD, browser: Browser = BROWSER, login: str = "ilze") -> str:
        return (await self.opened(password=password, browser=browser, login=login)).id

    async def opened(self, *, browser: Browser = BROWSER, login: str = "ilze", **members: str) -> Opened:
        return await self.log_in.with_body({"login": login, **members}, browser)

    async def holds(self, id: str) -> bool:
        return await self.sessions.by_id.find(id) is not None

    async def listed(self, id: str) -> list[dict[str, Any]]:
        found = await self.sessions.by_id.find(id)
        assert found is not None
        return await self.sessions.listed(found.caller, found)

    async def change(self, **values: Any) -> None:
        await self.crm.write([Change.update("user", self.user, values)])


@pytest.fixture
async def ilze(crm: TestCrm) -> Signing:
    crm.clock.set(NOW)
    await crm.kernel.identity.add_user("ann", roles=["admin"])
    user = await crm.kernel.identity.add_user("ilze", roles=["clerk"], password=PASSWORD)
    return Signing(crm, user["id"])


@pytest.mark.contract("security.md#sessions-hashed")
async def test_a_session_is_its_user_and_only_its_hash_is_stored(ilze: Signing) -> None:
    opened = await ilze.opened(password=PASSWORD)
    assert opened.who["user"]["login"] == "ilze"
    found = await ilze.sessions.by_id.find(opened.id)
    assert found is not None
    assert (found.caller.id, found.caller.roles, found.caller.channel) == (ilze.user, frozenset({"clerk"}), "api")
    (stored,) = await sessions.of_user(ilze.crm.kernel.database, ilze.user)
    assert stored.hash == sha256(opened.id.encode()).hexdigest()
    assert opened.id not in str(stored)
    assert (stored.agent, stored.expires_at) == ("Firefox", "2026-03-08T12:00:00Z")


async def test_a_known_session_costs_no_statement(ilze: Signing) -> None:
    id = await ilze.open()
    before = ilze.crm.kernel.database.statements
    for _ in range(10):
        assert await ilze.holds(id)
    assert ilze.crm.kernel.database.statements == before


@pytest.mark.contract("security.md#session-not-adopted", "security.md#session-rotated")
async def test_an_id_from_elsewhere_is_never_adopted(ilze: Signing) -> None:
    assert not await ilze.holds("planted")
    first = await ilze.open(browser=BROWSER._replace(former="planted"))
    assert first != "planted"
    assert not await ilze.holds("planted")
    second = await ilze.open(browser=BROWSER._replace(former=first))
    assert second != first
    assert (await ilze.holds(first), await ilze.holds(second)) == (False, True)


@pytest.mark.contract("security.md#session-expiry")
async def test_a_session_ends_when_it_is_not_used(ilze: Signing) -> None:
    used, unused = await ilze.open(), await ilze.open()
    ilze.crm.clock.advance(IDLE - timedelta(minutes=1))
    assert await ilze.holds(used)
    ilze.crm.clock.advance(timedelta(minutes=1))
    assert not await ilze.holds(unused)
    assert [item["current"] for item in await ilze.listed(used)] == [True]
    ilze.crm.clock.advance(IDLE - timedelta(minutes=1))
    assert await ilze.holds(used)
    ilze.crm.clock.advance(IDLE)
    assert not await ilze.holds(used)


@pytest.mark.contract("security.md#session-expiry")
async def test_a_session_ends_however_it_is_used(ilze: Signing) -> None:
    id = await ilze.open()
    for _ in range(13):
        ilze.crm.clock.advance(IDLE - timedelta(seconds=1))
        assert await ilze.holds(id)
    ilze.crm.clock.set(NOW + LIFETIME)
    assert not await ilze.holds(id)
    await ilze.sessions.prune()
    assert await sessions.of_user(ilze.crm.kernel.database, ilze.user) == []


async def test_the_times_of_a_session_are_settings(ilze: Signing) -> None:
    kernel = ilze.crm.kernel
    kernel.settings = msgspec.structs.replace(
        kernel.settings, sessions=SessionSettings(idle_minutes=600, lifetime_days=1)
    )
    kernel.sessions = ilze.sessions = Sessions(kernel)
    unused, used = await ilze.open(), await ilze.open()
    ilze.crm.clock.advance(timedelta(minutes=599))
    assert await ilze.holds(used)
    ilze.crm.clock.advance(timedelta(minutes=1))
    assert not await ilze.holds(unused)
    ilze.crm.clock.advance(timedelta(minutes=598))
    assert await ilze.holds(used)
    ilze.crm.clock.set(NOW + timedelta(days=1))
    assert not await ilze.holds(used)


async def test_pruning_leaves_what_holds(ilze: Signing) -> None:
    id = await ilze.open()
    ilze.crm.clock.advance(IDLE - timedelta(minutes=1))
    assert await ilze.holds(id)
    ilze.crm.clock.advance(timedelta(minutes=2))  # the use is not written down yet
    await ilze.sessions.prune()
    assert await ilze.holds(id)


@pytest.mark.contract("security.md#session-rotated")
@pytest.mark.parametrize("what", ["roles", "team", "document"])
async def test_the_id_is_made_anew_when_the_rights_change(ilze: Signing, what: str) -> None:
    id = await ilze.open()
    if what == "roles":
        await ilze.change(roles=["boss"])
    elif what == "team":
        await ilze.change(team=(await ilze.crm.kernel.identity.add_team("Sales"))["id"])
    else:
        grants = [{"entity": "contact", "actions": ["read", "create"]}]
        await ilze.crm.put({"kind": "role", "name": "clerk", "grants": grants})
    found = await ilze.sessions.by_id.find(id)
    assert found is not None
    assert found.renewed is not None
    renewed = await ilze.sessions.by_id.find(found.renewed)
    assert renewed is not None
    assert (renewed.id, renewed.caller, renewed.renewed) == (found.id, found.caller, None)
    beside = await ilze.sessions.by_id.find(id)  # requests that were sent at the same time
    assert beside is not None
    assert beside.renewed is None
    ilze.crm.clock.advance(GRACE)
    assert not await ilze.holds(id)
    assert await ilze.holds(found.renewed)


async def test_what_is_no_right_rotates_nothing(ilze: Signing) -> None:
    id = await ilze.open()
    await ilze.change(name="Ilze Ozola", locale="lv")
    found = await ilze.sessions.by_id.find(id)
    assert found is not None
    assert (found.caller.name, found.renewed) == ("Ilze Ozola", None)


async def test_of_two_processes_one_rotates(ilze: Signing) -> None:
    id = await ilze.open()
    elsewhere = await Kernel.open(ilze.crm.kernel.settings, clock=ilze.crm.clock)
    await ilze.change(roles=["boss"])
    await elsewhere.following.look(closely=True)
    found = await asyncio.gather(ilze.sessions.by_id.find(id), elsewhere.sessions.by_id.find(id))
    await elsewhere.close()
    assert [credential is not None for credential in found] == [True, True]
    assert sum(credential is not None and credential.renewed is not None for credential in found) == 1


@pytest.mark.contract("security.md#session-ended")
async def test_sessions_are_listed_and_ended_in_every_process(ilze: Signing) -> None:
    first = await ilze.open()
    second = await ilze.open(browser=Browser("1.2.3.5", "Safari\n" + "x" * 300))
    elsewhere = await Kernel.open(ilze.crm.kernel.settings, clock=ilze.crm.clock)
    assert await elsewhere.sessions.by_id.find(first) is not None
    listed = {item["current"]: item for item in await ilze.listed(second)}
    assert set(listed[False]) == {"id", "created_at", "seen_at", "expires_at", "agent", "current"}
    assert (listed[False]["agent"], listed[True]["agent"]) == ("Firefox", "Safari" + "x" * 194)
    ilze_now = await ilze.sessions.by_id.find(second)
    assert ilze_now is not None
    await ilze.sessions.end(ilze_now.caller, listed[False]["id"])
    assert not await ilze.holds(first)
    async with asyncio.timeout(1):
        while await elsewhere.sessions.by_id.find(first) is not None:  # noqa: ASYNC110 - on PostgreSQL the news is on its way
            await asyncio.sleep(0.001)
    await elsewhere.close()
    ann = await ilze.crm.kernel.caller_for("ann", "api")
    for id in (listed[True]["id"], listed[False]["id"]):
        assert (await refusal(ilze.sessions.end(ann, id))).code == "not_found"
    assert await ilze.holds(second)


@pytest.mark.contract("security.md#session-ended")
@pytest.mark.parametrize("how", ["disable", "delete"])
async def test_sessions_end_with_the_right_to_sign_in_and_do_not_come_back(ilze: Signing, how: str) -> None:
    id = await ilze.open()
    if how == "disable":
        await ilze.change(active=False)
        assert not await ilze.holds(id)
        await ilze.change(active=True)
    else:
        await ilze.crm.write([Change.delete("user", ilze.user)])
        assert not await ilze.holds(id)
        await ilze.crm.write([Change.restore("user", ilze.user)])
    assert not await ilze.holds(id)
    assert await ilze.holds(await ilze.open())


async def test_with_a_user_all_his_secrets_go(ilze: Signing) -> None:
    await ilze.open()
    await ilze.crm.kernel.identity.create_token("ilze", "laptop")
    await ilze.crm.write([Change.purge("user", ilze.user)])
    database = ilze.crm.kernel.database
    assert await sessions.of_user(database, ilze.user) == []
    assert await secrets.get(database, ilze.user, secrets.PASSWORD) is None
    assert await tokens.of_user(database, ilze.user) == []


@pytest.mark.contract("security.md#same-work")
async def test_who_is_not_known_disabled_or_wrong_is_refused_in_the_same_words(ilze: Signing) -> None:
    await ilze.crm.kernel.identity.add_user("tokens-only")
    await ilze.crm.kernel.identity.add_user("disabled", password=PASSWORD)
    await ilze.crm.kernel.identity.disable("disabled")
    wrong = [("ilze", "wrong"), ("nobody", PASSWORD), ("tokens-only", PASSWORD), ("disabled", PASSWORD)]
    statements: set[int] = set()
    for login, password in wrong:
        before = ilze.crm.kernel.database.statements
        error = (await refusal(ilze.open(password, login=login))).error
        statements.add(ilze.crm.kernel.database.statements - before)
        assert (error.code, error.detail) == ("unauthenticated", "The log-in or the password is wrong.")
    assert len(statements) == 1


async def test_a_body_that_is_no_log_in(ilze: Signing) -> None:
    assert (await refusal(ilze.log_in.with_body([], BROWSER))).faults == [("", "type")]
    assert (await refusal(ilze.log_in.with_body({"user": "x"}, BROWSER))).faults == [
        ("/login", "required"),
        ("/password", "required"),
        ("/user", "unknown_field"),
    ]


@pytest.mark.contract("security.md#attempts-limited")
async def test_log_ins_are_limited_and_the_right_password_does_not_help_then(ilze: Signing) -> None:
    for _ in range(10):
        assert (await refusal(ilze.open("wrong"))).code == "unauthenticated"
    refused = (await refusal(ilze.open())).error
    assert (refused.code, int(refused.headers["Retry-After"])) == ("rate_limited", 90)
    ilze.crm.clock.advance(timedelta(seconds=90))
    assert await ilze.open()
    for _ in range(10):  # and then all is forgiven
        assert (await refusal(ilze.open("wrong"))).code == "unauthenticated"


async def test_an_outdated_hash_is_made_anew_at_log_in(ilze: Signing) -> None:
    database = ilze.crm.kernel.database
    identity = ilze.crm.kernel.identity
    hasher: Any = identity.passwords
    today, hasher._hasher = hasher._hasher, type(hasher._hasher)(time_cost=1, memory_cost=8, parallelism=1)
    await identity.set_password("ilze", PASSWORD)
    before = await secrets.get(database, ilze.user, secrets.PASSWORD)
    hasher._hasher = today
    assert await ilze.open()
    after = await secrets.get(database, ilze.user, secrets.PASSWORD)
    assert before is not None
    assert after is not None
    assert (identity.passwords.is_outdated(before), identity.passwords.is_outdated(after)) == (True, False)


@pytest.mark.contract("security.md#password-ends-sessions")
async def test_changing_the_password_ends_the_others(ilze: Signing) -> None:
    mine, other = await ilze.open(), await ilze.open()
    session = await ilze.sessions.by_id.find(mine)
    assert session is not None
    body = {"current": PASSWORD, "new": OTHER}
    opened = await ilze.log_in.change_password(body, session, "1.2.3.4")
    assert [await ilze.holds(id) for id in (mine, other, opened.id)] == [False, False, True]
    assert opened.who["csrf"] == session.csrf
    assert (await refusal(ilze.open())).code == "unauthenticated"
    assert await ilze.open(OTHER)


async def test_a_change_of_the_password_needs_the_one_before_and_a_good_one(ilze: Signing) -> None:
    id = await ilze.open()
    session = await ilze.sessions.by_id.find(id)
    assert session is not None

    async def faults(current: str, new: str) -> Any:
        return (await refusal(ilze.log_in.change_password({"current": current, "new": new}, session, "p"))).faults

    assert await faults("wrong", OTHER) == [("/current", "const")]
    assert await faults(PASSWORD, "ilze-ilze-2026") == [("/new", "not")]
    assert await ilze.holds(id)


@pytest.mark.contract("security.md#password-ends-sessions")
async def test_a_password_that_an_operator_sets_ends_all_sessions(ilze: Signing) -> None:
    id = await ilze.open()
    await ilze.crm.kernel.identity.set_password("ilze", OTHER)
    assert not await ilze.holds(id)


@pytest.mark.contract("security.md#password-reset")
async def test_a_reset_is_used_once_and_stored_as_a_hash(ilze: Signing) -> None:
    before = await ilze.open()
    token = await ilze.crm.kernel.identity.reset_password("ilze")
    stored = await secrets.get(ilze.crm.kernel.database, ilze.user, secrets.RESET)
    assert stored == sha256(token.encode()).hexdigest()
    assert (await refusal(ilze.opened(reset=token, password="short"))).faults == [("/password", "minLength")]
    opened = await ilze.opened(reset=token, password=OTHER)
    assert (await ilze.holds(opened.id), await ilze.holds(before)) == (True, False)
    assert (await refusal(ilze.opened(reset=token, password=OTHER))).code == "unauthenticated"
    assert await ilze.open(OTHER)


@pytest.mark.contract("security.md#password-reset")
async def test_a_reset_that_is_old_replaced_or_of_another_is_worth_nothing(ilze: Signing) -> None:
    identity = ilze.crm.kernel.identity
    first, second = await identity.reset_password("ilze"), await identity.reset_password("ilze")
    assert (await refusal(ilze.opened(reset=first, password=OTHER))).code == "unauthenticated"
    refused = refusal(ilze.opened(login="ann", reset=second, password=OTHER))
    assert (await refused).code == "unauthenticated"
    ilze.crm.clock.advance(RESET_LIFETIME)
    assert (await refusal(ilze.opened(reset=second, password=OTHER))).code == "unauthenticated"
    third = await identity.reset_password("ilze")
    await identity.set_password("ilze", OTHER)
    assert (await refusal(ilze.opened(reset=third, password=PASSWORD))).code == "unauthenticated"
