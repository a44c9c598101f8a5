"""The floor application: Litestar + msgspec + sqlite3, hand-written SQL, no rules, no hooks, no history.

Plain handlers and one connection for reads, one for writes, both on the loop's thread: the fastest plain form found
here. Each write is its own durable COMMIT (WAL, synchronous=FULL). `FLOOR_DATABASE` is the URL of the file.
"""

from __future__ import annotations

import os
import sqlite3
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, get, patch, post

from bench.floor.records import COLUMNS, LIVE, REPORT, answer, contact, new_row, now, page, table
from bench.floor.schema import MEMBERS, SEARCHED

GET = f"{LIVE} AND id = ?"
LIST = f"{LIVE} AND segment = ? ORDER BY score DESC, id LIMIT 51"
LIST_MINE = f"{LIVE} AND segment = ? AND (owner = ? OR team IN (?)) ORDER BY score DESC, id LIMIT 51"
REPORT_ALL = REPORT.format("")
REPORT_MINE = REPORT.format(" AND (owner = ? OR team IN (?))")
INSERT = f"INSERT INTO contact ({COLUMNS}) VALUES ({', '.join('?' * len(MEMBERS))})"
INSERT_WORDS = (
    f"INSERT INTO words (rowid, {', '.join(SEARCHED)})"
    f" SELECT rowid, {', '.join(SEARCHED)} FROM contact WHERE rowid = last_insert_rowid()"
)
UPDATE = (
    "UPDATE contact SET budget = ?, version = version + 1, updated_at = ? WHERE id = ? AND deleted_at IS NULL"
    f" RETURNING {COLUMNS}"
)


def connect() -> sqlite3.Connection:
    """A connection with the settings of a durable server."""
    file = os.environ["FLOOR_DATABASE"].removeprefix("sqlite:///")
    db = sqlite3.connect(file, isolation_level=None, cached_statements=256)
    db.executescript(
        "PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;"
        "PRAGMA cache_size = -65536; PRAGMA mmap_size = 268435456;"
    )
    return db


reads, writes = connect(), connect()
PEOPLE = {login: (key, team) for key, login, team in reads.execute("SELECT id, login, team FROM person")}


@get("/health/ready")
async def ready() -> dict[str, str]:
    return {"status": "ready"}


@get("/contacts/{key:str}")
async def read(key: str) -> Response[bytes]:
    row = reads.execute(GET, (key,)).fetchone()
    return answer(contact(row)) if row else answer({"status": 404}, 404)


@get("/contacts")
async def query(request: Request[Any, Any, Any]) -> Response[bytes]:
    asked = request.query_params
    if login := asked.get("mine"):
        return page(reads.execute(LIST_MINE, (asked["segment"], *PEOPLE[login])).fetchall())
    return page(reads.execute(LIST, (asked["segment"],)).fetchall())


@post("/contacts")
async def create(request: Request[Any, Any, Any]) -> Response[bytes]:
    row = new_row(msgspec.json.decode(await request.body()), *PEOPLE["user00"])
    writes.execute("BEGIN IMMEDIATE")
    writes.execute(INSERT, row)
    writes.execute(INSERT_WORDS)
    writes.execute("COMMIT")
    return answer(contact(row), 201)


@patch("/contacts/{key:str}")
async def update(key: str, request: Request[Any, Any, Any]) -> Response[bytes]:
    sent = msgspec.json.decode(await request.body())
    rows = writes.execute(UPDATE, (sent["budget"], now(), key)).fetchall()
    return answer(contact(rows[0])) if rows else answer({"status": 404}, 404)


@get("/reports/contacts-by-segment")
async def report(request: Request[Any, Any, Any]) -> Response[bytes]:
    if login := request.query_params.get("mine"):
        return table(reads.execute(REPORT_MINE, PEOPLE[login]).fetchall())
    return table(reads.execute(REPORT_ALL).fetchall())


app = Litestar([ready, read, query, create, update, report], openapi_config=None, debug=False)
