"""Who is who: people, their tokens, and the callers they become (floor 7).

Tokens are kept as hashes only. Callers are kept in memory and dropped as soon as any process changed a user, a team,
a token or a session (`following.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from crm_kernel.callers import Caller, Shared
from crm_kernel.clock import moment_text
from crm_kernel.errors import Error
from crm_kernel.fields.moment import read_moment
from crm_kernel.operations.credentials import Credential, Credentials, new_secret, secret_hash
from crm_kernel.operations.last_use import LastUse
from crm_kernel.operations.people import TEAM, USER, People, Services, among
from crm_kernel.operations.teams import own_teams, with_below
from crm_kernel.storage import meta, shares, tokens
from crm_kernel.storage.ports import Tx
from crm_kernel.storage.records import Record
from crm_kernel.storage.shares import StoredShare
from crm_kernel.storage.tokens import StoredToken

TOKEN_PREFIX = "crm_"


class Identity(People):
    """Users, teams, tokens and callers of one kernel."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._use = LastUse(services, tokens.touch, "tokens")
        self.by_token = Credentials(services, self._look_up, self._use)
        """Finds the token that a text is."""

    async def close(self) -> None:
        """Write down when tokens were used last."""
        await self._use.close()

    # Callers --------------------------------------------------------------------------------------------------------

    async def caller_for_token(self, token: str, channel: str = "api") -> Caller | None:
        """The caller a token stands for now; None where it is unknown, revoked, expired or its user is disabled."""
        known = await self.by_token.find(token)
        if known is None or known.caller.channel == channel:
            return None if known is None else known.caller
        return msgspec.structs.replace(known.caller, channel=channel)

    async def _look_up(self, digest: bytes, now: datetime) -> Credential | None:
        token = await tokens.by_hash(self._services.database, digest.hex())
        if token is None or token.revoked_at is not None:
            return None
        expires = None if token.expires_at is None else read_moment(token.expires_at)
        user = await self.user_by_id(token.user)
        if (expires is not None and expires <= now) or user is None or not user["active"]:
            return None
        caller = await self.caller(user, "api")
        entities = None if token.entities is None else frozenset(token.entities)
        caller = msgspec.structs.replace(caller, read_only=token.read_only, entities=entities)
        until = good_until(caller, now)
        return Credential(token.id, caller, until if expires is None else min(expires, until), expires)

    async def caller_for(self, user: str, channel: str) -> Caller:
        """A user by id or login, as a caller with all his rights. Raises `Error`: not_found, forbidden (disabled)."""
        found = await self.user_by_id(user) or await self.user(user)
        if not found["active"]:
            raise Error("forbidden", f"The user {found['login']!r} is disabled.")
        return await self.caller(found, channel)

    async def caller(self, user: Record, channel: str) -> Caller:
        """A user record as a caller with all his rights, as they are today."""
        shared = await shares.of_users(self._services.database, [user["id"]])
        return self._caller(user, channel, await self._parents(), shared)

    async def holders(self, roles: Iterable[str]) -> dict[str, list[Caller]]:
        """The active users who hold each of some roles, as callers."""
        wanted, services = set(roles), self._services
        model = services.registry.entities[USER]
        alive = "t.deleted_at IS NULL AND t.active"
        users = [
            user
            for user in await services.store.records.load_where(services.database, model, alive)
            if wanted & set(user["roles"] or ())
        ]
        shared: dict[str, list[StoredShare]] = {user["id"]: [] for user in users}
        for share in await shares.of_users(services.database, shared):
            shared[share.user].append(share)
        parents = await self._parents()
        found: dict[str, list[Caller]] = {}
        for caller in [self._caller(user, "api", parents, shared[user["id"]]) for user in users]:
            for role in caller.roles & wanted:
                found.setdefault(role, []).append(caller)
        return found

    def _caller(
        self,
        user: Record,
        channel: str,
        parents: Mapping[str, str | None],
        shared: Sequence[StoredShare],
    ) -> Caller:
        app = self._services.settings.app
        zone = user["timezone"] or app.timezone
        today = self._services.clock.now().astimezone(_zone(zone)).date().isoformat()
        return Caller(
            id=user["id"],
            login=user["login"],
            name=user["name"],
            roles=frozenset(user["roles"] or ()),
            team=user["team"] if user["team"] in parents else None,
            teams=with_below(own_teams(user, today), parents),
            shares=shared_alike(shared, self._services.clock.now()),
            timezone=zone,
            locale=user["locale"] or app.locale,
            channel=channel,
        )

    async def _parents(self) -> dict[str, str | None]:
        records, database = self._services.store.records, self._services.database
        teams = await records.load_where(database, self._services.registry.entities[TEAM], "t.deleted_at IS NULL")
        return {team["id"]: team["parent"] for team in teams}

    # Tokens ---------------------------------------------------------------------------------------------------------

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
        user = await self.user(login)
        known, now = self._services.registry.entities, self._services.clock.now()
        for entity in entities or ():
            if entity not in known:
                raise Error("bad_value", f"There is no entity {entity!r};{among(entity, known)}")
        if expires_at is not None and expires_at <= now:
            raise Error("bad_value", f"The token would expire at {moment_text(expires_at)}, which is over.")
        text = new_secret(TOKEN_PREFIX)
        scope = None if entities is None else tuple(dict.fromkeys(entities))
        id = self._services.store.new_id()
        expires = None if expires_at is None else moment_text(expires_at)
        token = StoredToken(id, user["id"], name, secret_hash(text), read_only, scope, expires, moment_text(now))

        async def work(tx: Tx) -> None:
            await tokens.add(tx, token)
            await meta.bump_epoch(tx)

        await self._services.database.write(work)
        return id, text

    async def tokens(self, login: str) -> list[dict[str, Any]]:
        """The tokens of a user that are not revoked, oldest first, without what they are proved by."""
        user = await self.user(login)
        found = await tokens.of_user(self._services.database, user["id"])
        return [{k: v for k, v in t._asdict().items() if k not in ("hash", "revoked_at")} for t in found]

    async def revoke(self, id: str, *, user: str | None = None) -> None:
        """End a token (with `user`: only one of his) at once, in every process. Raises `Error("not_found")`."""

        async def work(tx: Tx) -> bool:
            await meta.bump_epoch(tx)
            return await tokens.revoke(tx, id, self._services.clock.now_text(), user=user)

        if not await self._services.database.write(work):
            raise Error("not_found", f"There is no token {id!r} to revoke.", hint="`crm token list LOGIN` lists them.")


