"""The ways that ask about one record, its past and its next moves, and for the schema."""

from __future__ import annotations

from random import Random
from typing import Any

from crm_kernel.operations.answers import encode
from tests.access.oracle import Oracle
from tests.access.schemas import ACTIONS, STAGES
from tests.access.ways import App, Question, Refused, one, visible
from tests.access.world import World


# ---- history --------------------------------------------------------------------------------------------------------
async def ask_history(app: App, question: Question) -> bytes:
    return encode(await app.kernel.reader.history(question["entity"], question["id"], app.caller))


def tell_history(oracle: Oracle, question: Question) -> Any:
    record = visible(oracle, question)
    mine = oracle.fields_on(question["entity"], record)
    return {"items": [entry(oracle, each, mine) for each in oracle.past.get(question["id"], [])], "next": None}


def entry(oracle: Oracle, stored: dict[str, Any], mine: set[str]) -> dict[str, Any]:
    """One entry with what he may read today."""
    shown = {**stored, "changes": {name: change for name, change in stored["changes"].items() if name in mine}}
    if stored["actor"] is not None:
        user = oracle.stored["user"].get(stored["actor"])
        named = oracle.sees("user", user) and user is not None and "name" in oracle.fields_on("user", user)
        shown["actor"] = {"id": stored["actor"], "name": user["name"] if named and user else None}
    if stored["move"] is not None:
        reason = stored["move"]["reason"] if "stage_reason" in mine else None
        shown["move"] = {**stored["move"], "reason": reason} if "stage" in mine else None
    return shown


# ---- moves ----------------------------------------------------------------------------------------------------------
def draw_moves(rng: Random, world: World) -> Question:
    return {**one(rng, world), "staged": sorted(world.staged)}


async def ask_moves(app: App, question: Question) -> bytes:
    found = await app.kernel.reader.moves(question["entity"], question["id"], app.caller)
    moves = [[move["to"], move["allowed"]] for move in found["moves"]]
    return encode({name: found[name] for name in ("id", "version", "pipeline", "stage")} | {"moves": moves})


def tell_moves(oracle: Oracle, question: Question) -> Any:
    record = visible(oracle, question)
    if question["entity"] not in question["staged"]:
        raise Refused("not_found")
    entity, mine = question["entity"], oracle.fields_on(question["entity"], record)
    may = any(oracle.holds_on(g, entity, record) for g in oracle.given(entity, "move"))
    moves = [[stage, may] for stage in STAGES if stage != record["stage"]] if "stage" in mine else []
    shown = {name: record[name] if name in mine else None for name in ("pipeline", "stage")}
    return {"id": record["id"], "version": record["version"], **shown, "moves": moves}


# ---- schema ---------------------------------------------------------------------------------------------------------
async def ask_schema(app: App, question: Question) -> bytes:
    found = app.kernel.reader.schema(question["entity"], app.caller)
    names = {name for part in [found, *found.get("allOf", [])] for name in part.get("properties", {})}
    return encode(sorted(names - {"rotting"}))


def tell_schema(oracle: Oracle, question: Question) -> Any:
    entity = question["entity"]
    if not oracle.knows(entity):
        raise Refused("not_found")
    return sorted(oracle.fields(entity))


# ---- explain --------------------------------------------------------------------------------------------------------
def draw_explain(rng: Random, world: World) -> Question:
    question = one(rng, world)
    field = rng.choice(world.names(question["entity"])) if rng.random() < 0.5 else None
    action = rng.choice([a for a in ACTIONS if a != "create"])
    return {**question, "action": action, **({} if field is None else {"field": field})}


async def ask_explain(app: App, question: Question) -> bytes:
    """His own question, and the same asked about him by the system: both must tell one truth."""
    found = await app.kernel.explain.access(question, app.caller)
    if app.caller.entities is None:
        system = app.kernel.system("api")
        told = await app.kernel.explain.access({**question, "user": app.caller.id}, system)
        assert told["allowed"] is found["allowed"], (question, found, told)
    return encode({"allowed": found["allowed"], "why": found["reason"]})


def tell_explain(oracle: Oracle, question: Question) -> Any:
    entity, action, field = question["entity"], question["action"], question.get("field")
    if not oracle.knows(entity):
        raise Refused("not_found")
    if field is not None and not oracle.admin:
        existing = set(oracle.fields(entity))
        for grant in oracle.given(entity, "create"):
            existing |= oracle.writes(grant, entity)
        if field not in existing:
            raise Refused("invalid")
    record = oracle.stored[entity].get(question["id"])
    if record is None or not oracle.sees(entity, record):
        return {"allowed": False, "why": "not_found"}
    holding = [g for g in oracle.given(entity, action) if oracle.holds_on(g, entity, record)]
    if not holding:
        granted = any(oracle.holds_on({**g, "asked": "read"}, entity, record) for g in oracle.given(entity, action))
        return {"allowed": False, "why": "narrowed" if granted else "no_grant"}
    if field is None:
        return {"allowed": True, "why": None}
    if action in ("read", "export"):
        given = field in oracle.fields_on(entity, record)
    else:
        given = any(field in oracle.writes(g, entity) for g in holding)
    return {"allowed": given, "why": None if given else "field_not_given"}
