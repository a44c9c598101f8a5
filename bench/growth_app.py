"""The app whose growth is measured: contacts with a pipeline, and five people who see very different parts of them.

Rows go into the table directly, encoded by the kernel as it encodes its own, after one contact that was created through
it: 1,000,000 in a minute or two. They have no history and no events behind them, since none of the measured reads and
writes looks at those of another moment.
"""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import asyncpg
from uuid_utils import uuid7

from bench import data
from bench.stores import Store
from crm_kernel.cli.new import make_app
from crm_kernel.kernel import Kernel
from crm_kernel.settings import load_settings
from crm_kernel.storage.columns import is_stored
from crm_kernel.storage.encoding import encoder
from crm_kernel.storage.evolution import evolve
from crm_kernel.storage.search_index import make_filled, search_index

PIPELINE = {
    "kind": "pipeline",
    "name": "nurture",
    "entity": "contact",
    "label": "Nurture",
    "stages": [{"name": "fresh", "type": "open"}, {"name": "talking", "type": "open"}, {"name": "won", "type": "won"}],
}
_MINE = "owner = @me or team in @my_teams"
_FIELDS = {"readonly": ["source"]}
_ACTIONS = ["read", "create", "update", "move"]
ROLES = [
    {
        "kind": "role",
        "name": "growth-desk",
        "grants": [{"entity": "contact", "actions": _ACTIONS, "fields": _FIELDS}],
    },
    {
        "kind": "role",
        "name": "growth-agent",
        "grants": [{"entity": "contact", "actions": _ACTIONS, "where": _MINE, "fields": _FIELDS}],
    },
]
DOCUMENTS = [data.FIELDS_DOCUMENT, PIPELINE, *ROLES]

TEAMS = ["Whole", "Empty", "Small", "Half", "Rest A", "Rest B", "Rest C"]
"""Who is in Whole is in all others too: they stand below it."""
PERSONAS = {"nothing": "Empty", "0.5 %": None, "3.5 %": "Small", "half": "Half", "all": "Whole"}
"""Name and team of the people with row rules, by what they see."""
DESK = "desk"
SHARES: list[tuple[float, str, str | None]] = [
    (0.005, "0.5 %", None),
    (0.005, "3.5 %", "Small"),
    (0.030, "small-other", "Small"),
    (0.005, "half", "Half"),
    *((0.495 / 10, f"half-{number}", "Half") for number in range(10)),
    *((0.460 / 12, f"rest-{number}", f"Rest {'ABC'[number % 3]}") for number in range(12)),
]
"""Part of all contacts, its owner, his team. Contacts of the one without a team are of Rest A: `all` sees them too."""


def login(name: str) -> str:
    """The login of a person."""
    return "".join(c if c.isalnum() else "-" for c in name)


async def make(folder: Path, store: Store, count: int) -> dict[str, str]:
    """An app folder and its database with `count` contacts; tokens by person."""
    shutil.rmtree(folder, ignore_errors=True)
    make_app(folder, "growth")
    data.write_app_files(folder, store.url)
    shutil.rmtree(folder / "documents")
    for document in DOCUMENTS:
        place = folder / "documents" / document["kind"]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{document['name']}.json").write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    (folder / "data").mkdir()
    kernel = await Kernel.open(load_settings(folder, {}), strict=True)
    try:
        await evolve(kernel.database, kernel.registry.entities)
        await kernel.documents.sync_files(folder / "documents")
        people, teams, tokens = await _people(kernel)
        columns, rows = await _rows(kernel, people, teams, count)
        await fill(store, columns, rows)
        index = search_index(kernel.registry.entities["contact"])
        if index is not None:
            await kernel.database.load(lambda tx: make_filled(tx, index))
    finally:
        await kernel.close()
    return tokens


