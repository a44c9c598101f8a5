"""Single records shared with users: listed, given and ended by who has the action `share` on them (floor 7).

A share gives what its giver has on that row at the time, and is a grant of the row from then on (`access.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from crm_kernel.access import ALWAYS_READABLE, MOVE_FIELDS, Access, Grant, not_found
from crm_kernel.callers import Caller, read_only
from crm_kernel.clock import Clock, moment_text
from crm_kernel.errors import Error, near
from crm_kernel.filters.expression import Expression
from crm_kernel.filters.scope import NOTHING
from crm_kernel.model import EntityModel
from crm_kernel.operations.identity import Identity
from crm_kernel.operations.members import Members
from crm_kernel.operations.outcomes import Also, Outcome
from crm_kernel.operations.people import USER
from crm_kernel.operations.record_reader import RecordReader
from crm_kernel.registry import Registry
from crm_kernel.storage import meta, shares
from crm_kernel.storage.ports import Database, Tx
from crm_kernel.storage.shares import StoredShare
from crm_kernel.storage.store import Store

NOT_SHARED = frozenset({"create", "import", "admin"})
"""Actions that no single record can be shared for."""

MAX_NAME = 200


class Services(Protocol):
    """What this needs of its kernel."""

    @property
    def registry(self) -> Registry: ...
    @property
    def reader(self) -> RecordReader: ...
    @property
    def identity(self) -> Identity: ...
    @property
    def database(self) -> Database: ...
    @property
    def store(self) -> Store: ...
    @property
    def clock(self) -> Clock: ...


class Held(NamedTuple):
    """What somebody has on one row that he can pass on: actions, and fields to read and to write."""

    actions: frozenset[str]
    readable: frozenset[str]
    writable: frozenset[str]


class Shares:
    """The shares of single records."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def listed(self, entity: str, id: str, caller: Caller) -> list[dict[str, Any]]:
        """The shares of a visible record, oldest first. Raises `Error`: not_found, forbidden (without `share`)."""
        await self._held(entity, id, caller)
        found = await shares.of_record(self._services.database, entity, id)
        return await self._told(found, entity, caller)

    async def give(
        self, entity: str, id: str, body: object, caller: Caller, *, also: Also | None = None
    ) -> dict[str, Any]:
        """A new share by `{"user", "actions"?, "fields"?: {"read"?, "write"?}, "expires_at"?}`, as `listed` tells it.

        Nobody gives what he has not. `also` runs in the same transaction, with the share as its outcome.

        Raises `Error`: not_found, forbidden, read_only_token, invalid (with `reference` for a user who is not there or
        is disabled).
        """
        if caller.read_only:
            raise read_only()
        held = await self._held(entity, id, caller)
        model, now = self._services.registry.entities[entity], self._services.clock.now()
        members = Members(body, ("user", "actions", "fields", "expires_at"))
        user = await self._user(members)
        actions = dict.fromkeys(["read", *(members.texts("actions") or ())])
        for number, action in enumerate(members.texts("actions") or ()):
            if action not in held.actions:
                detail = f"You cannot share {action[:100]!r} on this {entity};{near(action[:100], held.actions)}"
                members.fault(("actions", number), "enum", detail)
        expires = members.moment("expires_at")
        if expires is not None and expires <= now:
            members.fault(("expires_at",), "minimum", "expires_at is over already.")
        fields = members.inner("fields", ("read", "write"))
        readable = _passed(fields, "read", held.readable, model)
        writable = _passed(fields, "write", held.writable, model) if "update" in actions else ()
        members.check()
        share = StoredShare(
            self._services.store.new_id(), entity, id, user, tuple(actions), readable, writable,
            None if expires is None else moment_text(expires), moment_text(now), caller.id,
        )  # fmt: skip

        told = (await self._told([share], entity, caller))[0]

        async def work(tx: Tx) -> None:
            await shares.add(tx, share)
            await meta.bump_epoch(tx)
            if also is not None:
                made = Outcome(row=1, status=201, outcome="created", entity=entity, id=share.id, record=told)
                await also(tx, [made])

        await self._services.database.write(work)
        return told

    async def end(self, entity: str, id: str, share: str, caller: Caller, *, also: Also | None = None) -> None:
        """End a share at once, in every process; `also` as in `give`.

        Raises `Error`: not_found, forbidden, read_only_token.
        """
        if caller.read_only:
            raise read_only()
        await self._held(entity, id, caller)

        async def work(tx: Tx) -> bool:
            removed = await shares.remove(tx, share, entity, id)
            if removed:
                await meta.bump_epoch(tx)
                if also is not None:
                    await also(tx, [Outcome(row=1, status=204, outcome="deleted", entity=entity, id=share)])
            return removed

        if not await self._services.database.write(work):
            raise not_found("share", share)

    async def _user(self, members: Members) -> str:
        """The active user that the body names by id or login."""
        named, identity = members.text("user", MAX_NAME), self._services.identity
        if not named:
            return ""
        found = await identity.user_by_id(named) if _could_be_id(named) else None
        if found is None and (id := await identity.id_of(named)) is not None:
            found = await identity.user_by_id(id)
        if found is None or not found["active"]:
            members.fault(("user",), "reference", "There is no such user to share with.")
            return ""
        return str(found["id"])

    async def _held(self, entity: str, id: str, caller: Caller) -> Held:
        """What the caller has on a live record. Raises `Error`: not_found (hidden too), forbidden without `share`."""
        services = self._services
        access = services.reader.access(caller, entity)
        model = services.registry.entities[entity]
        actions = [a for a in services.registry.actions if a not in NOT_SHARED and access.allows(entity, a)]
        rules = list({e.text: e for e in _rules(access, entity, actions)}.values())
        rows = access.rows(entity) if access.allows(entity, "read") else NOTHING
        environment = services.registry.environment(caller, services.clock.now())
        loaded = await services.store.lookups.load_with_flags(
            services.database, model, [id] if _could_be_id(id) else [], rows, rules, environment
        )
        if id not in loaded or loaded[id][0]["deleted_at"] is not None:
            raise not_found(entity, id)
        true = {rule.text for rule, flag in zip(rules, loaded[id][1], strict=True) if flag}
        held = _held(access, model, actions, true)
        if "share" not in held.actions:
            raise Error("forbidden", f"You may not share this {entity}.")
        return held

    async def _told(self, found: Sequence[StoredShare], entity: str, caller: Caller) -> list[dict[str, Any]]:
        """Shares as they are answered: with the names of people and of fields that exist for the caller."""
        people = {id for share in found for id in (share.user, share.created_by) if id is not None}
        names = await self._services.reader.by_ids(USER, people, caller, fields=("name",)) if people else {}
        access = self._services.registry.access(caller)
        known = access.readable(entity) | access.writable(entity) | {"*"}

        def person(id: str | None) -> dict[str, Any] | None:
            return None if id is None else {"id": id, "name": names.get(id, {}).get("name")}

        return [
            {
                "id": share.id,
                "user": person(share.user),
                "actions": list(share.actions),
                "fields": {
                    "read": [name for name in share.readable if name in known],
                    "write": [name for name in share.writable if name in known],
                },
                "expires_at": share.expires_at,
                "created_at": share.created_at,
                "created_by": person(share.created_by),
            }
            for share in found
        ]


