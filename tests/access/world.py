"""Random worlds: a schema, roles, teams, users, records, and what is asked of them.

All is drawn from a `random.Random`: hypothesis gives one that it can shrink, a fixed example is a seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, NamedTuple

from tests.access.expressions import Tree, text
from tests.access.schemas import (
    ACTIONS,
    COMPUTED,
    ENTITIES,
    ID,
    MOST,
    OTHERS,
    PICKS,
    SCHEMAS,
    STAGED,
    STAGES,
    SYSTEM,
    WORDS,
    entity,
    pipeline,
)


class World(NamedTuple):
    """One example. `roles` are documents whose expressions are trees (`where`, `check`)."""

    fields: dict[str, dict[str, dict[str, Any]]]
    staged: frozenset[str]
    roles: dict[str, list[dict[str, Any]]]
    teams: list[dict[str, Any]]
    users: list[dict[str, Any]]
    records: dict[str, list[dict[str, Any]]]
    deleted: dict[str, set[str]]
    scopes: list[frozenset[str] | None]
    narrowings: Sequence[tuple[str, list[str], Tree]] = ()
    """Restrictions of a plugin: entity, actions (all where none are named), and what must hold."""

    shares: Sequence[dict[str, Any]] = ()
    """Records shared with users: as grants, each with `user`, `record` and whether it is `over`."""

    def narrowed_by(self, entity: str, action: str) -> list[Tree]:
        """What must hold of a record for anybody to do `action`."""
        return [rule for name, among, rule in self.narrowings if name == entity and (not among or action in among)]

    def documents(self) -> list[dict[str, Any]]:
        """All documents, expressions as text."""
        found = [entity(name, fields) for name, fields in self.fields.items()]
        found += [pipeline(name) for name in sorted(self.staged)]
        for name, grants in self.roles.items():
            if name != "admin":
                found.append({"kind": "role", "name": name, "grants": [_written(grant) for grant in grants]})
        return found

    def names(self, name: str) -> list[str]:
        """The fields of an entity that questions are about."""
        own = list(self.fields[name]) if name in self.fields else OTHERS[name]
        return [*own, *SYSTEM, *(STAGED if name in self.staged else [])]

    def compute(self, entity: str, record: dict[str, Any]) -> None:
        """Put the values of its formulas into a record."""
        fields = self.fields.get(entity, {})
        if "echo" in fields:
            record["echo"] = record["word"]
        if "twin" in fields:
            record["twin"] = record["word"] if record["hush"] is None else record["hush"]

    def is_invalid(self, entity: str, num: Any) -> bool:
        """Whether a value of `num` is over its limit."""
        return num is not None and num > self.fields.get(entity, {}).get("num", {}).get("maximum", num)

    def target(self, entity: str, field: str) -> str | None:
        """The entity that a field refers to."""
        if field == "owner":
            return "user"
        if field == "team":
            return "team"
        reference = self.fields.get(entity, {}).get(field, {}).get("x-crm", {}).get("reference")
        return None if reference == "*" else reference


def _written(grant: dict[str, Any]) -> dict[str, Any]:
    return {k: text(v) if k in ("where", "check") else v for k, v in grant.items() if v is not None}


def world(rng: Random) -> World:
    """One example."""
    fields = {name: _fields(rng) for name in ENTITIES}
    _settle_computed(fields)
    staged = frozenset(name for name in ENTITIES if rng.random() < 0.5)
    bare = World(fields, staged, {}, [], [], {}, {}, [])
    roles = {f"r{n}": [_grant(rng, bare) for _ in range(rng.randint(2, 5))] for n in range(rng.randint(1, 3))}
    roles["admin"] = []
    teams = [{"id": ID(0x20 + n), "name": f"t{n}", "parent": _of(rng, [None, *[ID(0x20 + i) for i in range(n)]])}
             for n in range(3)]  # fmt: skip
    users = [_user(rng, n, sorted(roles)) for n in range(3)]
    ids = {name: [ID(0x40 * (place + 1) + n) for n in range(rng.randint(2, 5))] for place, name in enumerate(ENTITIES)}
    places = {**ids, "user": [ID(n) for n in range(3)]}
    records = {name: [_record(rng, bare, name, id, places) for id in ids[name]] for name in ENTITIES}
    records["activity"] = [_activity(rng, bare, ID(0x100 + n), places) for n in range(rng.randint(1, 4))]
    deleted = {name: {id for id in ids[name] if rng.random() < 0.15} for name in ENTITIES}
    scopes = [frozenset({"alpha", "user"}) if rng.random() < 0.1 else None for _ in users]
    apart = Random(repr(records))  # what is drawn of it changes nothing else of a world
    narrowings, shares = _narrowings(apart, bare), _shares(apart, bare, users, ids)
    if narrowings and apart.random() < 0.5:
        users[0]["roles"] = ["admin"]  # for whom nothing else is narrow
    return World(fields, staged, roles, teams, users, records, deleted, scopes, narrowings, shares)


def _of(rng: Random, among: list[Any]) -> Any:
    return among[rng.randrange(len(among))]


def _some(rng: Random, among: list[Any], least: int = 0, most: int = 3) -> list[Any]:
    count = min(len(among), rng.randint(least, most))
    return rng.sample(among, count)


def _fields(rng: Random) -> dict[str, dict[str, Any]]:
    chosen = {"word", "link", *_some(rng, sorted(set(SCHEMAS) - {"word", "link"}), 2, 6)}
    fields = {name: dict(SCHEMAS[name]) for name in SCHEMAS if name in chosen}
    if "link" in fields:
        fields["link"] = {"type": "string", "x-crm": {"reference": _of(rng, list(ENTITIES))}}
    if "num" in fields and rng.random() < 0.3:
        fields["num"] = {"type": "integer", "x-crm": {"sensitive": True}}
    if "num" in fields and rng.random() < 0.3:
        fields["num"] = {**fields["num"], "maximum": MOST}
    if "line" in fields and rng.random() < 0.3:
        fields["line"] = {"type": "string", "x-crm": {"search": True, "sensitive": True}}
    return fields


def _settle_computed(fields: dict[str, dict[str, dict[str, Any]]]) -> None:
    """Leave out what is computed from fields that are not there; `kids` counts those that refer to the record."""
    for name, mine in fields.items():
        if not {"hush", "echo"} <= mine.keys():
            mine.pop("twin", None)
        referring = [other for other in ENTITIES if fields[other]["link"]["x-crm"]["reference"] == name]
        if "kids" in mine and referring:
            rollup = {"of": f"{referring[0]}_by_link", "measure": "count"}
            mine["kids"] = {"type": "integer", "x-crm": {"rollup": rollup}}
        elif "kids" in mine:
            del mine["kids"]


def _user(rng: Random, number: int, roles: list[str]) -> dict[str, Any]:
    teams: list[Any] = [None, *[ID(0x20 + n) for n in range(3)]]
    further = _of(rng, teams[1:])
    held = [{"team": further}, {"team": further, "until": "2026-01-01"}, {"team": further, "since": "2026-01-01"}]
    mine = [role for role in _some(rng, roles, 1, 3) if role != "admin" or rng.random() < 0.1]
    return {
        "id": ID(number),
        "login": f"u{number}",
        "name": f"User {number}",
        "email": f"u{number}@example.org",
        "team": _of(rng, teams),
        "teams": _some(rng, held, 0, 1) or None,
        "roles": mine,
        "active": rng.random() < 0.85,
    }


def value(rng: Random, world: World, name: str, field: str, places: dict[str, list[str]]) -> Any:
    """A value for a field of an entity, empty at times."""
    if rng.random() < 0.2:
        return None
    match field:
        case "word" | "line" | "hush" | "subject" | "echo" | "twin":
            return _of(rng, WORDS)
        case "num" | "kids":
            return rng.randint(0, 3)
        case "pick":
            return _of(rng, PICKS)
        case "tags":
            return _some(rng, WORDS, 0, 2)
        case "place":
            return {"city": _of(rng, WORDS)}
        case "owner" | "boss":
            return _of(rng, places["user"])
        case "team":
            return ID(0x20 + rng.randrange(3))
        case "stage":
            return _of(rng, STAGES[:3])
        case "about":
            return _of(rng, [*places["alpha"], *places["beta"]])
        case "link":
            return _of(rng, places[str(world.target(name, field))])
    raise AssertionError(field)


def _record(rng: Random, world: World, name: str, id: str, places: dict[str, list[str]]) -> dict[str, Any]:
    entered = [field for field in world.fields[name] if field not in COMPUTED]
    fields = [*entered, "owner", "team", *(["stage"] if name in world.staged else [])]
    values = {field: value(rng, world, name, field, places) for field in fields}
    if values.get("stage", "") is None:
        del values["stage"]
    return {"id": id, **values}


def _activity(rng: Random, world: World, id: str, places: dict[str, list[str]]) -> dict[str, Any]:
    values = {name: value(rng, world, "activity", name, places) for name in ("subject", "about", "owner", "team")}
    return {"id": id, "type": "note", **values}


# ---- roles ----------------------------------------------------------------------------------------------------------
def _grant(rng: Random, world: World) -> dict[str, Any]:
    everything = rng.random() < 0.1
    name = "*" if everything else _of(rng, [*ENTITIES, *ENTITIES, *OTHERS])
    where = check = None
    if rng.random() < 0.6:
        where = system_test(rng) if everything else tree(rng, world, name, 2)
    if rng.random() < 0.2:
        check = system_test(rng) if everything else tree(rng, world, name, 1)
    actions = sorted({*_some(rng, ACTIONS, 1, 5), *(["read"] if rng.random() < 0.7 else [])})
    return {"entity": name, "actions": actions, "where": where, "check": check, "fields": _given(rng, world, name)}


def _shares(rng: Random, world: World, users: list[dict[str, Any]], ids: dict[str, list[str]]) -> list[dict[str, Any]]:
    shares: list[dict[str, Any]] = []
    for _ in range(rng.randint(1, 5) if rng.random() < 0.4 else 0):
        entity = _of(rng, list(ENTITIES))
        names, record = world.names(entity), _of(rng, ids[entity])
        fields = {
            member: ["*"] if rng.random() < 0.4 else sorted(_some(rng, names, 1, 5)) for member in ("read", "write")
        }
        share = {
            "entity": entity,
            "actions": ["read", *_some(rng, ["update", "move", "delete"], 0, 2)],
            "fields": fields,
        }
        where = ("test", "id", "=", record)
        over = rng.random() < 0.25
        shares.append({**share, "where": where, "record": record, "user": _of(rng, users)["id"], "over": over})
    return shares


def _narrowings(rng: Random, world: World) -> list[tuple[str, list[str], Tree]]:
    if rng.random() < 0.7:
        return []
    return [
        (name, _of(rng, [[], ["read"], _some(rng, ACTIONS, 1, 2)]), tree(rng, world, name, 1))
        for name in _some(rng, list(ENTITIES), 1, 2)
    ]


def _given(rng: Random, world: World, name: str) -> dict[str, Any] | None:
    if name == "*" or rng.random() < 0.4:
        return None
    names = [*world.names(name), "pipeline"] if name in world.staged else world.names(name)
    given: dict[str, Any] = {}
    if rng.random() < 0.4:
        given["read"] = [*_some(rng, names, 0, 4), *(["*"] if rng.random() < 0.3 else [])]
    if rng.random() < 0.4:
        given["write"] = [*_some(rng, names, 0, 4), *(["*"] if rng.random() < 0.3 else [])]
    if rng.random() < 0.5:
        given["deny"] = _some(rng, names, 1, 3)
    if rng.random() < 0.35:
        given["readonly"] = _some(rng, names, 1, 3)
    return given


# ---- filters --------------------------------------------------------------------------------------------------------
def system_test(rng: Random) -> Tree:
    """A rule over fields that every entity has."""
    return _of(rng, [
        ("test", "owner", "=", "@me"),
        ("test", "team", "in", "@my_teams"),
        ("test", "team", "=", "@my_team"),
        ("or", ("test", "owner", "=", "@me"), ("test", "team", "in", "@my_teams")),
        ("null", "owner", True),
    ])  # fmt: skip


def tree(rng: Random, world: World, name: str, depth: int) -> Tree:
    """A filter over records of an entity."""
    roll = rng.random()
    if depth and roll < 0.3:
        word = _of(rng, ["and", "or"])
        return (word, tree(rng, world, name, depth - 1), tree(rng, world, name, depth - 1))
    if depth and roll < 0.4:
        return ("not", tree(rng, world, name, depth - 1))
    if depth and roll < 0.55:
        reverses = [f"{other}_by_{f}" for other in ENTITIES for f in ("link", "boss")
                    if f in world.fields[other] and world.target(other, f) == name]  # fmt: skip
        if reverses:
            reverse = _of(rng, reverses)
            return ("any", reverse, tree(rng, world, reverse.split("_by_")[0], depth - 1))
    if roll < 0.65:
        return system_test(rng)
    return test(rng, world, name)


def path(rng: Random, world: World, name: str, steps: int = 2) -> tuple[str, str, str]:
    """A path from an entity, and the entity and field it ends at."""
    among = world.names(name) if name != "team" else ["name"]
    field = "link" if "link" in among and rng.random() < 0.3 else _of(rng, among)
    target = world.target(name, field)
    if target is not None and steps and rng.random() < 0.7:
        rest, end, last = path(rng, world, target, steps - 1)
        return f"{field}.{rest}", end, last
    return field, name, field


def test(rng: Random, world: World, name: str) -> Tree:
    """One comparison."""
    at, _, field = path(rng, world, name)
    match field:
        case "word" | "line" | "hush" | "subject" | "echo" | "twin" | "name" | "login" | "stage_reason":
            return _of(rng, [("test", at, "=", _of(rng, WORDS)), ("test", at, "contains", _of(rng, ["A", "b", "ser"])),
                             ("null", at, _of(rng, [True, False]))])  # fmt: skip
        case "num" | "kids":
            return ("test", at, _of(rng, ["=", "!=", "<", ">="]), rng.randint(0, 3))
        case "pick":
            return ("test", at, _of(rng, ["in", "not in"]), _some(rng, PICKS, 1, 2))
        case "stage":
            return ("test", at, _of(rng, ["in", "not in"]), _some(rng, STAGES, 1, 2))
        case "tags":
            return ("test", at, "contains", _of(rng, WORDS))
        case "place":
            return ("test", f"{at}.city", "=", _of(rng, WORDS))
        case "owner" | "boss":
            return ("test", at, _of(rng, ["=", "!="]), _of(rng, ["@me", ID(0), ID(1)]))
        case "team":
            return ("test", at, *_of(rng, [("in", "@my_teams"), ("=", "@my_team"), ("=", ID(0x21))]))
        case _:
            return ("null", at, _of(rng, [True, False]))
