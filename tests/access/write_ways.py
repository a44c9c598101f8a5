"""Decisions about writes: what is refused and why, and what the caller is shown of what he wrote."""

from __future__ import annotations

from random import Random
from typing import Any

from crm_kernel import Change
from crm_kernel.operations.answers import encode
from crm_kernel.operations.outcomes import Outcome
from tests.access.app import NOW_TEXT, Worlds
from tests.access.oracle import MOVE, NEVER_WRITTEN, Oracle, Record
from tests.access.schemas import ENTITIES, ID, STAGES
from tests.access.ways import App, Question, plain
from tests.access.world import World, value

KINDS = ["create", "update", "update", "move", "delete", "restore", "purge"]


def draw(rng: Random, world: World) -> list[Question]:
    """Changes of different records, one of each at most, of which none bears on another.

    None removes or brings back what another refers to; at most one purges, before any is pointed elsewhere.
    """
    targets = [(name, row["id"]) for name in ENTITIES for row in world.records[name]]
    changes: list[Question] = []
    for number, (entity, stored) in enumerate(rng.sample(targets, min(len(targets), 6))):
        kind = rng.choice(KINDS)
        id = ID(0x1000 + number) if kind == "create" else stored
        changes.append({"kind": kind, "entity": entity, "id": id, "values": drawn_values(rng, world, entity, kind)})
    named = {value for each in changes for value in each["values"].values() if isinstance(value, str)}
    apart = [each for each in changes if each["kind"] in ("create", "update", "move") or each["id"] not in named]
    purges = [each for each in apart if each["kind"] == "purge"]
    return [*purges[:1], *(each for each in apart if each["kind"] != "purge")]


def drawn_values(rng: Random, world: World, entity: str, kind: str) -> dict[str, Any]:
    """What a change of this kind sends."""
    if kind in ("delete", "restore", "purge"):
        return {}
    staged = entity in world.staged
    if kind == "move":
        return {"stage": rng.choice(STAGES[:3])}
    places = {"user": [u["id"] for u in world.users], **{n: [r["id"] for r in world.records[n]] for n in ENTITIES}}
    among = [*world.fields[entity], "owner", "team", "created_by", *(["stage"] if staged else [])]
    values = {name: _value(rng, world, entity, name, places) for name in rng.sample(among, rng.randint(0, 3))}
    if values.get("stage", "") is None:
        del values["stage"]
    if kind == "update" and rng.random() < 0.3:  # what is stored already
        stored = next(row for row in world.records[entity])
        values["word"] = stored["word"]
    return values


def _value(rng: Random, world: World, entity: str, name: str, places: dict[str, list[str]]) -> Any:
    return ID(0) if name == "created_by" else value(rng, world, entity, name, places)


def change(question: Question) -> Change[Any]:
    """As the write door takes it."""
    kind, entity, id, values = (question[name] for name in ("kind", "entity", "id", "values"))
    match kind:
        case "create":
            return Change.create(entity, values)
        case "update":
            return Change.update(entity, id, values)
        case "move":
            return Change.move(entity, id, values["stage"])
        case _:
            return Change(kind, entity, id=id)


async def decided(app: App, changes: list[Question]) -> list[Any]:
    """What the app would do with each of them; nothing is written."""
    requests = [change(each) for each in changes]
    outcomes = await app.kernel.writer.write(requests, app.caller, atomic=False, dry_run=True)
    return [outcome(each) for each in outcomes]


async def raw(app: App, changes: list[Question]) -> bytes:
    """The same with all that is said of it."""
    requests = [change(each) for each in changes]
    outcomes = await app.kernel.writer.write(requests, app.caller, atomic=False, dry_run=True)
    errors = [o.error and [o.error.code, o.error.detail, [f.render() for f in o.error.faults]] for o in outcomes]
    return encode([[o.status, o.outcome, error] for o, error in zip(outcomes, errors, strict=True)])


def outcome(found: Outcome) -> Any:
    """An outcome, short: what became of it, or the refusal with the fields that are at fault."""
    error = found.error
    if error is None:
        return found.outcome
    if error.status != 422:
        return error.code
    return sorted([fault.pointer, fault.code] for fault in error.faults)


