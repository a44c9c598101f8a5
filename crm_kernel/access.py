"""Access rules compiled from roles: which rows and which fields, for reading and for writing (floor 4).

Nothing is granted by default. Grants add up per (row, field): a field is given on a row if one grant gives that row
and that field together. An `Access` is compiled once per set of roles and registry version; it is the `Scope` that
filters are resolved against, so a list, a count, a report and a record in hand all ask the same rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

import msgspec

from crm_kernel.callers import ADMIN, Caller
from crm_kernel.documents import GrantFields, Role
from crm_kernel.errors import CATALOGUE, Error
from crm_kernel.filters.expression import Expression, Some
from crm_kernel.filters.my_teams import spread
from crm_kernel.filters.resolver import all_of, both, either, resolve
from crm_kernel.filters.scope import NOTHING, Rows
from crm_kernel.filters.shared import shared_rows
from crm_kernel.model import EntityModel, Model
from crm_kernel.restrictions import Narrowing

ALWAYS_READABLE = frozenset({"id", "version"})
"""What a visible row always shows: without them it could be neither named nor changed safely."""

NOT_COVERED_BY_STAR = frozenset({"user", "team", "file"})
"""Entities that a grant with `"entity": "*"` leaves out."""

SHARE = "(shared)"
"""The source of a grant that is no role's: the record was shared with him. No role can be called so."""

MOVE_FIELDS = frozenset({"pipeline", "stage", "stage_reason"})
"""Fields whose change is a move: the action `move` gives them, not the action `update`."""


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """One grant for one entity, its expressions resolved and its field lists spelled out."""

    source: str
    pointer: str
    entity: str
    actions: frozenset[str]
    where: Expression | None
    check: Expression | None
    readable: frozenset[str]
    writable: frozenset[str]


def _covered(listed: Iterable[str], model: EntityModel) -> set[str]:
    names = set(listed)
    if "*" in names:
        names.discard("*")
        names |= {name for name, field in model.fields.items() if not field.explicit}
    return names & set(model.fields)


def _grant(model: EntityModel, entities: Model, doc: Any, source: str, pointer: str) -> Grant:
    fields = doc.fields or GrantFields()
    denied = set(fields.deny)

    def expression(text: str | None) -> Expression | None:
        return None if text is None else resolve(text, model.name, entities)

    where = expression(doc.where)
    return Grant(
        source=source,
        pointer=pointer,
        entity=model.name,
        actions=frozenset(doc.actions),
        where=where,
        check=expression(doc.check) if doc.check is not None else where,
        readable=frozenset((_covered(fields.read, model) - denied) | ALWAYS_READABLE),
        writable=frozenset(_covered(fields.write, model) - denied - set(fields.readonly)),
    )


def entities_of(doc: Any, entities: Model) -> list[str]:
    """The entities that a grant of a role document is about, as far as there are any."""
    if doc.entity == "*":
        return [name for name in entities if name not in NOT_COVERED_BY_STAR]
    return [doc.entity] if doc.entity in entities else []


def compile_role(role: Role, entities: Model) -> dict[str, list[Grant]]:
    """The grants of one role by entity. Raises `Error("bad_filter" | "unknown_field")` for a bad expression."""
    compiled: dict[str, list[Grant]] = {}
    for index, doc in enumerate(role.grants):
        for name in entities_of(doc, entities):
            grant = _grant(entities[name], entities, doc, role.name, f"/grants/{index}")
            compiled.setdefault(name, []).append(grant)
    return compiled


def builtin_grants(entities: Model) -> dict[str, list[Grant]]:
    """What every signed-in user has: `id` and `name` of active users and of teams."""
    where = {"user": "active = true", "team": None}
    return {
        name: [
            Grant(
                source="signed-in users",
                pointer="",
                entity=name,
                actions=frozenset({"read"}),
                where=None if text is None else resolve(text, name, entities),
                check=None,
                readable=frozenset({"name"}) | ALWAYS_READABLE,
                writable=frozenset(),
            )
        ]
        for name, text in where.items()
        if name in entities
    }


class Reading(NamedTuple):
    """What may be read of an entity: rows, fields, those with a rule of their own, whether rules read other records."""

    rows: Rows
    fields: tuple[str, ...]
    masked: tuple[tuple[str, Rows], ...]
    uses_related: bool


