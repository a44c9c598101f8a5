"""Every way by which records are read: how a question is drawn, how the app answers it, what the oracle says to it.

A new way is one more entry of `WAYS`. Answers are what JSON holds; a refusal is its code.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any, NamedTuple

from crm_kernel import Error
from crm_kernel.callers import Caller
from crm_kernel.kernel import Kernel
from crm_kernel.operations.answers import encode
from crm_kernel.operations.list_query import ListQuery
from tests.access.expressions import folded, text
from tests.access.oracle import Oracle, Record
from tests.access.schemas import ENTITIES, OTHERS, PICKS, STAGES
from tests.access.world import World, path, tree

Question = dict[str, Any]
ASKED = [*ENTITIES, *ENTITIES, *OTHERS]
SOUGHT = ["ann", "a", "cau", "BOB č", "ze ann", "user 1", "u1", "=ann", "edit", "no-one", " . "]
"""What is typed into a search box."""


class App(NamedTuple):
    """A kernel and who asks."""

    kernel: Kernel
    caller: Caller


class Way(NamedTuple):
    """One way. `draw` makes a question, `ask` puts it to the app (bytes of JSON), `tell` to the oracle."""

    draw: Callable[[Random, World], Question]
    ask: Callable[[App, Question], Awaitable[bytes]]
    tell: Callable[[Oracle, Question], Any]


class Refused(Exception):
    """What the oracle says where the app must refuse: the code."""


async def asked(way: Way, app: App, question: Question) -> bytes:
    """The app's answer, or the whole of its refusal."""
    try:
        return await way.ask(app, question)
    except Error as error:
        return encode({"refused": error.code, "detail": error.detail, "errors": [f.render() for f in error.faults]})


def told(way: Way, oracle: Oracle, question: Question) -> Any:
    """The oracle's answer, or the code of its refusal."""
    try:
        return plain(way.tell(oracle, question))
    except Refused as refused:
        return {"refused": str(refused)}


def plain(answer: Any) -> Any:
    """As JSON holds it, without what depends on the moment alone."""
    return settled(json.loads(encode(answer)))


def settled(answer: Any) -> Any:
    """Without `rotting` (of a stage and the time) and what a refusal says beside its code."""
    if isinstance(answer, dict):
        if "refused" in answer:
            return {"refused": answer["refused"]}
        return {name: settled(value) for name, value in answer.items() if name != "rotting"}
    return [settled(item) for item in answer] if isinstance(answer, list) else answer


def known(oracle: Oracle, entity: str, *names: str) -> None:
    """Refuse what a caller may not ask an entity for."""
    if not oracle.knows(entity):
        raise Refused("not_found")
    if not oracle.given(entity, "read"):
        raise Refused("forbidden")
    for name in names:
        if not oracle.exists(entity, name):
            raise Refused("unknown_field")


def visible(oracle: Oracle, question: Question) -> Record:
    """The record a question is about; a hidden one is as one that never was."""
    record = oracle.stored[question["entity"]].get(question["id"])
    if not oracle.knows(question["entity"]) or record is None or not oracle.sees(question["entity"], record):
        raise Refused("not_found")
    return record


def one(rng: Random, world: World) -> Question:
    """A record to ask for."""
    entity = rng.choice(ASKED)
    among = world.users if entity == "user" else world.records[entity]
    return {"entity": entity, "id": rng.choice(among)["id"]}


# ---- get ------------------------------------------------------------------------------------------------------------
def draw_get(rng: Random, world: World) -> Question:
    question = one(rng, world)
    return {**question, "fields": None if rng.random() < 0.5 else names(rng, world, question["entity"])}


def names(rng: Random, world: World, entity: str) -> list[str]:
    return list(dict.fromkeys(path(rng, world, entity)[0] for _ in range(rng.randint(1, 4))))


async def ask_get(app: App, question: Question) -> bytes:
    fields = None if question["fields"] is None else tuple(question["fields"])
    body, _ = await app.kernel.reader.get_answer(question["entity"], question["id"], app.caller, fields=fields)
    return body


def tell_get(oracle: Oracle, question: Question) -> Any:
    if not oracle.given(question["entity"], "read"):
        raise Refused("not_found")
    known(oracle, question["entity"], *question["fields"] or ())
    return item(oracle, question["entity"], visible(oracle, question), question["fields"])


