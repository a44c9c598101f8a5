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

from crm_kernel.callers import Caller
from crm_kernel.documents import GrantFields, Role
from crm_kernel.errors import CATALOGUE, Error, Fault
from crm_kernel.filters.expression import Expression, Some
from crm_kernel.filters.my_teams import spread
from crm_kernel.filters.resolver import either, resolve
from crm_kernel.filters.scope import NOTHING, Rows
from crm_kernel.model import EntityModel, Model

ALWAYS_READABLE = frozenset({"id", "version"})
"""What a visible row always shows: without them it could be neither named nor changed safely."""

NOT_COVERED_BY_STAR = frozenset({"user", "team", "file"})
"""Entities that a grant with `"entity": "*"` leaves out."""

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


def _entities_of(doc: Any, entities: Model) -> list[str]:
    if doc.entity == "*":
        return [name for name in entities if name not in NOT_COVERED_BY_STAR]
    return [doc.entity] if doc.entity in entities else []


def compile_role(role: Role, entities: Model) -> dict[str, list[Grant]]:
    """The grants of one role by entity. Raises `Error("bad_filter" | "unknown_field")` for a bad expression."""
    compiled: dict[str, list[Grant]] = {}
    for index, doc in enumerate(role.grants):
        for name in _entities_of(doc, entities):
            grant = _grant(entities[name], entities, doc, role.name, f"/grants/{index}")
            compiled.setdefault(name, []).append(grant)
    return compiled


def role_faults(role: Role, entities: Model) -> list[Fault]:
    """What is wrong with a role document against the model: entities, fields and expressions that do not resolve."""
    faults: list[Fault] = []
    for index, doc in enumerate(role.grants):
        at = f"/grants/{index}"
        names = _entities_of(doc, entities)
        if not names:
            faults.append(Fault(pointer=f"{at}/entity", code="not_found", detail=f"no entity {doc.entity!r}"))
            continue
        faults.extend(_expression_faults(doc, names, entities, at))
        if doc.entity != "*" and doc.fields is not None:
            faults.extend(_field_faults(doc.fields, entities[doc.entity], at))
    return faults


def _expression_faults(doc: Any, names: list[str], entities: Model, at: str) -> list[Fault]:
    faults: list[Fault] = []
    for member in ("where", "check"):
        text: str | None = getattr(doc, member)
        if text is None:
            continue
        for name in names:
            try:
                expression = resolve(text, name, entities)
            except Error as error:
                faults.append(Fault(pointer=f"{at}/{member}", code=error.code, detail=error.detail))
                break
            others = _not_system(expression, entities[name]) if doc.entity == "*" else []
            if others:
                detail = f'a grant for "*" may use system fields only, not {", ".join(others)}'
                faults.append(Fault(pointer=f"{at}/{member}", code="bad_filter", detail=detail))
                break
    return faults


def _not_system(expression: Expression, model: EntityModel) -> list[str]:
    first_steps = {path.partition(".")[0] for path in expression.paths}
    return sorted(p for p in first_steps if p not in model.fields or model.fields[p].source.kind != "system")


def _field_faults(fields: GrantFields, model: EntityModel, at: str) -> list[Fault]:
    return [
        Fault(
            pointer=f"{at}/fields/{member}/{index}",
            code="unknown_field",
            detail=f"{model.name} has no field {name!r}",
        )
        for member in ("read", "write", "deny", "readonly")
        for index, name in enumerate(getattr(fields, member))
        if name != "*" and name not in model.fields
    ]


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
    """What one set of roles may do; a `Scope` for filters. Immutable; share it freely."""

    def __init__(self, model: Model, grants: Mapping[str, list[Grant]] | None, entities: frozenset[str] | None) -> None:
        self._model = model
        self._grants = grants  # None: everything is granted
        self._entities = entities  # scope of a token: other entities do not exist
        self._given: dict[tuple[str, str], tuple[Grant, ...]] = {}
        self._rows: dict[tuple[str, str], Rows] = {}
        self._field_rows: dict[tuple[str, str], Rows] = {}
        self._readable: dict[str, frozenset[str]] = {}
        self._existing: dict[str, frozenset[str]] = {}
        self._readings: dict[str, Reading] = {}
        self._allowed: dict[tuple[str, str], bool] = {}

    @cached_property
    def unrestricted(self) -> bool:
        """Whether no rule limits anything."""
        return self._grants is None and self._entities is None

    def knows(self, entity: str) -> bool:
        """Whether the entity exists for him: it is declared and some grant names it."""
        if entity not in self._model or (self._entities is not None and entity not in self._entities):
            return False
        return self._grants is None or bool(self._grants.get(entity))

    def grants(self, entity: str, action: str) -> tuple[Grant, ...] | None:
        """The grants that give `action` on some rows of `entity`; None where every row and field is given."""
        if self._grants is None:
            return None if self.knows(entity) else ()
        key = (entity, action)
        if key not in self._given:
            known = self._grants[entity] if self.knows(entity) else ()
            self._given[key] = tuple(g for g in known if action in g.actions)
        return self._given[key]

    def allows(self, entity: str, action: str) -> bool:
        """Whether some grant gives `action` on some row."""
        key = (entity, action)
        if key not in self._allowed:
            self._allowed[key] = self.grants(entity, action) != ()
        return self._allowed[key]

    def readable(self, entity: str) -> frozenset[str]:
        """The fields that exist for him: given by some grant on any row."""
        if entity not in self._readable:
            grants = self.grants(entity, "read")
            if grants is None:
                names = frozenset(self._model[entity].fields)
            else:
                names = frozenset[str]().union(*(g.readable for g in grants))
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
            grants = self.grants(entity, "read")
            giving = None if grants is None else tuple(g for g in grants if field in g.readable)
            everywhere = grants is None or giving == grants
            self._field_rows[key] = None if everywhere else self._any_of(giving)
        return self._field_rows[key]

    def key_rows(self, entity: str, names: Iterable[str]) -> list[Rows]:
        """The rules of those rows that he may find by values of these fields: he may read them and the fields."""
        return [self.rows(entity), *(self.field_rows(entity, name) for name in names)]

    def _any_of(self, grants: tuple[Grant, ...] | None) -> Rows:
        if grants is None or any(g.where is None for g in grants):
            return None
        wheres = {g.where.text: g.where for g in grants if g.where is not None and g.where.root != Some(())}
        return either(list(wheres.values())) if wheres else NOTHING


def _for_teams(grant: Grant, count: int) -> Grant:
    where, check = (None if rule is None else spread(rule, count) for rule in (grant.where, grant.check))
    return msgspec.structs.replace(grant, where=where, check=check)


def access_for(
    caller: Caller, model: Model, roles: Mapping[str, dict[str, list[Grant]]], builtin: Mapping[str, list[Grant]]
) -> Access:
    """The access of all callers of these rights and as many teams. `roles` are the compiled grants by entity."""
    if caller.system or caller.is_admin:
        return Access(model, None, caller.entities)
    merged: dict[str, list[Grant]] = {name: list(grants) for name, grants in builtin.items()}
    for role in sorted(caller.roles):
        for entity, grants in roles.get(role, {}).items():
            merged.setdefault(entity, []).extend(_for_teams(grant, len(caller.teams)) for grant in grants)
    return Access(model, merged, caller.entities)


def not_found(entity: str, record: str | None = None) -> Error:
    """The one answer for what does not exist and for what is hidden: it names only what the caller sent."""
    what = f"{entity} {record}" if record else f"entity {entity!r}"
    return Error("not_found", f"There is no {what} for you.", hint=CATALOGUE["not_found"].hint)