def _could_be_id(id: str) -> bool:
    return bool(id) and id.isascii() and id.isprintable()


def _rules(access: Access, entity: str, actions: Iterable[str]) -> Iterable[Expression]:
    """All that has to be known of a row to tell what is held on it."""
    for action in actions:
        for grant in access.grants(entity, action) or ():
            yield from (rule for rule in (grant.where, grant.check) if rule is not None)


def _held(access: Access, model: EntityModel, actions: Iterable[str], true: Collection[str]) -> Held:
    held: set[str] = set()
    readable: frozenset[str] = frozenset()
    writable: frozenset[str] = frozenset()
    for action in actions:
        grants = access.grants(model.name, action)
        if grants is None:
            held.add(action)
            given = frozenset(model.fields)
        else:
            holding = [grant for grant in grants if grant.where is None or grant.where.text in true]
            if action in ("update", "move"):
                holding = [grant for grant in holding if grant.check is None or grant.check.text in true]
            if action == "move":
                holding = [grant for grant in holding if not _checked(grant) & MOVE_FIELDS]
            if not holding:
                continue
            held.add(action)
            parts = (g.writable - _checked(g) if action == "update" else g.readable for g in holding)
            given = frozenset[str]().union(*parts)
        if action == "read":
            readable = model.without_hidden(given)
        elif action == "update":
            writable = frozenset(name for name in given if not model.fields[name].read_only)
    return Held(frozenset(held), readable, writable)


def _checked(grant: Grant) -> frozenset[str]:
    """The fields that a grant's check looks at: who writes them could make an image that it does not allow."""
    paths = () if grant.check is None else grant.check.paths
    return frozenset(path.partition(".")[0] for path in paths)


def _passed(fields: Members, member: str, held: frozenset[str], model: EntityModel) -> tuple[str, ...]:
    """The fields that are passed on: those that are named, `*` as it stands where all that it covers are held."""
    named = fields.texts(member) or ["*"]
    for number, name in enumerate(named):
        if name != "*" and name not in held:
            detail = f"You cannot share the field {name[:100]!r};{near(name[:100], held)}"
            fields.fault((member, number), "unknown_field" if member == "read" else "read_only", detail)
    if "*" not in named:
        return tuple(sorted({*named} - ALWAYS_READABLE))
    covered = {n for n, f in model.fields.items() if not f.explicit and (member == "read" or not f.read_only)}
    passed = {"*"} if covered <= held else covered & held
    return tuple(sorted((passed | {*named}) - ({"*"} - passed) - ALWAYS_READABLE))