def _zone(name: str) -> tzinfo:
    """A zone by name; UTC for a name that a user record should not hold."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def shared_alike(shared: Iterable[StoredShare], now: datetime) -> tuple[Shared, ...]:
    """Shares in groups of those that give the same, without groups that are over at a moment."""
    alike: dict[tuple[Any, ...], list[tuple[str, datetime | None]]] = {}
    for share in shared:
        until = None if share.expires_at is None else read_moment(share.expires_at)
        kind = (share.entity, share.actions, share.readable, share.writable)
        alike.setdefault(kind, []).append((share.record, until))
    groups = (
        Shared(entity=entity, actions=actions, readable=readable, writable=writable, records=tuple(records))
        for (entity, actions, readable, writable), records in sorted(alike.items(), key=lambda item: item[0])
    )
    return tuple(group for group in groups if group.ids(now))


def good_until(caller: Caller, now: datetime) -> datetime:
    """Until when a caller stays as he is, whatever happens: memberships hold for days, shares until they end."""
    ends = (until for shared in caller.shares for _, until in shared.records if until is not None and until > now)
    return min([end_of_day(now, caller.timezone), *ends])


def end_of_day(now: datetime, zone: str) -> datetime:
    """The next midnight in a zone, in UTC: memberships hold for days."""
    tomorrow = now.astimezone(_zone(zone)).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), _zone(zone)).astimezone(UTC)
