"""The floor application on PostgreSQL: Litestar + msgspec + asyncpg, hand-written SQL, no rules, no hooks, no history.

Two pools of the sizes that the framework has, without asyncpg's reset of a session that nothing changed: the fastest
plain form found here. Each write is its own durable COMMIT (synchronous_commit = on). `FLOOR_DATABASE` is the URL.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import msgspec
from litestar import Litestar, Request, Response, get, patch, post

from bench.floor.records import COLUMNS, LIVE, REPORT, answer, contact, new_row, now, page, table
from bench.floor.schema import MEMBERS
from crm_kernel.storage.postgres_engine import READERS, WRITERS

GET = f"{LIVE} AND id = $1"
LIST = f"{LIVE} AND segment = $1 ORDER BY score DESC NULLS LAST, id LIMIT 51"
LIST_MINE = f"{LIVE} AND segment = $1 AND (owner = $2 OR team IN ($3)) ORDER BY score DESC NULLS LAST, id LIMIT 51"
REPORT_ALL = REPORT.format("")
REPORT_MINE = REPORT.format(" AND (owner = $1 OR team IN ($2))")
INSERT = f"INSERT INTO contact ({COLUMNS}) VALUES ({', '.join(f'${at + 1}' for at in range(len(MEMBERS)))})"
UPDATE = (
    "UPDATE contact SET budget = $1, version = version + 1, updated_at = $2 WHERE id = $3 AND deleted_at IS NULL"
    f" RETURNING {COLUMNS}"
)


class Connected:
    """The pools, and who the people are: there from the server's start on."""

    reads: Any
    writes: Any
    people: dict[str, tuple[str, str]]


db = Connected()


async def no_reset(_: Any) -> None:
    """Nothing here changes a session."""


@asynccontextmanager
async def connected(_: Litestar) -> AsyncIterator[None]:
    """Both pools, full."""
    settings = {"synchronous_commit": "on", "jit": "off"}
    options: dict[str, Any] = {"dsn": os.environ["FLOOR_DATABASE"], "server_settings": settings, "reset": no_reset}
    async with (
        asyncpg.create_pool(min_size=READERS, max_size=READERS, **options) as db.reads,
        asyncpg.create_pool(min_size=WRITERS, max_size=WRITERS, **options) as db.writes,
    ):
        people = await db.reads.fetch("SELECT login, id, team FROM person")
        db.people = {login: (key, team) for login, key, team in people}
        yield


@get("/health/ready")
async def ready() -> dict[str, str]:
    return {"status": "ready"}


@get("/contacts/{key:str}")
async def read(key: str) -> Response[bytes]:
    row = await db.reads.fetchrow(GET, key)
    return answer(contact(row)) if row else answer({"status": 404}, 404)


@get("/contacts")
async def query(request: Request[Any, Any, Any]) -> Response[bytes]:
    asked = request.query_params
    if login := asked.get("mine"):
        return page(await db.reads.fetch(LIST_MINE, asked["segment"], *db.people[login]))
    return page(await db.reads.fetch(LIST, asked["segment"]))


@post("/contacts")
async def create(request: Request[Any, Any, Any]) -> Response[bytes]:
    row = new_row(msgspec.json.decode(await request.body()), *db.people["user00"])
    await db.writes.execute(INSERT, *row)
    return answer(contact(row), 201)


@patch("/contacts/{key:str}")
async def update(key: str, request: Request[Any, Any, Any]) -> Response[bytes]:
    sent = msgspec.json.decode(await request.body())
    row = await db.writes.fetchrow(UPDATE, sent["budget"], now(), key)
    return answer(contact(row)) if row else answer({"status": 404}, 404)


@get("/reports/contacts-by-segment")
async def report(request: Request[Any, Any, Any]) -> Response[bytes]:
    if login := request.query_params.get("mine"):
        return table(await db.reads.fetch(REPORT_MINE, *db.people[login]))
    return table(await db.reads.fetch(REPORT_ALL))


app = Litestar([ready, read, query, create, update, report], lifespan=[connected], openapi_config=None, debug=False)
