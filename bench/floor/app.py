"""The floor application: Litestar + msgspec + sqlite3, hand-written SQL, no rules, no hooks, no history.

Plain handlers and one connection for reads, one for writes, both on the loop's thread: the fastest plain form found
here. Each write is its own durable COMMIT (WAL, synchronous=FULL). `FLOOR_DATABASE` names the file.
"""

from __future__ import annotations

import os
import sqlite3
from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, get, patch, post
from uuid_utils import uuid7

from bench.floor.schema import JSON_MEMBERS, MEMBERS

Contact = msgspec.defstruct("Contact", [(member, Any) for member in MEMBERS])
COLUMNS = ", ".join(MEMBERS)
JSON_AT = [number for number, member in enumerate(MEMBERS) if member in JSON_MEMBERS]
BOOLEAN_AT = MEMBERS.index("do_not_contact")

GET = f"SELECT {COLUMNS} FROM contact WHERE id = ? AND deleted_at IS NULL"
LIST = f"SELECT {COLUMNS} FROM contact WHERE segment = ? AND deleted_at IS NULL ORDER BY score DESC, id LIMIT 51"
LIST_MINE = (
    f"SELECT {COLUMNS} FROM contact WHERE segment = ? AND deleted_at IS NULL AND (owner = ? OR team IN (?))"
    " ORDER BY score DESC, id LIMIT 51"
)
INSERT = f"INSERT INTO contact ({COLUMNS}) VALUES ({', '.join('?' * len(MEMBERS))})"
UPDATE = (
    "UPDATE contact SET budget = ?, version = version + 1, updated_at = ? WHERE id = ? AND deleted_at IS NULL"
    f" RETURNING {COLUMNS}"
)
REPORT = "SELECT segment, count(*), sum(budget) FROM contact WHERE deleted_at IS NULL GROUP BY segment ORDER BY segment"


def connect() -> sqlite3.Connection:
    """A connection with the settings of a durable server."""
    db = sqlite3.connect(os.environ["FLOOR_DATABASE"], isolation_level=None, cached_statements=256)
    db.executescript(
        "PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;"
        "PRAGMA cache_size = -65536; PRAGMA mmap_size = 268435456;"
    )
    return db


reads, writes = connect(), connect()
PEOPLE = {login: (key, team) for key, login, team in reads.execute("SELECT id, login, team FROM person")}
JSON = "application/json"


def contact(row: tuple[Any, ...]) -> Any:
    """A row as it is answered."""
    values = list(row)
    for at in JSON_AT:
        if values[at] is not None:
            values[at] = msgspec.Raw(values[at].encode())
    values[BOOLEAN_AT] = values[BOOLEAN_AT] == 1
    return Contact(*values)


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def answer(content: Any, status: int = 200) -> Response[bytes]:
    return Response(msgspec.json.encode(content), status_code=status, media_type=JSON)


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
        person, team = PEOPLE[login]
        rows = reads.execute(LIST_MINE, (asked["segment"], person, team)).fetchall()
    else:
        rows = reads.execute(LIST, (asked["segment"],)).fetchall()
    following = rows[49][0] if len(rows) > 50 else None
    return answer({"items": [contact(row) for row in rows[:50]], "next": following})


@post("/contacts")
async def create(request: Request[Any, Any, Any]) -> Response[bytes]:
    sent = msgspec.json.decode(await request.body())
    moment = now()
    owner, team = PEOPLE["user00"]
    name = f"{sent['first_name']} {sent['last_name']}"
    fixed = {"id": str(uuid7()), "version": 1, "created_at": moment, "created_by": owner, "updated_at": moment}
    values = {**sent, **fixed, "updated_by": owner, "owner": owner, "team": team, "name": name}
    row = tuple(map(values.get, MEMBERS))
    writes.execute(INSERT, row)
    return answer(contact(row), 201)


@patch("/contacts/{key:str}")
async def update(key: str, request: Request[Any, Any, Any]) -> Response[bytes]:
    sent = msgspec.json.decode(await request.body())
    rows = writes.execute(UPDATE, (sent["budget"], now(), key)).fetchall()
    return answer(contact(rows[0])) if rows else answer({"status": 404}, 404)


@get("/reports/contacts-by-segment")
async def report() -> Response[bytes]:
    rows = [{"segment": key, "n": count, "budget": total} for key, count, total in reads.execute(REPORT)]
    return answer({"rows": rows})


app = Litestar([ready, read, query, create, update, report], openapi_config=None, debug=False)
