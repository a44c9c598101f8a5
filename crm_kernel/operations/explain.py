"""Why somebody may do something, or may not: the same rules as everywhere, told one by one (floor 7)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from crm_kernel.access import SHARE, Access, Grant, not_found
from crm_kernel.callers import ADMIN, Caller
from crm_kernel.clock import Clock
from crm_kernel.errors import Error, Fault, near, unknown
from crm_kernel.filters.explain import explain, reads_all
from crm_kernel.filters.expression import Expression
from crm_kernel.model import EntityModel
from crm_kernel.operations.work import Work
from crm_kernel.registry import Registry
from crm_kernel.restrictions import Narrowing
from crm_kernel.storage.ports import Database
from crm_kernel.storage.records import Record
from crm_kernel.storage.store import Store

_MEMBERS = ("user", "roles", "action", "entity", "id", "field")
_READING = frozenset({"read", "export"})
"""Actions that a read-only token may do."""


class Asked(NamedTuple):
    """One question: may this caller do `action` on records of `entity` (on this one, with this field)?"""

    action: str
    entity: str
    id: str | None
    field: str | None


class _Told(NamedTuple):
    """One grant, as far as it was asked about."""

    grant: Grant
    action: bool
    row: bool | None
    field: bool | None

    @property
    def gives(self) -> bool:
        """Whether it gives all that was asked for."""
        return self.action and self.row is not False and self.field is not False


class Explain:
    """Explains the access rules of one kernel."""

    def __init__(
        self,
        database: Database,
        store: Store,
        clock: Clock,
        registry: Callable[[], Registry],
        caller_for: Callable[[str, str], Awaitable[Caller]],
    ) -> None:
        self._database = database
        self._store = store
        self._clock = clock
        self._registry = registry
        self._caller_for = caller_for

    async def access(self, request: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        """The answer of `POST /api/explain/access`.

        Asked about: the caller himself, or with `admin` a user (by id or login) or a set of roles that nobody need
        have. Raises `Error`: invalid, forbidden, not_found (a user; an entity that does not exist for the caller).
        """
        asked = _read(request)
        subject = await self._subject(request, caller)
        registry = self._registry()
        if asked.action not in registry.actions:
            detail = f"There is no action {asked.action!r}:{near(asked.action, registry.actions)}"
            raise Error("invalid", faults=[Fault(pointer="/action", code="enum", detail=detail)])
        work = Work(self._database, self._store, registry, subject, self._clock.now())
        asker = registry.access(caller)
        if asked.entity not in registry.entities or not (caller.unrestricted or asker.knows(asked.entity)):
            raise not_found(asked.entity)
        model = registry.entities[asked.entity]
        _check_field(asked.field, model, None if caller.unrestricted else asker.existing(model.name))
        record = None if asked.id is None else await self._record(model, asked.id)
        if record is not None and caller.unrestricted and asker.rows(model.name) is not None:  # narrowed by plugins
            asking = Work(self._database, self._store, registry, caller, self._clock.now())
            record = record if await asking.visible_ids(model.name, [record["id"]], asker) else None
        return await _Answer(work, caller, asked, model, record).told()

    async def _subject(self, request: Mapping[str, Any], caller: Caller) -> Caller:
        user, roles = request.get("user"), request.get("roles")
        if roles is None and user in (None, caller.id, caller.login):
            return caller
        if not caller.unrestricted:
            raise Error("forbidden", "To ask about anyone but yourself takes the role admin.")
        if roles is None:
            return await self._caller_for(str(user), caller.channel)
        known = self._registry().roles
        faults = [
            Fault(pointer=f"/roles/{roles.index(name)}", code="not_found", detail=f"There is no role {name!r}:{hint}")
            for name, hint in unknown(dict.fromkeys(roles), known)
        ]
        if faults:
            raise Error("invalid", faults=faults)
        return Caller(roles=frozenset(roles), timezone=caller.timezone, locale=caller.locale, channel=caller.channel)

    async def _record(self, model: EntityModel, id: str) -> Record | None:
        found = await self._store.records.load(self._database, model, [id]) if _could_be_id(id) else []
        return found[0] if found else None


class _Answer:
    """One answer: what `subject` (of the work) may, as told to `caller`."""

    def __init__(self, work: Work, caller: Caller, asked: Asked, model: EntityModel, record: Record | None) -> None:
        self._work = work
        self._caller = caller
        self._asked = asked
        self._model = model
        self._record = record if record is None or record["deleted_at"] is None else None
        self._asker = Work(work.reads, work.store, work.registry, caller, self._now)

    @property
    def _now(self) -> Any:
        return self._work.environment.now

    async def told(self) -> dict[str, Any]:
        """The answer, as the API gives it."""
        access, asked = self._work.access, self._asked
        grants = _grants(access, asked)
        narrowings = _narrowings(access, asked)
        if self._record is not None:
            rules = [rule for g in (*grants, *self._others()) for rule in (self._rule(g),) if rule is not None]
            rules += [narrowing.where for narrowing in narrowings]
            await self._work.prefetch(rules, [self._record])
        told = [self._test(grant) for grant in grants]
        visible = self._is_visible(told)
        reason = self._reason(told, visible, narrowings)
        hidden = not self._caller.unrestricted and asked.id is not None and not visible
        subject = self._work.caller
        return {
            "allowed": reason is None,
            "action": asked.action,
            "entity": asked.entity,
            "id": asked.id,
            "field": asked.field,
            "user": {"id": subject.id, "login": subject.login, "roles": sorted(subject.roles)},
            "reason": "not_found" if hidden else reason,
            "rules": [] if hidden else self._rules(told, narrowings),
            "would_grant": self._would_grant() if reason is not None and self._caller.unrestricted else [],
        }

    def _reason(self, told: Sequence[_Told], visible: bool, narrowings: Sequence[Narrowing]) -> str | None:
        asked, subject = self._asked, self._work.caller
        if self._out_of_scope():
            return "token_scope"
        if asked.id is not None and self._record is None:
            return "not_found"
        limited = not (subject.system or subject.is_admin)
        if limited and not any(t.action and t.row is not False for t in told):
            return "no_grant"
        if asked.id is not None and not all(self._holds(n.where) for n in narrowings):
            return "narrowed"
        if limited and not visible:
            return "not_found"
        if asked.field is None or (limited and self._is_given(told)):
            return None
        fixed = asked.action not in _READING and self._model.fields[asked.field].read_only
        return "field_not_given" if limited or fixed else None

    def _is_given(self, told: Sequence[_Told]) -> bool:
        """Whether the field is: what leaves in an export is what may be read, whichever grant gives the row to it.

        A formula is where all its inputs are.
        """
        if self._asked.action in _READING:
            giving = [t.grant.readable for t in told if t.row is not False and "read" in t.grant.actions]
            return self._asked.field in self._model.without_hidden(frozenset[str]().union(*giving))
        return any(t.gives for t in told)

    def _out_of_scope(self) -> bool:
        subject = self._work.caller
        beyond = subject.entities is not None and self._asked.entity not in subject.entities
        return beyond or (subject.read_only and self._asked.action not in _READING)

    def _is_visible(self, told: Sequence[_Told]) -> bool:
        """Whether the subject may read the row: what he may not read he cannot change either."""
        if self._asked.id is None:
            return True
        if self._record is None or not self._work.access.knows(self._asked.entity):
            return False
        entity, access = self._asked.entity, self._work.access
        if not all(self._holds(narrowing.where) for narrowing in access.narrowings(entity, "read")):
            return False
        reading = access.granted(entity, "read")
        return reading is None or any("read" in t.grant.actions and self._holds(t.grant.where) for t in told)

    def _rule(self, grant: Grant) -> Expression | None:
        return grant.check if self._asked.action == "create" else grant.where

    def _holds(self, rule: Expression | None) -> bool:
        return rule is None or (self._record is not None and self._work.holds(rule, self._record))

    def _test(self, grant: Grant) -> _Told:
        action, name = self._asked.action, self._asked.field
        row = None if self._record is None else self._holds(self._rule(grant))
        given = grant.writable
        if action in _READING:
            given = grant.readable if "read" in grant.actions else frozenset[str]()
        fixed = name is not None and action not in _READING and self._model.fields[name].read_only
        return _Told(grant, action in grant.actions, row, None if name is None else name in given and not fixed)

    # ---- what is shown ------------------------------------------------------------------------------------------
    def _rules(self, told: Sequence[_Told], narrowings: Sequence[Narrowing]) -> list[dict[str, Any]]:
        rules = [self._shown(each) for each in told]
        if self._work.caller.is_admin or self._work.caller.system:
            name = ADMIN if self._work.caller.is_admin else "system"
            source = {"kind": "builtin", "name": name, "plugin": None, "pointer": ""}
            held = None if self._record is None else True
            field = None if self._asked.field is None else True
            rules.append(_rule(source, "grant", True, held, field))
        rules += [self._narrow(narrowing) for narrowing in narrowings]
        if self._out_of_scope():
            source = {"kind": "token", "name": "token", "plugin": None, "pointer": ""}
            rules.append(_rule(source, "narrow", False, None, None))
        return rules

    def _shown(self, told: _Told) -> dict[str, Any]:
        shown = _rule(self._source(told.grant), "grant", told.action, told.row, told.field)
        return self._quoted(shown, self._rule(told.grant))

    def _narrow(self, narrowing: Narrowing) -> dict[str, Any]:
        """A restriction: whether it is about the action asked for, and leaves this row."""
        source = {"kind": "restriction", "name": narrowing.name, "plugin": narrowing.plugin, "pointer": ""}
        row = None if self._record is None else self._holds(narrowing.where)
        shown = _rule(source, "narrow", narrowing.narrows(self._asked.action), row, None)
        return self._quoted(shown, narrowing.where)

    def _quoted(self, shown: dict[str, Any], rule: Expression | None) -> dict[str, Any]:
        """With the rule's expression, and how it turned out, as far as the asker may read what it says."""
        seen = None if rule is None else self._asker.as_seen(rule)
        if rule is None or seen is None:
            return shown
        shown["expression"] = rule.text
        if self._record is not None:
            open_to_him = reads_all(seen)
            shown["parts"] = [
                {"expression": p.expression, "held": p.held, "values": p.values if open_to_him else {}}
                for p in explain(rule, self._record, self._work.environment)
                if open_to_him
            ]
        return shown

    def _source(self, grant: Grant) -> dict[str, Any]:
        if grant.source == SHARE:
            return {"kind": "share", "name": "share", "plugin": None, "pointer": ""}
        if grant.source not in self._work.registry.roles:
            return {"kind": "builtin", "name": grant.source, "plugin": None, "pointer": grant.pointer}
        source = self._work.registry.source_of("role", grant.source)
        plugin = source.name if source.kind in ("plugin", "builtin") else None
        return {"kind": "role", "name": grant.source, "plugin": plugin, "pointer": grant.pointer}

    def _others(self) -> list[Grant]:
        """The grants of roles that the subject has not."""
        if not self._caller.unrestricted:
            return []
        roles = self._work.registry.roles
        held = self._work.caller.roles
        return [g for name in sorted(roles) if name not in held for g in roles[name].get(self._asked.entity, [])]

    def _would_grant(self) -> list[dict[str, Any]]:
        """The grants of other roles that would give what was asked for."""
        if self._out_of_scope() or (self._asked.id is not None and self._record is None):
            return []
        return [self._source(g) for g in self._others() if self._test(g).gives]