def item(oracle: Oracle, entity: str, record: Record, fields: list[str] | None) -> Record:
    """One item of a list, or the answer of a get."""
    shown = oracle.shown(entity, record)
    if fields is None:
        return shown
    asked = {name: oracle.at(entity, record, name.split(".")) if "." in name else shown[name] for name in fields}
    return {"id": record["id"], "version": record["version"], **asked}


# ---- list, count ----------------------------------------------------------------------------------------------------
def draw_list(rng: Random, world: World) -> Question:
    entity = rng.choice(ASKED)
    sort = [(name, rng.random() < 0.5) for name in names(rng, world, entity) if _sortable(name)][: rng.randint(0, 3)]
    return {
        "entity": entity,
        "filter": tree(rng, world, entity, 2) if rng.random() < 0.7 else None,
        "q": rng.choice(SOUGHT) if rng.random() < 0.3 else None,
        "sort": sort,
        "fields": None if rng.random() < 0.6 else names(rng, world, entity),
        "limit": rng.randint(1, 3),
        "count": rng.choice(["none", "capped", "exact"]),
        "deleted": rng.random() < 0.15,
    }


def _sortable(name: str) -> bool:
    return name.rpartition(".")[2] not in ("tags", "place")


async def ask_list(app: App, question: Question) -> bytes:
    pages: list[bytes] = []
    query = ListQuery(
        filter=question["filter"] and text(question["filter"]),
        q=question["q"],
        sort=",".join(f"{'-' if down else ''}{name}" for name, down in question["sort"]) or None,
        fields=None if question["fields"] is None else tuple(question["fields"]),
        limit=question["limit"],
        count=question["count"],
        deleted=question["deleted"],
    )
    cursor: str | None = None
    while True:
        asked = ListQuery(**{name: getattr(query, name) for name in query.__struct_fields__} | {"cursor": cursor})
        pages.append(await app.kernel.reader.list_answer(question["entity"], app.caller, asked))
        cursor = json.loads(pages[-1])["next"]
        if cursor is None:
            return b"[" + b",".join(pages) + b"]"


def tell_list(oracle: Oracle, question: Question) -> Any:
    entity, limit = question["entity"], question["limit"]
    known(oracle, entity)
    if question["deleted"] and not oracle.given(entity, "delete"):
        raise Refused("forbidden")
    known(oracle, entity, *question["fields"] or (), *(name for name, _ in question["sort"]))
    if question["filter"] is not None and not oracle.may_ask(question["filter"], entity):
        raise Refused("unknown_field")
    found = oracle.rows(entity, question["filter"], question["deleted"])
    found = [row for row in found if question["q"] is None or oracle.sought(entity, row, question["q"])]
    rows = ordered(oracle, entity, found, question["sort"])
    items = [item(oracle, entity, row, question["fields"]) for row in rows]
    pages = [items[at : at + limit] for at in range(0, len(items), limit)] or [[]]
    count = None if question["count"] == "none" else len(rows)
    capped = {} if count is None else {"count_capped": False}
    return [{"items": page, "next": page is not pages[-1], "count": count, **capped} for page in pages]


def ordered(oracle: Oracle, entity: str, rows: list[Record], sort: list[tuple[str, bool]]) -> list[Record]:
    """The rows in the order of a list: nulls last both ways, the id last of all keys."""
    keys = sort
    if not sort and "created_at" in oracle.fields(entity):
        keys = [("created_at", True)]
    rows = sorted(rows, key=lambda row: str(row["id"]), reverse=not keys)
    for name, down in reversed(keys):
        full = [row for row in rows if oracle.at(entity, row, name.split(".")) is not None]
        empty = [row for row in rows if row not in full]
        full.sort(key=lambda row, name=name: rank(name, oracle.at(entity, row, name.split("."))), reverse=down)  # type: ignore[misc]
        rows = full + empty
    return rows


def rank(name: str, value: Any) -> Any:
    """What a value is sorted by."""
    match name.rpartition(".")[2]:
        case "pick":
            return PICKS.index(value)
        case "stage":
            return STAGES.index(value)
        case _:
            return (folded(value), value) if isinstance(value, str) else value


# ---- expand ---------------------------------------------------------------------------------------------------------
def draw_expand(rng: Random, world: World) -> Question:
    entity = rng.choice(ENTITIES)
    among = ["owner", "team", *(f for f in ("link", "boss", "about") if f in world.fields[entity])]
    return {"entity": entity, "expand": rng.sample(among, rng.randint(1, len(among)))}