class Access:
    """What one set of roles may do; a `Scope` for filters. Immutable; share it freely.

    `grants` is None where everything is granted, `entities` the scope of a token: others do not exist.
    What `narrowings` take away is taken of both.
    """

    def __init__(
        self,
        model: Model,
        grants: Mapping[str, list[Grant]] | None,
        entities: frozenset[str] | None,
        narrowings: Mapping[str, list[Narrowing]] | None = None,
    ) -> None:
        self._model = model
        self._grants = grants
        self._entities = entities
        self._narrowings = narrowings or {}
        self._given: dict[tuple[str, str], tuple[Grant, ...] | None] = {}
        self._rows: dict[tuple[str, str], Rows] = {}
        self._field_rows: dict[tuple[str, str], Rows] = {}
        self._readable: dict[str, frozenset[str]] = {}
        self._existing: dict[str, frozenset[str]] = {}
        self._readings: dict[str, Reading] = {}

    @cached_property
    def unrestricted(self) -> bool:
        """Whether no rule limits anything."""
        return self._grants is None and self._entities is None and not self._narrowings

    def knows(self, entity: str) -> bool:
        """Whether the entity exists for him: it is declared and some grant names it."""
        if entity not in self._model or (self._entities is not None and entity not in self._entities):
            return False
        return self._grants is None or bool(self._grants.get(entity))

    def grants(self, entity: str, action: str) -> tuple[Grant, ...] | None:
        """The grants that give `action` on some rows of `entity`, each narrowed to what restrictions leave of it; None
        where every row and field is given."""
        key = (entity, action)
        if key not in self._given:
            self._given[key] = self._narrowed(entity, action, self.granted(entity, action))
        return self._given[key]

    def granted(self, entity: str, action: str) -> tuple[Grant, ...] | None:
        """The same grants as the roles give them, whatever restrictions take away."""
        if self._grants is None:
            return None if self.knows(entity) else ()
        return tuple(g for g in (self._grants[entity] if self.knows(entity) else ()) if action in g.actions)

    def limits(self, entity: str) -> bool:
        """Whether any rule limits what he does with records of an entity that he knows."""
        return self._grants is not None or bool(self._narrowings.get(entity))

    def narrowings(self, entity: str, action: str) -> list[Narrowing]:
        """The restrictions of plugins on `action`."""
        return [n for n in self._narrowings.get(entity, ()) if n.narrows(action)]

    def _narrowed(self, entity: str, action: str, grants: tuple[Grant, ...] | None) -> tuple[Grant, ...] | None:
        rules = [n.where for n in self.narrowings(entity, action)]
        if not rules:
            return grants
        if grants is None:
            grants = (_everything(self._model[entity], action),)
        return tuple(
            msgspec.structs.replace(
                grant,
                where=both([grant.where, *rules] if grant.where else rules),
                check=both([grant.check, *rules] if grant.check else rules),
            )
            for grant in grants
        )

    def allows(self, entity: str, action: str) -> bool:
        """Whether some grant gives `action` on some row."""
        return self.grants(entity, action) != ()

    def readable(self, entity: str) -> frozenset[str]:
        """The fields that exist for him: given by some grant on any row."""
        if entity not in self._readable:
            grants = self.grants(entity, "read")
            if grants is None:
                names = frozenset(self._model[entity].fields)
            else:
                names = self._model[entity].without_hidden(frozenset[str]().union(*(g.readable for g in grants)))
            self._readable[entity] = names
        return self._readable[entity]

    def reading(self, entity: str) -> Reading:
        """All that his grants say of reading an entity, for records in hand."""
        if entity not in self._readings:
            fields = tuple(name for name in self._model[entity].fields if name in self.readable(entity))
            rules = {name: self.field_rows(entity, name) for name in fields}
            masked = tuple((name, rule) for name, rule in rules.items() if rule is not None)
            rows = self.rows(entity)
            related = any(isinstance(r, Expression) and r.uses_related for r in (rows, *rules.values()))
            self._readings[entity] = Reading(rows, fields, masked, related)
        return self._readings[entity]

    def writable(self, entity: str, action: str = "update") -> frozenset[str]:
        """The fields that some grant lets him write on some row by `action` (create or update)."""
        grants = self.grants(entity, action)
        if grants is None:
            return frozenset(n for n, f in self._model[entity].fields.items() if not f.read_only)
        names = frozenset[str]().union(*(g.writable for g in grants))
        return frozenset(n for n in names if not self._model[entity].fields[n].read_only)

    @cached_property
    def related_checks(self) -> Mapping[str, tuple[Expression, ...]]:
        """The rules of new images that read other records too, by entity."""
        actions = ("create", "update", "move", "import", "merge")
        checks = {name: [g.check for a in actions for g in self.grants(name, a) or ()] for name in self._model}
        return {name: tuple(e for e in found if e is not None and e.uses_related) for name, found in checks.items()}

    def existing(self, entity: str) -> frozenset[str]:
        """The fields that exist for him when he writes: he may read them, or set them in a new record."""
        if entity not in self._existing:
            readable = self.readable(entity) if self.knows(entity) else frozenset[str]()
            self._existing[entity] = readable | self.writable(entity, "create")
        return self._existing[entity]

    # The Scope of filters -------------------------------------------------------------------------------------------

    def field_exists(self, entity: str, field: str) -> bool:
        """Whether `field` exists for him at all."""
        return self.knows(entity) and field in self.readable(entity)

    def rows(self, entity: str, action: str = "read") -> Rows:
        """The rows he may do `action` on: None = all, NOTHING, or an expression."""
        key = (entity, action)
        if key not in self._rows:
            self._rows[key] = self._any_of(self.grants(entity, action))
        return self._rows[key]

    def field_rows(self, entity: str, field: str) -> Rows:
        """Among the rows he may read, those whose `field` he may read: None = all of them."""
        key = (entity, field)
        if key not in self._field_rows:
            names = (field, *self._model[entity].inputs.get(field, ()))
            self._field_rows[key] = all_of([self._given_rows(entity, name) for name in names])
        return self._field_rows[key]

    def _given_rows(self, entity: str, field: str) -> Rows:
        grants = None if field in ALWAYS_READABLE else self.grants(entity, "read")
        giving = None if grants is None else tuple(g for g in grants if field in g.readable)
        return None if grants is None or giving == grants else self._any_of(giving)

    def key_rows(self, entity: str, names: Iterable[str]) -> list[Rows]:
        """The rules of those rows that he may find by values of these fields: he may read them and the fields."""
        return [self.rows(entity), *(self.field_rows(entity, name) for name in names)]

    def _any_of(self, grants: tuple[Grant, ...] | None) -> Rows:
        if grants is None or any(g.where is None for g in grants):
            return None
        wheres = {g.where.text: g.where for g in grants if g.where is not None and g.where.root != Some(())}
        return either(list(wheres.values())) if wheres else NOTHING


