"""One example: a world, and questions to it by every way, put to the app and to the oracle."""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

from crm_kernel.storage.ports import Tx
from tests.access import batch_ways, write_ways
from tests.access.all_ways import WAYS
from tests.access.app import Worlds
from tests.access.oracle import Oracle, Record
from tests.access.schemas import ACTIONS, COMPUTED, ENTITIES, OTHERS
from tests.access.ways import App, asked, settled, told
from tests.access.world import World, value, world

QUESTIONS = 2
CHANGED = 6
"""So many denied values are changed, to see that nothing else does."""


async def check(worlds: Worlds, rng: Random) -> None:
    """Raise `AssertionError` where app and oracle differ, or where an answer depends on what is denied."""
    example = world(rng)
    await worlds.begin(example)
    for user in rng.sample(range(len(example.users)), 2):
        caller = await worlds.caller(example, user)
        if caller is None:
            continue
        app, oracle = App(worlds.kernel, caller), worlds.oracle(example, user)
        questions = [(name, WAYS[name].draw(rng, example)) for name in WAYS for _ in range(QUESTIONS)]
        changes = write_ways.draw(rng, example)
        upserts = [batch_ways.draw_upsert(rng, example) for _ in range(batch_ways.UPSERTS)]
        answers = [await asked(WAYS[name], app, question) for name, question in questions]
        for (name, question), answer in zip(questions, answers, strict=True):
            found, expected = _paged(settled(json.loads(answer))), told(WAYS[name], oracle, question)
            assert found == expected, _shown(example, user, name, question, found, expected)
        decided = await write_ways.decided(app, changes)
        for change, found in zip(changes, decided, strict=True):
            expected = write_ways.tell(oracle, change)
            assert found == expected, _shown(example, user, "write", change, found, expected)
        found, expected = await batch_ways.at_once(app, changes), batch_ways.tell_at_once(oracle, changes)
        assert found == expected, _shown(example, user, "at once", changes, found, expected)
        settled_upserts = [await batch_ways.upserted(app, each) for each in upserts]
        for upsert, found in zip(upserts, settled_upserts, strict=True):
            expected = batch_ways.tell_upsert(oracle, upsert)
            assert found == expected, _shown(example, user, "upsert", upsert, found, expected)
        if await _change_denied(worlds, rng, example, oracle):
            again = [await asked(WAYS[name], app, question) for name, question in questions]
            for (name, question), answer, later in zip(questions, answers, again, strict=True):
                assert later == answer, _shown(example, user, f"{name}, of what is denied", question, later, answer)
            later = _without_allowed(await write_ways.decided(app, changes))
            was = _without_allowed(decided)
            assert later == was, _shown(example, user, "write, of what is denied", changes, later, was)
            later = _without_allowed([await batch_ways.upserted(app, each) for each in upserts])
            was = _without_allowed(settled_upserts)
            assert later == was, _shown(example, user, "upsert, of what is denied", upserts, later, was)
        found, expected = await write_ways.write_for_good(worlds, app, oracle, rng.choice(changes))
        assert found == expected, _shown(example, user, "written", changes, found, expected)


def _paged(answer: Any) -> Any:
    """Pages tell whether there are more, not by which cursor."""
    if not isinstance(answer, list) or not all(isinstance(page, dict) for page in answer):
        return answer
    return [{**page, "next": page["next"] is not None} for page in answer]


def _shown(example: World, user: int, *what: Any) -> str:
    lines = [*map(repr, what), *map(repr, example.documents()), repr(example.users[user]), repr(example.records)]
    return "\n".join(lines)


async def _change_denied(worlds: Worlds, rng: Random, example: World, oracle: Oracle) -> bool:
    """Change some values that the user may not read, in a way that gives him no other rows or fields, past all doors:
    whether there were any."""
    places = {"user": [u["id"] for u in example.users], **{n: [r["id"] for r in example.records[n]] for n in ENTITIES}}
    denied: list[tuple[str, Record, str]] = []
    names = {**example.fields, "activity": OTHERS["activity"]}
    for entity, questioned in names.items():
        for record in oracle.stored[entity].values():
            seen = oracle.fields_on(entity, record) if _is_seen(oracle, entity, record) else set()
            denied += [(entity, record, n) for n in questioned if n not in seen and not COMPUTED.get(n)]
    before, rights = copy.deepcopy(oracle.stored), _rights(oracle)
    changed: dict[str, set[str]] = {}
    for entity, record, name in rng.sample(denied, min(len(denied), CHANGED)):
        old, record[name] = record[name], value(rng, example, entity, name, places)
        stored = dict(record)
        example.compute(entity, record)
        valid = name != "num" or not any(example.is_invalid(entity, each) for each in (old, record[name]))
        if valid and record[name] is not None and old is not None and _rights(oracle) == rights:
            changed.setdefault(entity, set()).add(record["id"])
        else:
            record.update(stored | {name: old})
    if oracle.stored == before:
        return False
    await _store(worlds, changed, before)
    return True


def _is_seen(oracle: Oracle, entity: str, record: Record) -> bool:
    return oracle.sees(entity, record, deleted=record["deleted_at"] is not None)


def _rights(oracle: Oracle) -> list[Any]:
    """On which rows each grant of his holds, those of users too: a rule may ask who refers to them."""
    return [
        [oracle.holds_on(grant, entity, record, member) for member in ("where", "check")]
        for entity in oracle.stored
        for action in ACTIONS
        for grant in oracle.given(entity, action)
        for record in oracle.stored[entity].values()
    ]


async def _store(worlds: Worlds, changed: dict[str, set[str]], before: dict[str, dict[str, Record]]) -> None:
    """Store records as they are in memory now, without versions, history or events."""
    kernel, stored = worlds.kernel, worlds.stored
    kinds = {id: entity for entity in ENTITIES for id in stored[entity]}

    async def work(tx: Tx) -> None:
        for entity, ids in changed.items():
            for row in (stored[entity][id] for id in sorted(ids)):
                names = [name for name, was in before[entity][row["id"]].items() if row[name] != was]
                next_version = {**row, "version": row["version"] + 1, "about__entity": kinds.get(row.get("about", ""))}
                await kernel.store.records.update(tx, kernel.registry.entities[entity], [(next_version, names)])

    await kernel.database.write(work)


def _without_allowed(decided: list[Any]) -> list[Any]:
    """Without what may tell of denied data: that others refer to a record, that a value was written over by itself."""
    alike = {"unchanged": "updated", "referenced": "deleted"}
    return [alike.get(each, each) if isinstance(each, str) else each for each in decided]
