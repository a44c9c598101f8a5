"""Logging in, setting a password anew, changing it: all that proves who somebody is by a secret of his (floor 7)."""

from __future__ import annotations

import hmac
from datetime import timedelta
from typing import NamedTuple, Protocol
from uuid import UUID

from crm_kernel.errors import Error, Fault
from crm_kernel.fields.moment import read_moment
from crm_kernel.operations.attempts import Attempts
from crm_kernel.operations.credentials import Credential, secret_hash
from crm_kernel.operations.members import Members
from crm_kernel.operations.passwords import refuse_weak
from crm_kernel.operations.people import secret_lock
from crm_kernel.operations.sessions import Browser, Opened, Sessions
from crm_kernel.operations.sessions import Services as SessionServices
from crm_kernel.storage import secrets
from crm_kernel.storage.ports import Tx
from crm_kernel.storage.records import Record

RESET_LIFETIME = timedelta(hours=24)
"""How long a token that sets a password anew may be used."""

_MAX_LOGIN = 100
_MAX_PASSWORD = 1024
_NOBODY = str(UUID(int=0))
"""The id that is looked for where nobody has a log-in: the same statements as for somebody."""


class Services(SessionServices, Protocol):
    """What this needs of its kernel."""

    @property
    def sessions(self) -> Sessions: ...


class _Known(NamedTuple):
    """Who has a log-in; None where nobody has, or he may not sign in."""

    id: str
    user: Record | None


class LogIn:
    """Proves who somebody is. Attempts are counted before it is known whether they are right."""

    def __init__(self, services: Services, attempts: Attempts) -> None:
        self._services = services
        self._attempts = attempts

    async def with_body(self, body: object, browser: Browser) -> Opened:
        """Begin a session with `{"login", "password"}`, or with `{"login", "reset", "password"}` and a new password.

        Raises `Error`: invalid, rate_limited, unauthenticated, busy.
        """
        members = Members(body, ("login", "password", "reset"))
        login, password = members.text("login", _MAX_LOGIN), members.text("password", _MAX_PASSWORD)
        token = members.text("reset", _MAX_PASSWORD) if "reset" in members else None
        members.check()
        await self._attempts.count(login, browser.peer)
        if token is None:
            return await self._log_in(login, password, browser)
        return await self._reset(login, token, password, browser)

    async def _log_in(self, login: str, password: str, browser: Browser) -> Opened:
        passwords, database = self._services.identity.passwords, self._services.database
        id, user = await self._known(login)
        stored = await secrets.get(database, id, secrets.PASSWORD)
        right = await passwords.verify(stored, password)
        if not right or user is None or stored is None:
            raise Error("unauthenticated", "The log-in or the password is wrong.", hint="Check both, and try again.")
        newer = await passwords.hash(password) if passwords.is_outdated(stored) else None

        async def work(tx: Tx) -> str:
            await tx.lock(secret_lock(id))
            if await secrets.get(tx, id, secrets.PASSWORD) != stored:
                raise Error("unauthenticated", "The password was changed meanwhile.")
            if newer is not None:
                await secrets.put(tx, id, secrets.PASSWORD, newer, self._services.clock.now_text())
            await self._attempts.forgive(tx, login, browser.peer)
            return await self._services.sessions.open(tx, user, browser)

        return await self._services.sessions.opened(await database.write(work))

    async def _reset(self, login: str, token: str, password: str, browser: Browser) -> Opened:
        id, user = await self._known(login)
        stored = await secrets.stored(self._services.database, id, secrets.RESET)
        hashed, now = secret_hash(token), self._services.clock.now()
        fresh = stored is not None and now < read_moment(stored.updated_at) + RESET_LIFETIME
        right = hmac.compare_digest(hashed, "" if stored is None else stored.hash)
        if not (fresh and right) or user is None:
            raise _unusable()
        refuse_weak(password, self._services.identity.context(user))
        made = await self._services.identity.passwords.hash(password)

        async def work(tx: Tx) -> str:
            await tx.lock(secret_lock(id))
            if not await secrets.remove(tx, id, secrets.RESET, hashed):
                raise _unusable()
            await self._services.identity.put_password(tx, id, made)
            await self._attempts.forgive(tx, login, browser.peer)
            return await self._services.sessions.open(tx, user, browser)

        return await self._services.sessions.opened(await self._services.database.write(work))

    async def change_password(self, body: object, session: Credential, peer: str) -> Opened:
        """Change the password of who is signed in by `{"current", "new"}`; his other sessions end.

        Raises `Error`: invalid, rate_limited, busy.
        """
        members = Members(body, ("current", "new"))
        current, new = members.text("current", _MAX_PASSWORD), members.text("new", _MAX_PASSWORD)
        members.check()
        services, login = self._services, session.caller.login or ""
        await self._attempts.count(login, peer)
        id, user = await self._known(login)
        stored = await secrets.get(services.database, id, secrets.PASSWORD)
        if not await services.identity.passwords.verify(stored, current) or user is None:
            raise Error("invalid", faults=[Fault(pointer="/current", code="const", detail="It is not your password.")])
        refuse_weak(new, services.identity.context(user), "/new")
        made = await services.identity.passwords.hash(new)

        async def work(tx: Tx) -> str:
            await tx.lock(secret_lock(id))
            if await secrets.get(tx, id, secrets.PASSWORD) != stored:
                raise Error("unauthenticated", "The password was changed meanwhile.")
            await services.identity.put_password(tx, id, made, but=session.id)
            await self._attempts.forgive(tx, login, peer)
            return await services.sessions.renew(tx, session, user)

        return await services.sessions.opened(await services.database.write(work))

    async def _known(self, login: str) -> _Known:
        identity = self._services.identity
        id = await identity.id_of(login) or _NOBODY
        user = await identity.user_by_id(id)
        return _Known(id, user if user is not None and user["active"] else None)


def _unusable() -> Error:
    hint = "`crm user reset-password LOGIN` makes a new one."
    return Error("unauthenticated", "The reset token is not valid, or not valid any more.", hint=hint)