def _rule(source: dict[str, Any], effect: str, action: bool, row: bool | None, field: bool | None) -> dict[str, Any]:
    return {
        "source": source,
        "effect": effect,
        "action": action,
        "row": row,
        "field": field,
        "expression": None,
        "parts": [],
    }


def _grants(access: Access, asked: Asked) -> list[Grant]:
    """The grants that give the action, and those that give reading, as far as there are any."""
    both = [*(access.granted(asked.entity, asked.action) or ()), *(access.granted(asked.entity, "read") or ())]
    return list({id(grant): grant for grant in both}.values())


def _narrowings(access: Access, asked: Asked) -> list[Narrowing]:
    """The restrictions on the action, and those on reading: what he may not read he cannot change either."""
    both = [*access.narrowings(asked.entity, asked.action), *access.narrowings(asked.entity, "read")]
    return list({id(narrowing): narrowing for narrowing in both}.values())


def _could_be_id(id: str) -> bool:
    return id.isascii() and id.isprintable()


def _check_field(name: str | None, model: EntityModel, known: frozenset[str] | None) -> None:
    names = set(model.fields) if known is None else known
    if name is not None and name not in names:
        detail = f"unknown field {name!r}:{near(name, names)}"
        raise Error("invalid", faults=[Fault(pointer="/field", code="unknown_field", detail=detail)])


def _read(request: Mapping[str, Any]) -> Asked:
    """The question of a body. Raises `Error("invalid")` with all that is wrong with it."""
    faults = [
        Fault(pointer=f"/{name}", code="unknown_field", detail=f"unknown member {name!r}:{hint}")
        for name, hint in unknown(request, _MEMBERS)
    ]
    for name in ("action", "entity"):
        if request.get(name) is None:
            faults.append(Fault(pointer=f"/{name}", code="required", detail=f"{name!r} is missing."))
    for name in ("user", "action", "entity", "id", "field"):
        if not isinstance(request.get(name), str | None):
            faults.append(Fault(pointer=f"/{name}", code="type", detail=f"{name!r} is a text."))
    roles = request.get("roles")
    if roles is not None and not (isinstance(roles, list) and all(isinstance(role, str) for role in roles)):
        faults.append(Fault(pointer="/roles", code="type", detail="'roles' is a list of names of roles."))
    if roles is not None and request.get("user") is not None:
        faults.append(Fault(pointer="/roles", code="oneOf", detail="Either a user or roles are asked about."))
    if faults:
        raise Error("invalid", faults=faults)
    return Asked(str(request["action"]), str(request["entity"]), request.get("id"), request.get("field"))