def share_grants(caller: Caller, entities: Model) -> dict[str, list[Grant]]:
    """What was shared with a caller, as grants of those rows to him."""
    found: dict[str, list[Grant]] = {}
    for place, shared in enumerate(caller.shares):
        model = entities.get(shared.entity)
        if model is None:
            continue
        rows = shared_rows(model.name, entities, place)
        grant = Grant(
            source=SHARE,
            pointer="",
            entity=model.name,
            actions=frozenset(shared.actions),
            where=rows,
            check=rows,
            readable=frozenset(_covered(shared.readable, model) | ALWAYS_READABLE),
            writable=frozenset(_covered(shared.writable, model)),
        )
        found.setdefault(model.name, []).append(grant)
    return found


def _everything(model: EntityModel, action: str) -> Grant:
    """What the role `admin` gives, as a grant."""
    names = frozenset(model.fields)
    return Grant(
        source=ADMIN, pointer="", entity=model.name, actions=frozenset({action}), where=None, check=None,
        readable=names, writable=names,
    )  # fmt: skip


def _for_teams(grant: Grant, count: int) -> Grant:
    where, check = (None if rule is None else spread(rule, count) for rule in (grant.where, grant.check))
    return msgspec.structs.replace(grant, where=where, check=check)


def access_for(
    caller: Caller,
    model: Model,
    roles: Mapping[str, dict[str, list[Grant]]],
    builtin: Mapping[str, list[Grant]],
    narrowings: Mapping[str, list[Narrowing]],
) -> Access:
    """The access of all callers of these rights, as many teams and such shares. `roles` are grants by entity."""
    if caller.system:
        return Access(model, None, caller.entities)
    narrow = {
        name: [msgspec.structs.replace(n, where=spread(n.where, len(caller.teams))) for n in rules]
        for name, rules in narrowings.items()
    }
    if caller.is_admin:
        return Access(model, None, caller.entities, narrow)
    merged: dict[str, list[Grant]] = {name: list(grants) for name, grants in builtin.items()}
    for role in sorted(caller.roles):
        for entity, grants in roles.get(role, {}).items():
            merged.setdefault(entity, []).extend(_for_teams(grant, len(caller.teams)) for grant in grants)
    for entity, grants in share_grants(caller, model).items():
        merged.setdefault(entity, []).extend(grants)
    return Access(model, merged, caller.entities, narrow)


def not_found(entity: str, record: str | None = None) -> Error:
    """The one answer for what does not exist and for what is hidden: it names only what the caller sent."""
    what = f"{entity} {record}" if record else f"entity {entity!r}"
    return Error("not_found", f"There is no {what} for you.", hint=CATALOGUE["not_found"].hint)