async def ask_expand(app: App, question: Question) -> bytes:
    query = ListQuery(expand=tuple(question["expand"]), sort="id", limit=100)
    return await app.kernel.reader.list_answer(question["entity"], app.caller, query)


def tell_expand(oracle: Oracle, question: Question) -> Any:
    entity = question["entity"]
    known(oracle, entity)
    rows = [oracle.shown(entity, row) for row in oracle.rows(entity, None)]
    rows.sort(key=lambda row: str(row["id"]))
    if rows:
        known(oracle, entity, *question["expand"])
    elif not all(oracle.exists(entity, name) for name in question["expand"]):
        raise Refused("unknown_field")
    for row in rows:
        for name in question["expand"]:
            if row[name] is not None:
                row[name] = expanded(oracle, entity, name, row[name])
    return {"items": rows, "next": None, "count": None}


def expanded(oracle: Oracle, entity: str, field: str, id: str) -> Record:
    """The object in the place of a reference."""
    target = oracle.world.target(entity, field)
    for name in [target] if target else list(oracle.stored):
        record = oracle.stored[str(name)].get(id)
        if record is not None and oracle.sees(str(name), record):
            return oracle.shown(str(name), record)
    return {"id": id, "hidden": True}


# ---- report ---------------------------------------------------------------------------------------------------------
def draw_report(rng: Random, world: World) -> Question:
    entity = rng.choice(ASKED)
    groups = [name for name in names(rng, world, entity) if _grouped(name)][: rng.randint(0, 2)]
    measures: list[dict[str, Any]] = [{"count": "*", "as": "n"}]
    if "num" in world.names(entity):
        measures += [{"sum": "num", "as": "total"}, {"max": "num", "as": "most"}]
    measures.append({"count_distinct": path(rng, world, entity)[0], "as": "kinds"})
    if not _grouped(measures[-1]["count_distinct"]):
        measures.pop()
    filter = tree(rng, world, entity, 1) if rng.random() < 0.5 else None
    return {"entity": entity, "groups": groups, "measures": measures, "filter": filter}


def _grouped(name: str) -> bool:
    return name.rpartition(".")[2] not in ("tags", "place", "created_at", "deleted_at", "stage_since")


async def ask_report(app: App, question: Question) -> bytes:
    document = {"entity": question["entity"], "measures": question["measures"], "group_by": question["groups"]}
    if question["filter"] is not None:
        document["filter"] = text(question["filter"])
    found = await app.kernel.reports.run(document, {}, app.caller)
    rows = sorted(([row[name] for name in row] for row in found["rows"]), key=repr)
    return encode({"rows": rows, "totals": found["totals"]})


def tell_report(oracle: Oracle, question: Question) -> Any:
    entity, measures = question["entity"], question["measures"]
    if not oracle.knows(entity):
        raise Refused("invalid")
    if not oracle.given(entity, "read"):
        raise Refused("forbidden")
    wanted = [*question["groups"], *(m[how] for m in measures for how in m if how not in ("as", "count"))]
    asked = question["filter"] is None or oracle.may_ask(question["filter"], entity)
    if not asked or not all(oracle.exists(entity, name) for name in wanted):
        raise Refused("invalid")
    groups: dict[str, tuple[list[Any], list[Record]]] = {}
    rows = oracle.rows(entity, question["filter"])
    for row in rows:
        key = [oracle.at(entity, row, name.split(".")) for name in question["groups"]]
        groups.setdefault(repr(key), (key, []))[1].append(row)
    if not question["groups"]:
        groups = {"": ([], rows)}
    measured = [[*key, *measure(oracle, entity, measures, found).values()] for key, found in groups.values()]
    return {"rows": sorted(measured, key=repr), "totals": measure(oracle, entity, measures, rows)}


def measure(oracle: Oracle, entity: str, measures: list[dict[str, Any]], rows: list[Record]) -> dict[str, Any]:
    """The measures of some rows."""
    found: dict[str, Any] = {}
    for wanted in measures:
        how = next(name for name in wanted if name != "as")
        values = [oracle.at(entity, row, wanted[how].split(".")) for row in rows] if how != "count" else []
        full = [value for value in values if value is not None]
        match how:
            case "count":
                found[wanted["as"]] = len(rows)
            case "sum":
                found[wanted["as"]] = sum(full) if full else None
            case "max":
                found[wanted["as"]] = max(full, default=None)
            case "count_distinct":
                found[wanted["as"]] = len(set(full))
    return found