async def _people(kernel: Kernel) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Ids of people and teams, tokens of those who will ask."""
    crm = kernel.crm()
    [whole] = await crm.write([{"create": {"values": {"name": "Whole"}}}], entity="team")
    below = [{"create": {"values": {"name": name, "parent": whole["id"]}}} for name in TEAMS[1:]]
    written = await crm.write(below, entity="team")
    teams = {"Whole": whole["id"], **{team["name"]: team["id"] for team in written}}
    wanted: dict[str, str | None] = {name: team for _, name, team in SHARES} | PERSONAS | {DESK: None}
    values = [
        {
            "login": login(name),
            "name": name,
            "roles": ["growth-desk" if name == DESK else "growth-agent"],
            **({"team": teams[team]} if team else {}),
        }
        for name, team in wanted.items()
    ]
    users = await crm.write([{"create": {"values": one}} for one in values], entity="user")
    people = {user["name"]: user["id"] for user in users}
    tokens = {name: (await kernel.identity.create_token(login(name), "bench"))[1] for name in [*PERSONAS, DESK]}
    return people, teams, tokens


async def _rows(
    kernel: Kernel, people: Mapping[str, str], teams: Mapping[str, str], count: int
) -> tuple[tuple[str, ...], Iterator[list[Any]]]:
    """The columns of the table, and the contacts but for the one that is made here, as bind values."""
    model = kernel.registry.entities["contact"]
    first = (await kernel.crm().write([{"create": {"values": {"first_name": "Ilze"}}}], entity="contact"))[0]
    [pattern] = await kernel.store.records.load(kernel.database, model, [first["id"]])
    encoded = encoder([f for f in model.fields.values() if is_stored(f)], kernel.store.dialect)
    made = _contacts(pattern, people, teams, count - 1)
    return encoded.columns, map(encoded.encode, made)


def _contacts(
    pattern: Mapping[str, Any], people: Mapping[str, str], teams: Mapping[str, str], count: int
) -> Iterator[dict[str, Any]]:
    """`count` records in canonical form, one created each minute up to the present year."""
    chance = random.Random(20260302)
    parts = chance.choices(SHARES, [share for share, *_ in SHARES], k=count)
    for number, (row, (_, owner, team)) in enumerate(zip(data.contacts(count), parts, strict=True)):
        moment = _moment(number)
        values = {name: value or None for name, value in row.items()}
        values |= {"name": f"{row['first_name']} {row['last_name']}", "do_not_contact": row["do_not_contact"] == "true"}
        values |= {"score": float(row["score"]), "budget": float(row["budget"]), "rating": int(row["rating"])}
        values |= {"owner": people[owner], "team": teams[team or "Rest A"], "id": str(uuid7())}
        yield {**pattern, **values, "created_at": moment, "updated_at": moment, "stage_since": moment}


def _moment(number: int) -> str:
    """A minute of the years from 2020 on, with 28 days in each month."""
    days, minute = divmod(number, 1440)
    months, day = divmod(days, 28)
    return f"{2020 + months // 12}-{months % 12 + 1:02}-{day + 1:02}T{minute // 60:02}:{minute % 60:02}:00.000000Z"


async def fill(store: Store, columns: tuple[str, ...], rows: Iterator[list[Any]]) -> None:
    """Contacts into their table, its indexes built afterwards."""
    if store.engine == "sqlite":
        _fill_sqlite(store.url.removeprefix("sqlite:///"), columns, rows)
    else:
        await _fill_postgres(store.url, columns, rows)


def _fill_sqlite(file: str, columns: tuple[str, ...], rows: Iterator[list[Any]]) -> None:
    db = sqlite3.connect(file, isolation_level=None)
    db.executescript("PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000;")
    found = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'e_contact' AND sql IS NOT NULL"
    indexes = db.execute(found).fetchall()
    names = ", ".join(f'"{name}"' for name in columns)
    db.execute("BEGIN")
    for name, _ in indexes:
        db.execute(f'DROP INDEX "{name}"')
    db.executemany(f"INSERT INTO e_contact ({names}) VALUES ({', '.join('?' * len(columns))})", rows)
    for _, sql in indexes:
        db.execute(sql)
    db.execute("COMMIT")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


async def _fill_postgres(url: str, columns: tuple[str, ...], rows: Iterator[list[Any]]) -> None:
    db = await asyncpg.connect(url)
    found = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'e_contact' AND indexname NOT LIKE '%_pkey'"
    indexes = await db.fetch(found)
    await db.execute("SET maintenance_work_mem = '256MB'; SET synchronous_commit = off; BEGIN")
    for name, _ in indexes:
        await db.execute(f'DROP INDEX "{name}"')
    while part := list(islice(rows, 20_000)):
        await db.copy_records_to_table("e_contact", records=part, columns=columns)
    for _, sql in indexes:
        await db.execute(sql)
    await db.execute("COMMIT")
    await db.close()
