"""Who is who: users and teams (records like any other), their passwords and tokens, and the callers they become.

Passwords and tokens are kept as hashes only. Callers are kept in memory and dropped as soon as any process changed a
user, a team or a token: each look asks the database for its data version, and only where that moved for the epoch.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta, tzinfo
from hashlib import sha256
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from argon2 import PasswordHasher

from crm_kernel.callers import Caller, system
from crm_kernel.clock import Clock, moment_text
from crm_kernel.errors import Error, Fault, near
from crm_kernel.fields.base import Faulty
from crm_kernel.fields.moment import read_moment
from crm_kernel.operations.changes import AnyChange, Change
from crm_kernel.operations.outcomes import Outcome
from crm_kernel.operations.teams import own_teams, with_below
from crm_kernel.operations.token_use import TokenUse
from crm_kernel.operations.write import Writer
from crm_kernel.registry import Registry
from crm_kernel.settings import Settings
from crm_kernel.storage import meta, tokens
from crm_kernel.storage import secrets as stored_secrets
from crm_kernel.storage.ports import Database, Tx
from crm_kernel.storage.records import Record
from crm_kernel.storage.store import Store
from crm_kernel.storage.tokens import StoredToken

TOKEN_PREFIX = "crm_"
TOKEN_BYTES = 32

_USER = "user"
_TEAM = "team"


class Services(Protocol):
    """What identity needs of its kernel."""

    @property
    def registry(self) -> Registry: ...
    @property
    def writer(self) -> Writer: ...
    @property
    def store(self) -> Store: ...
    @property
    def database(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def settings(self) -> Settings: ...


class _Known(NamedTuple):
    """A token that was looked up: its id, its caller, and until when both hold (its end, or that of his day)."""

    id: str
    caller: Caller
    until: datetime


def token_hash(token: str) -> str:
    """What is stored of a token. It holds 256 random bits, so a plain hash cannot be turned back."""
    return sha256(token.encode()).hexdigest()


class Identity:
    """Users, teams, passwords and tokens of one kernel."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._hasher = PasswordHasher()
        self._known: dict[bytes, _Known] = {}
        self._data_version = -1
        self._epoch = -1
        self._use = TokenUse(services)

    async def close(self) -> None:
        """Write down when tokens were used last."""
        await self._use.flush()

    # Callers --------------------------------------------------------------------------------------------------------

    async def caller_for_token(self, token: str, channel: str = "api") -> Caller | None:
        """The caller a token stands for now; None where it is unknown, revoked, expired or its user is disabled."""
        await self._forget_old()
        digest = sha256(token.encode()).digest()
        now = self._services.clock.now()
        known = self._known.get(digest)
        if known is None or known.until <= now:
            known = await self._look_up(digest, now)
            if known is None:
                return None
            self._known[digest] = known
        self._use.note(known.id, now)
        if known.caller.channel == channel:
            return known.caller
        return msgspec.structs.replace(known.caller, channel=channel)

    async def _forget_old(self) -> None:
        version = self._services.database.data_version()
        if version != self._data_version:
            epoch = await meta.epoch(self._services.database)
            if epoch != self._epoch:
                self._known.clear()
            self._data_version, self._epoch = version, epoch

    async def _look_up(self, digest: bytes, now: datetime) -> _Known | None:
        token = await tokens.by_hash(self._services.database, digest.hex())
        if token is None or token.revoked_at is not None:
            return None
        expires = None if token.expires_at is None else read_moment(token.expires_at)
        user = await self._user_by_id(token.user)
        if (expires is not None and expires <= now) or user is None or not user["active"]:
            return None
        caller = await self._caller(user, "api")
        entities = None if token.entities is None else frozenset(token.entities)
        caller = msgspec.structs.replace(caller, read_only=token.read_only, entities=entities)
        midnight = _end_of_day(now, caller.timezone)
        return _Known(token.id, caller, midnight if expires is None else min(expires, midnight))

    async def caller_for(self, user: str, channel: str) -> Caller:
        """A user by id or login, as a caller with all his rights. Raises `Error`: not_found, forbidden (disabled)."""
        found = await self._user_by_id(user) or await self._user(user)
        if not found["active"]:
            raise Error("forbidden", f"The user {found['login']!r} is disabled.")
        return await self._caller(found, channel)

    async def _caller(self, user: Record, channel: str) -> Caller:
        app = self._services.settings.app
        zone = user["timezone"] or app.timezone
        today = self._services.clock.now().astimezone(_zone(zone)).date().isoformat()
        parents = await self._parents()
        return Caller(
            id=user["id"],
            login=user["login"],
            name=user["name"],
            roles=frozenset(user["roles"] or ()),
            team=user["team"] if user["team"] in parents else None,
            teams=with_below(own_teams(user, today), parents),
            timezone=zone,
            locale=user["locale"] or app.locale,
            channel=channel,
        )

    async def _parents(self) -> dict[str, str | None]:
        records, database = self._services.store.records, self._services.database
        teams = await records.load_where(database, self._services.registry.entities[_TEAM], "t.deleted_at IS NULL")
        return {team["id"]: team["parent"] for team in teams}

    # Users and teams ------------------------------------------------------------------------------------------------

    async def add_user(
        self,
        login: str,
        *,
        name: str | None = None,
        email: str | None = None,
        roles: list[str] | None = None,
        team: str | None = None,
        password: str | None = None,
    ) -> Record:
        """A new user with his password; `team` is an id or a name. Raises `Error`: invalid, unique, not_found."""
        self._check_roles(roles or [])
        values = {"login": login, "name": name or login, "email": email, "roles": roles or []}
        if team is not None:
            values["team"] = await self._team_id(team)
        hashed = None if password is None else await self._hash(password)

        async def keep(tx: Tx, outcomes: list[Outcome]) -> None:
            if hashed is not None:
                await self._put_password(tx, str(outcomes[0].id), hashed)

        change: AnyChange = Change.create(_USER, {k: v for k, v in values.items() if v is not None})
        return await self._write(change, keep)

    async def disable(self, login: str) -> Record:
        """Refuse a user from now on, with all his tokens; his records stay."""
        user = await self._user(login)
        return await self._write(Change.update(_USER, user["id"], {"active": False}))

    async def set_password(self, login: str, password: str) -> None:
        """Set or replace a user's password."""
        user, hashed = await self._user(login), await self._hash(password)
        await self._services.database.write(lambda tx: self._put_password(tx, user["id"], hashed))

    async def add_team(self, name: str, *, parent: str | None = None, lead: str | None = None) -> Record:
        """A new team; `parent` is the id or name of a team, `lead` a login. Raises `Error`: invalid, not_found."""
        values: dict[str, Any] = {"name": name}
        if parent is not None:
            values["parent"] = await self._team_id(parent)
        if lead is not None:
            values["lead"] = (await self._user(lead))["id"]
        return await self._write(Change.create(_TEAM, values))

    async def _write(self, change: AnyChange, also: Any = None) -> Record:
        outcomes = await self._services.writer.write([change], system("cli"), also=also)
        return outcomes[0].record or {}

    def _check_roles(self, roles: list[str]) -> None:
        known = self._services.registry.roles
        faults = [
            Fault(pointer=f"/roles/{i}", code="role", detail=f"There is no role {role!r};{_known(role, known)}")
            for i, role in enumerate(roles)
            if role not in known
        ]
        if faults:
            raise Error("invalid", faults=faults, hint="Roles come from plugins and from documents of kind role.")

    async def _user_by_id(self, id: str) -> Record | None:
        model = self._services.registry.entities[_USER]
        found = await self._services.store.records.load(self._services.database, model, [id])
        return found[0] if found and found[0]["deleted_at"] is None else None

    async def _user(self, login: str) -> Record:
        id = await self._find(_USER, "login", login)
        found = None if id is None else await self._user_by_id(id)
        if found is None:
            raise Error("not_found", f"There is no user {login!r}.", hint="`crm user list` lists them.")
        return found

    async def _team_id(self, team: str) -> str:
        id = await self._find(_TEAM, "id", team) or await self._find(_TEAM, "name", team)
        if id is None:
            raise Error("not_found", f"There is no team {team!r}.", hint="`crm team list` lists them.")
        return id

    async def _find(self, entity: str, field: str, value: str) -> str | None:
        registry = self._services.registry
        model = registry.entities[entity]
        try:
            key = model.fields[field].type.canonical(value, registry.value_context)
        except Faulty:
            return None
        found = await self._services.store.records.find_by_key(self._services.database, model, (field,), [(key,)])
        return found.get((key,))

    # Passwords and tokens -------------------------------------------------------------------------------------------

    async def _hash(self, password: str) -> str:
        if not password:
            raise Error(
                "invalid", faults=[Fault(pointer="/password", code="minLength", detail="The password is empty.")]
            )
        return await asyncio.to_thread(self._hasher.hash, password)  # slow on purpose

    async def _put_password(self, tx: Tx, user: str, hashed: str) -> None:
        await stored_secrets.put(tx, user, stored_secrets.PASSWORD, hashed, self._services.clock.now_text())

    async def create_token(
        self,
        login: str,
        name: str,
        *,
        read_only: bool = False,
        entities: list[str] | None = None,
        expires_at: datetime | None = None,
    ) -> tuple[str, str]:
        """A new token of a user: its id, and its text, which is told this once and stored as a hash.

        `expires_at` is an aware moment. Raises `Error`: not_found (user), bad_value (entity, a moment that is over).
        """
        user = await self._user(login)
        known, now = self._services.registry.entities, self._services.clock.now()
        for entity in entities or ():
            if entity not in known:
                raise Error("bad_value", f"There is no entity {entity!r};{_known(entity, known)}")
        if expires_at is not None and expires_at <= now:
            raise Error("bad_value", f"The token would expire at {moment_text(expires_at)}, which is over.")
        text = TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
        scope = None if entities is None else tuple(dict.fromkeys(entities))
        id = self._services.store.new_id()
        expires = None if expires_at is None else moment_text(expires_at)
        token = StoredToken(id, user["id"], name, token_hash(text), read_only, scope, expires, moment_text(now))

        async def work(tx: Tx) -> None:
            await tokens.add(tx, token)
            await meta.bump_epoch(tx)

        await self._services.database.write(work)
        return id, text

    async def tokens(self, login: str) -> list[dict[str, Any]]:
        """The tokens of a user that are not revoked, oldest first, without what they are proved by."""
        user = await self._user(login)
        found = await tokens.of_user(self._services.database, user["id"])
        return [{k: v for k, v in t._asdict().items() if k not in ("hash", "revoked_at")} for t in found]

    async def revoke(self, id: str) -> None:
        """End a token at once, in every process. Raises `Error("not_found")`."""

        async def work(tx: Tx) -> bool:
            await meta.bump_epoch(tx)
            return await tokens.revoke(tx, id, self._services.clock.now_text())

        if not await self._services.database.write(work):
            raise Error("not_found", f"There is no token {id!r} to revoke.", hint="`crm token list LOGIN` lists them.")


def _known(name: str, names: Iterable[str]) -> str:
    return near(name, names) or f" there are {', '.join(sorted(names))}."


def _zone(name: str) -> tzinfo:
    """A zone by name; UTC for a name that a user record should not hold."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def _end_of_day(now: datetime, zone: str) -> datetime:
    """The next midnight in a zone, in UTC: memberships hold for days."""
    tomorrow = now.astimezone(_zone(zone)).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), _zone(zone)).astimezone(UTC)