# ---- the oracle -----------------------------------------------------------------------------------------------------
def tell(oracle: Oracle, question: Question) -> Any:
    """What must become of one change."""
    entity, kind = question["entity"], question["kind"]
    if not oracle.knows(entity):
        return "not_found"
    if kind == "create":
        return create(oracle, entity, question["id"], question["values"])
    record = oracle.stored[entity].get(question["id"])
    deleted = kind == "restore" or (kind == "purge" and record is not None and record["deleted_at"] is not None)
    if record is None or not oracle.sees(entity, record, deleted):
        return "not_found"
    if kind in ("update", "move"):
        return update(oracle, entity, record, question["values"])
    action = {"delete": "delete", "restore": "delete", "purge": "admin"}[kind]
    if not _holding(oracle, entity, action, record):
        return "forbidden"
    if kind == "purge":
        return "referenced" if _is_referenced(oracle, entity, record["id"]) else "deleted"
    return {"delete": "deleted", "restore": "updated"}[kind]


def _holding(oracle: Oracle, entity: str, action: str, record: Record) -> list[Any]:
    return [g for g in oracle.given(entity, action) if oracle.holds_on(g, entity, record)]


def _is_referenced(oracle: Oracle, entity: str, id: str) -> bool:
    fields = oracle.world.fields
    if any(row["about"] == id for row in oracle.stored["activity"].values()):
        return True
    return any(
        row.get(name) == id
        for other in ENTITIES
        for row in oracle.stored[other].values()
        for name in fields[other]
        if name == "about" or oracle.world.target(other, name) == entity
    )


def existing(oracle: Oracle, entity: str) -> set[str]:
    """The fields that exist for him when he writes."""
    found = set(oracle.fields(entity))
    for grant in oracle.given(entity, "create"):
        found |= oracle.writes(grant, entity) - {"id"}
    return found


def _reference_faults(oracle: Oracle, entity: str, new: Record, names: set[str]) -> list[list[str]]:
    """A reference to what is not there for him; it counts as empty from then on."""
    faults: list[list[str]] = []
    for name in sorted(names & {"link", "boss", "about", "owner", "team"}):
        if new[name] is None:
            continue
        target = oracle.world.target(entity, name)
        among = [target] if target else list(oracle.stored)
        if not any(oracle.sees(str(n), oracle.stored[str(n)].get(new[name])) for n in among):
            faults.append([f"/{name}", "reference"])
            new[name] = None
    return faults


def _limit_faults(oracle: Oracle, entity: str, new: Record, faults: list[list[str]], told: set[str]) -> list[list[str]]:
    """A value over its limit, sent or stored: it is named to whom sent it or may read it."""
    if not oracle.world.is_invalid(entity, new.get("num")) or any(pointer == "/num" for pointer, _ in faults):
        return []
    return [["/num", "maximum"] if "num" in told else ["", "hidden_field"]]


def create(oracle: Oracle, entity: str, id: str, values: Record) -> Any:
    """What must become of a new record."""
    grants = oracle.given(entity, "create")
    if not grants:
        return "forbidden"
    writable = set[str]().union(*(oracle.writes(g, entity) for g in grants))
    new: Record = {**dict.fromkeys(oracle.columns[entity]), "id": id}
    faults: list[list[str]] = []
    for name, sent in values.items():
        if name not in existing(oracle, entity):
            faults.append([f"/{name}", "unknown_field"])
        elif name in NEVER_WRITTEN or (name not in MOVE and name not in writable):
            faults.append([f"/{name}", "read_only"])
        else:
            new[name] = sent
    sent_names = {name for name in values if new[name] is not None}
    if "owner" not in values:
        new["owner"] = oracle.user["id"]
    faults += _reference_faults(oracle, entity, new, sent_names)
    if "team" not in values and new["owner"] is not None:
        new["team"] = next(u["team"] for u in oracle.world.users if u["id"] == new["owner"])
    started = None
    if "stage" in oracle.columns[entity]:
        started, new["stage"] = new["stage"], new["stage"] or STAGES[0]
        new["pipeline"], new["stage_since"] = f"{entity}-line", NOW_TEXT
    if "kids" in oracle.columns[entity]:
        new["kids"] = 0
    oracle.world.compute(entity, new)
    new |= _stamps(oracle, 1) | {"created_at": NOW_TEXT, "created_by": oracle.user["id"]}
    refused = {fault[0][1:] for fault in faults}
    if not _allowed(oracle, entity, grants, new, sent_names - MOVE - {"id"} - refused):
        return "forbidden"
    moving = [g for g in oracle.given(entity, "move") if oracle.holds_on(g, entity, new, "check")]
    if started not in (None, STAGES[0]) and not moving:
        return "forbidden"
    return sorted(faults + _limit_faults(oracle, entity, new, faults, set(values))) or "created"


