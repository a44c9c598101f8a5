"""Upserts, each for itself, and batches that are done as a whole or not at all."""

from __future__ import annotations

from random import Random
from typing import Any

from crm_kernel import Change, Error
from tests.access.oracle import Oracle, Record
from tests.access.schemas import ENTITIES, ID
from tests.access.ways import App, Question
from tests.access.world import World
from tests.access.write_ways import change, create, drawn_values, existing, outcome, tell, update

UPSERTS = 2
_NO_KEYS = {"tags", "place"}
_STATUS = {"not_found": 404, "forbidden": 403, "referenced": 409}
_FIRST = (404, 403, 422, 409)


# ---- upsert ---------------------------------------------------------------------------------------------------------
def draw_upsert(rng: Random, world: World) -> Question:
    """By fields that some record holds, as often as not with the values of that record."""
    entity = rng.choice(ENTITIES)
    record = rng.choice(world.records[entity])
    on = rng.sample([*world.fields[entity], "owner"], rng.choice([1, 1, 2]))
    values = {**drawn_values(rng, world, entity, "update"), **{name: record.get(name) for name in on}}
    return {"kind": "upsert", "entity": entity, "on": on, "values": values}


async def upserted(app: App, question: Question) -> Any:
    """What the app would do."""
    request: Change[Any] = Change.upsert(question["entity"], tuple(question["on"]), question["values"])
    [found] = await app.kernel.writer.write([request], app.caller, atomic=False, dry_run=True)
    return outcome(found)


def tell_upsert(oracle: Oracle, question: Question) -> Any:
    """An update of the oldest record that he can tell to hold these values, else a new one."""
    entity, on, values = question["entity"], question["on"], question["values"]
    if not oracle.knows(entity):
        return "not_found"
    unknown = [[f"/on/{name}", "unknown_field"] for name in on if name not in existing(oracle, entity)]
    unusable = [[f"/on/{name}", "type"] for name in on if name in _NO_KEYS and name in existing(oracle, entity)]
    if unknown or unusable:
        return sorted(unknown + unusable)
    found = [row for row in oracle.rows(entity, None) if _has(oracle, entity, row, on, values)]
    if not found:
        return create(oracle, entity, ID(0x2000), values)
    return update(oracle, entity, min(found, key=lambda row: (row["created_at"], row["id"])), values)


def _has(oracle: Oracle, entity: str, row: Record, on: list[str], values: Record) -> bool:
    mine = oracle.fields_on(entity, row)
    return all(name in mine and values[name] is not None and row[name] == values[name] for name in on)


# ---- all or nothing -------------------------------------------------------------------------------------------------
async def at_once(app: App, changes: list[Question]) -> Any:
    """What the app would do with all of them: the outcomes, or the refusal with the faults of its status by row."""
    try:
        requests = [change(each) for each in changes]
        outcomes = await app.kernel.writer.write(requests, app.caller, atomic=True, dry_run=True)
    except Error as error:
        faults = [f for f in error.faults if f.status == error.status]
        rows = {(f.row or 1, f.pointer if f.status == 422 else "", f.code) for f in faults}
        return [error.code, *sorted(map(list, rows))]
    return [outcome(each) for each in outcomes]


def tell_at_once(oracle: Oracle, changes: list[Question]) -> Any:
    """The refusals of that status which wins, or what becomes of each."""
    told = [tell(oracle, each) for each in changes]
    statuses = {_status(each) for each in told} - {200}
    if not statuses:
        return told
    wins = next(status for status in _FIRST if status in statuses)
    rows: list[Any] = []
    for row, each in enumerate(told, start=1):
        if _status(each) == wins:
            rows += [[row, *fault] for fault in each] if isinstance(each, list) else [[row, "", each]]
    return ["invalid" if wins == 422 else rows[0][2], *sorted(rows)]


def _status(told: Any) -> int:
    return 422 if isinstance(told, list) else _STATUS.get(told, 200)
