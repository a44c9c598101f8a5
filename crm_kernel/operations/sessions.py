"""Sessions: people who signed in with a password, known again by the id that their browser keeps (floor 7).

Only hashes of ids are stored. An id is made at log-in and made anew when the rights of its user have changed; one that
is not known is nobody's and never becomes anybody's.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple, Protocol

import msgspec

from crm_kernel.callers import Caller
from crm_kernel.clock import moment_text
from crm_kernel.errors import Error
from crm_kernel.fields.moment import read_moment
from crm_kernel.operations.credentials import Credential, Credentials, manages, new_secret, secret_hash
from crm_kernel.operations.identity import Identity, good_until
from crm_kernel.operations.last_use import LastUse
from crm_kernel.operations.people import Services as PeopleServices
from crm_kernel.settings import Settings
from crm_kernel.storage import meta, sessions
from crm_kernel.storage.ports import Tx
from crm_kernel.storage.records import Record
from crm_kernel.storage.sessions import StoredSession

GRACE = timedelta(seconds=10)
"""How long the id before a rotation still holds: requests that were sent beside each other have it."""

MAX_AGENT = 200


class Services(PeopleServices, Protocol):
    """What sessions need of their kernel."""

    @property
    def identity(self) -> Identity: ...
    @property
    def secret(self) -> str: ...
    @property
    def settings(self) -> Settings: ...


class Browser(NamedTuple):
    """Where a log-in comes from: the address of the peer, what it calls itself, the session id it had before."""

    peer: str
    agent: str | None = None
    former: str | None = None


class Opened(NamedTuple):
    """A session id, told this once, and who it stands for."""

    id: str
    who: dict[str, Any]


class Sessions:
    """The sessions of one kernel."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._times = services.settings.sessions
        self._use = LastUse(services, sessions.touch, "sessions")
        self.by_id = Credentials(services, self._look_up, self._use)
        """Finds the session that an id is of."""

    async def close(self) -> None:
        """Write down when sessions were used last."""
        await self._use.close()

    async def prune(self) -> None:
        """Remove the sessions that have ended by themselves."""
        now = self._services.clock.now()
        unused = moment_text(now - self._times.idle - timedelta(hours=1))  # uses are noted a while later
        expired = moment_text(now)
        await self._services.database.write(lambda tx: sessions.prune(tx, expired=expired, unused=unused))

    # Finding --------------------------------------------------------------------------------------------------------

    async def _look_up(self, digest: bytes, now: datetime) -> Credential | None:
        session = await sessions.by_hash(self._services.database, digest.hex())
        if session is None:
            return None
        ends = read_moment(session.expires_at)
        if session.hash != digest.hex():
            ends = min(ends, read_moment(session.rotated_at or session.created_at) + GRACE)
        seen = max(read_moment(session.seen_at), self._use.of(session.id) or now - self._times.lifetime)
        user = await self._services.identity.user_by_id(session.user)
        if ends <= now or seen + self._times.idle <= now or user is None or not user["active"]:
            return None
        caller = await self._services.identity.caller(user, "api")
        rights, renewed = self.rights(user), None
        if rights != session.rights and session.hash == digest.hex():
            renewed = await self._rotate(session, rights)
        until = min(ends, now + self._times.idle, good_until(caller, now))
        return Credential(session.id, caller, until, csrf=self._csrf(session.id), renewed=renewed)

    async def _rotate(self, session: StoredSession, rights: str) -> str | None:
        """Another id for a session; None where another request was first."""
        id = new_secret()

        async def work(tx: Tx) -> bool:
            await meta.bump_epoch(tx)
            at = self._services.clock.now_text()
            return await sessions.rotate(tx, session, secret_hash(id), rights=rights, at=at, keep_former=True)

        return id if await self._services.database.write(work) else None

    def rights(self, user: Record) -> str:
        """A digest of what gives a user his rights: his roles with all they grant, and his teams."""
        declared, roles = self._services.registry.declarations, sorted(user["roles"] or ())
        granted = [declared["role", role].body if ("role", role) in declared else None for role in roles]
        return sha256(msgspec.json.encode([roles, granted, user["team"], user["teams"]])).hexdigest()

    def _csrf(self, session: str) -> str:
        text = f"csrf\0{session}".encode()
        return hmac.digest(self._services.secret.encode(), text, "sha256").hex()

    # Beginning and ending -------------------------------------------------------------------------------------------

    async def open(self, tx: Tx, user: Record, browser: Browser) -> str:
        """Begin a session inside a transaction, and end the one that the browser had; the new id."""
        id, now = new_secret(), self._services.clock.now()
        agent = "".join(filter(str.isprintable, browser.agent or ""))[:MAX_AGENT] or None
        session = StoredSession(
            id=self._services.store.new_id(),
            hash=secret_hash(id),
            user=user["id"],
            created_at=moment_text(now),
            seen_at=moment_text(now),
            expires_at=moment_text(now + self._times.lifetime),
            agent=agent,
            rights=self.rights(user),
        )
        await sessions.add(tx, session)
        if browser.former is not None and await sessions.end_by_hash(tx, secret_hash(browser.former)):
            await meta.bump_epoch(tx)
        return id

    async def renew(self, tx: Tx, session: Credential, user: Record) -> str:
        """Another id for a session at once, inside a transaction; the one before is worth nothing."""
        id, at = new_secret(), self._services.clock.now_text()
        stored = await sessions.by_id(tx, session.id)
        if stored is None:
            raise Error("unauthenticated", "The session has ended meanwhile.")
        await sessions.rotate(tx, stored, secret_hash(id), rights=self.rights(user), at=at, keep_former=False)
        return id

    async def opened(self, id: str) -> Opened:
        """A session that has just begun."""
        credential = await self.by_id.find(id)
        if credential is None:
            raise Error("unauthenticated", "The session has ended already.")
        return Opened(id, who(credential))

    async def listed(self, caller: Caller, current: Credential) -> list[dict[str, Any]]:
        """The sessions of a caller that have not ended, newest first. Raises `Error("forbidden")`."""
        manages(caller, changing=False)
        now = self._services.clock.now()
        found = await sessions.of_user(self._services.database, str(caller.id))
        return [
            {
                "id": session.id,
                "created_at": session.created_at,
                "seen_at": moment_text(seen),
                "expires_at": session.expires_at,
                "agent": session.agent,
                "current": session.id == current.id,
            }
            for session in found
            if (seen := self._use.of(session.id) or read_moment(session.seen_at)) + self._times.idle > now
            and read_moment(session.expires_at) > now
        ]

    async def end(self, caller: Caller, id: str) -> None:
        """End a session of a caller at once, in every process.

        Raises `Error`: forbidden, read_only_token, not_found.
        """
        manages(caller, changing=True)

        async def work(tx: Tx) -> bool:
            await meta.bump_epoch(tx)
            return await sessions.end(tx, id, user=str(caller.id))

        if not await self._services.database.write(work):
            raise Error("not_found", f"You have no session {id}.", hint="GET /api/sessions lists them.")


def who(credential: Credential) -> dict[str, Any]:
    """Who somebody is, as `GET /api/session` answers it."""
    caller = credential.caller
    user = {
        "id": caller.id,
        "login": caller.login,
        "name": caller.name,
        "team": caller.team,
        "locale": caller.locale,
        "timezone": caller.timezone,
    }
    return {"user": user, "teams": list(caller.teams), "roles": sorted(caller.roles), "csrf": credential.csrf}