def _stamps(oracle: Oracle, version: int) -> Record:
    return {"version": version, "updated_at": NOW_TEXT, "updated_by": oracle.user["id"]}


def _allowed(oracle: Oracle, entity: str, grants: list[Any], new: Record, names: set[str]) -> bool:
    """Whether a grant allows the new image, and such grants give every changed field."""
    allowed = [g for g in grants if oracle.holds_on(g, entity, new, "check")]
    return bool(allowed) and names <= set[str]().union(*(oracle.writes(g, entity) for g in allowed))


def update(oracle: Oracle, entity: str, record: Record, values: Record) -> Any:
    """What must become of new values of a stored one."""
    seen = oracle.fields_on(entity, record)
    holding = {action: _holding(oracle, entity, action, record) for action in ("update", "move")}
    same = {name for name, sent in values.items() if name in seen and record[name] == sent}
    for action in ("update", "move"):
        names = {name for name in values if (name in MOVE) is (action == "move")}
        if (names - same or (not values and action == "update")) and not holding[action]:
            return "forbidden"
    writable = set[str]().union(*(oracle.writes(g, entity) for g in holding["update"]))
    new, faults = dict(record), list[list[str]]()
    for name, sent in values.items():
        if name not in existing(oracle, entity):
            faults.append([f"/{name}", "unknown_field"])
        elif name in same:
            continue
        elif name in NEVER_WRITTEN or (name not in MOVE and name not in writable):
            faults.append([f"/{name}", "read_only"])
        else:
            new[name] = {**(record[name] or {}), **sent} if isinstance(sent, dict) else sent
    changed = {name for name in new if new[name] != record[name]}
    taken = set(values) - same - {fault[0][1:] for fault in faults}
    faults += _reference_faults(oracle, entity, new, changed | taken)
    changed = {name for name in new if new[name] != record[name]}
    moved = bool(changed & MOVE)
    oracle.world.compute(entity, new)
    new |= _stamps(oracle, record["version"] + 1)
    if moved:
        new["stage_since"] = NOW_TEXT
        new["stage_reason"] = None
    refused = {fault[0][1:] for fault in faults}
    if moved and not _allowed(oracle, entity, holding["move"], new, set()):
        return "forbidden"
    if changed - MOVE and not _allowed(oracle, entity, holding["update"], new, changed - MOVE - refused):
        return "forbidden"
    faults += _limit_faults(oracle, entity, new, faults, seen | set(values))
    if faults:
        return sorted(faults)
    return "moved" if moved else "updated" if changed else "unchanged"


# ---- written for good -----------------------------------------------------------------------------------------------
async def write_for_good(worlds: Worlds, app: App, oracle: Oracle, question: Question) -> tuple[Any, Any]:
    """Do one change; what the caller is shown of it, and what he should be. The oracle goes on from what is stored."""
    outcomes = await app.kernel.writer.write([change(question)], app.caller, atomic=False)
    [done] = outcomes
    if done.error is not None:
        return outcome(done), tell(oracle, question)
    [shown] = await app.kernel.reader.written(outcomes, app.caller)
    await worlds.look()
    oracle.stored, oracle.past = worlds.stored, worlds.past
    record = oracle.stored[question["entity"]].get(str(done.id))
    seen = record is not None and done.outcome != "deleted" and oracle.sees(question["entity"], record)
    expected = oracle.shown(question["entity"], record) if seen and record else {"id": done.id}
    return plain(shown), plain(expected)
