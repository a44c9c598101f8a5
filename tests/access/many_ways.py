"""The ways that show many records at once, or what stands around one: search, export, timeline."""

from __future__ import annotations

import csv
import io
import json
from random import Random
from typing import Any

from crm_kernel.operations.answers import encode
from crm_kernel.operations.export import export
from crm_kernel.operations.list_query import ListQuery
from crm_kernel.operations.search import search
from crm_kernel.operations.timeline import timeline
from tests.access.expressions import text
from tests.access.oracle import Oracle, Record, words_of
from tests.access.record_ways import entry
from tests.access.schemas import ENTITIES, OTHERS, TITLES
from tests.access.ways import SOUGHT, App, Question, Refused, draw_list, item, known, ordered, visible
from tests.access.world import World


# ---- search ---------------------------------------------------------------------------------------------------------
def draw_search(rng: Random, _: World) -> Question:
    return {"q": rng.choice(SOUGHT)}


async def ask_search(app: App, question: Question) -> bytes:
    return encode(await search(app.kernel.reader, question["q"], app.caller))


def tell_search(oracle: Oracle, question: Question) -> Any:
    items: list[Record] = []
    if not words_of(question["q"]):
        return {"items": items}
    for entity in sorted((*ENTITIES, *OTHERS, "team")):
        rows = [row for row in oracle.rows(entity, None) if oracle.sought(entity, row, question["q"])]
        for row in ordered(oracle, entity, rows, []):
            items.append({"entity": entity, "id": row["id"], **_hit(oracle, entity, row, question["q"])})
    return {"items": items}


def _hit(oracle: Oracle, entity: str, row: Record, q: str) -> Record:
    """The title as far as he may read it, and the text in which a word stands: the title's own come last."""
    named = [part.partition("}")[0] for part in TITLES[entity].split("{")[1:]]
    title = TITLES[entity]
    for name in named:
        title = title.replace(f"{{{name}}}", str(oracle.at(entity, row, name.split(".")) or ""))
    *whole, last = words_of(q)
    searched = sorted(oracle.searched(entity), key=lambda name: name in named)
    texts = [oracle.at(entity, row, [name]) or "" for name in searched]
    found = [t for t in texts if any(word in whole or word.startswith(last) for word in words_of(t))]
    return {"title": " ".join(title.split()), "snippet": found[0]}


# ---- export ---------------------------------------------------------------------------------------------------------
def draw_export(rng: Random, world: World) -> Question:
    asked = draw_list(rng, world)
    asked = {name: asked[name] for name in ("entity", "filter", "q", "sort", "fields")}
    return {**asked, "form": rng.choice(["csv", "jsonl"]), "lossless": rng.random() < 0.5}


async def ask_export(app: App, question: Question) -> bytes:
    """Rows as texts (csv) or objects (jsonl), each column but `rotting`, which is of the moment."""
    query = ListQuery(
        filter=question["filter"] and text(question["filter"]),
        q=question["q"],
        sort=",".join(f"{'-' if down else ''}{name}" for name, down in question["sort"]) or None,
        fields=None if question["fields"] is None else tuple(question["fields"]),
    )
    form, lossless = question["form"], question["lossless"]
    parts = await export(app.kernel.reader, question["entity"], app.caller, query, form=form, lossless=lossless)
    sent = b"".join([part async for part in parts]).decode()
    if form == "jsonl":
        return encode({"lines": [json.loads(line) for line in sent.splitlines()]})
    header, *rows = csv.reader(io.StringIO(sent, newline=""))
    kept = [at for at, name in enumerate(header) if name != "rotting"]
    return encode({"lines": [[row[at] for at in kept] for row in (header, *rows)]})


def tell_export(oracle: Oracle, question: Question) -> Any:
    entity = question["entity"]
    known(oracle, entity)
    given = oracle.given(entity, "export")
    if not given:
        raise Refused("forbidden")
    known(oracle, entity, *question["fields"] or (), *(name for name, _ in question["sort"]))
    if question["filter"] is not None and not oracle.may_ask(question["filter"], entity):
        raise Refused("unknown_field")
    rows = oracle.rows(entity, question["filter"])
    rows = [row for row in rows if any(oracle.holds_on(grant, entity, row) for grant in given)]
    rows = [row for row in rows if question["q"] is None or oracle.sought(entity, row, question["q"])]
    rows = ordered(oracle, entity, rows, question["sort"] or [("id", False)])
    names = question["fields"] or [name for name in oracle.fields(entity) if name not in oracle.sensitive(entity)]
    items = [item(oracle, entity, row, question["fields"]) for row in rows]
    if question["form"] == "jsonl":
        return {"lines": [{name: each[name] for name in names} for each in items]}
    cells = [[_cell(each[name], question["lossless"]) for name in names] for each in items]
    return {"lines": [names, *cells]}


def _cell(value: Any, lossless: bool) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return encode(value).decode()
    return f"'{value}" if value[:1] == "=" and not lossless else value


# ---- timeline -------------------------------------------------------------------------------------------------------
def draw_timeline(rng: Random, world: World) -> Question:
    entity = rng.choice(ENTITIES)
    return {"entity": entity, "id": rng.choice(world.records[entity])["id"], "limit": rng.randint(1, 4)}


async def ask_timeline(app: App, question: Question) -> bytes:
    pages: list[Any] = []
    cursor: str | None = None
    while True:
        entity, id, limit = (question[name] for name in ("entity", "id", "limit"))
        pages.append(await timeline(app.kernel.reader, entity, id, app.caller, limit=limit, cursor=cursor))
        cursor = pages[-1]["next"]
        if cursor is None:
            return encode(pages)


def tell_timeline(oracle: Oracle, question: Question) -> Any:
    entity, limit = question["entity"], question["limit"]
    mine = oracle.fields_on(entity, visible(oracle, question))
    items = [entry(oracle, each, mine) for each in oracle.past.get(question["id"], [])]
    items = [
        {"at": each["at"], "kind": "move" if each["move"] else "change", "activity": None, "change": each}
        for each in items
    ]
    if {"about", "created_at"} <= set(oracle.fields("activity")):
        rows = ordered(oracle, "activity", oracle.rows("activity", None), [("created_at", True)])
        for row in rows:
            at, about = (oracle.at("activity", row, [name]) for name in ("created_at", "about"))
            if at is not None and about == question["id"]:
                shown = oracle.shown("activity", row)
                items.append({"at": at, "kind": "activity", "activity": shown, "change": None})
    items.sort(key=lambda each: each["at"].removesuffix("Z"), reverse=True)
    pages = [items[at : at + limit] for at in range(0, len(items), limit)] or [[]]
    return [{"items": page, "next": page is not pages[-1]} for page in pages]
