"""Users and teams: records like any other, written through the write door; and passwords, kept as hashes (floor 7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from crm_kernel.callers import system
from crm_kernel.clock import Clock
from crm_kernel.errors import Error, Fault, near
from crm_kernel.fields.base import Faulty
from crm_kernel.operations.changes import AnyChange, Change
from crm_kernel.operations.credentials import new_secret, secret_hash
from crm_kernel.operations.following import Following
from crm_kernel.operations.outcomes import Outcome
from crm_kernel.operations.passwords import Passwords, refuse_weak
from crm_kernel.operations.write import Writer
from crm_kernel.registry import Registry
from crm_kernel.settings import Settings
from crm_kernel.storage import meta, secrets, sessions
from crm_kernel.storage.ports import Database, Tx
from crm_kernel.storage.records import Record
from crm_kernel.storage.store import Store

RESET_PREFIX = "reset_"

USER = "user"
TEAM = "team"


class Services(Protocol):
    """What people and their tokens need of their kernel."""

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
    @property
    def following(self) -> Following: ...


class People:
    """The users and teams of one kernel."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.passwords = Passwords()

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
        hashed = None
        if password is not None:
            refuse_weak(password, self.context(values))
            hashed = await self.passwords.hash(password)

        async def keep(tx: Tx, outcomes: list[Outcome]) -> None:
            if hashed is not None:
                await self.put_password(tx, str(outcomes[0].id), hashed)

        change: AnyChange = Change.create(USER, {k: v for k, v in values.items() if v is not None})
        return await self._write(change, keep)

    async def disable(self, login: str) -> Record:
        """Refuse a user from now on, with all his tokens; his records stay."""
        user = await self.user(login)
        return await self._write(Change.update(USER, user["id"], {"active": False}))

    async def set_password(self, login: str, password: str) -> None:
        """Set or replace a user's password; all his sessions end. Raises `Error`: not_found, invalid."""
        user = await self.user(login)
        refuse_weak(password, self.context(user))
        hashed = await self.passwords.hash(password)
        await self._services.database.write(lambda tx: self.put_password(tx, user["id"], hashed))

    async def reset_password(self, login: str) -> str:
        """A text that lets a user set a password of his own, once, within a day; an earlier one is worth nothing.

        It is told this once and stored as a hash. Raises `Error("not_found")`.
        """
        user, text = await self.user(login), new_secret(RESET_PREFIX)
        at = self._services.clock.now_text()
        await self._services.database.write(
            lambda tx: secrets.put(tx, user["id"], secrets.RESET, secret_hash(text), at)
        )
        return text

    def context(self, user: Mapping[str, Any]) -> list[str]:
        """What everybody knows of a user, so that his password may not be made of it."""
        return [str(user["login"]), str(user["name"]), self._services.settings.app.name]

    async def put_password(self, tx: Tx, user: str, hashed: str, *, but: str = "") -> None:
        """Store the hash of a password; a reset is worth nothing after, and all sessions (`but` one) end."""
        await tx.lock(secret_lock(user))
        await secrets.put(tx, user, secrets.PASSWORD, hashed, self._services.clock.now_text())
        await secrets.remove(tx, user, secrets.RESET)
        await sessions.end_all(tx, [user], but=but)
        await meta.bump_epoch(tx)

    async def add_team(self, name: str, *, parent: str | None = None, lead: str | None = None) -> Record:
        """A new team; `parent` is the id or name of a team, `lead` a login. Raises `Error`: invalid, not_found."""
        values: dict[str, Any] = {"name": name}
        if parent is not None:
            values["parent"] = await self._team_id(parent)
        if lead is not None:
            values["lead"] = (await self.user(lead))["id"]
        return await self._write(Change.create(TEAM, values))

    async def _write(self, change: AnyChange, also: Any = None) -> Record:
        outcomes = await self._services.writer.write([change], system("cli"), also=also)
        return outcomes[0].record or {}

    def _check_roles(self, roles: list[str]) -> None:
        known = self._services.registry.roles
        faults = [
            Fault(pointer=f"/roles/{i}", code="role", detail=f"There is no role {role!r};{among(role, known)}")
            for i, role in enumerate(roles)
            if role not in known
        ]
        if faults:
            raise Error("invalid", faults=faults, hint="Roles come from plugins and from documents of kind role.")

    async def user_by_id(self, id: str) -> Record | None:
        """A live user, None where there is none of this id."""
        model = self._services.registry.entities[USER]
        found = await self._services.store.records.load(self._services.database, model, [id])
        return found[0] if found and found[0]["deleted_at"] is None else None

    async def id_of(self, login: str) -> str | None:
        """The id of the user with this log-in, None where there is none."""
        return await self._find(USER, "login", login)

    async def user(self, login: str) -> Record:
        """A live user by his login. Raises `Error("not_found")`."""
        id = await self.id_of(login)
        found = None if id is None else await self.user_by_id(id)
        if found is None:
            raise Error("not_found", f"There is no user {login!r}.", hint="`crm user list` lists them.")
        return found

    async def _team_id(self, team: str) -> str:
        id = await self._find(TEAM, "id", team) or await self._find(TEAM, "name", team)
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


def secret_lock(user: str) -> str:
    """The lock of who sets a password, or opens a session by one: no session outlives the password it came from."""
    return f"crm:secret:{user}"


def among(name: str, names: Iterable[str]) -> str:
    """What to say after an unknown name: the nearest of the known ones, or all of them."""
    return near(name, names) or f" there are {', '.join(sorted(names))}."
