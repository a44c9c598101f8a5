"""What the floor's two applications share: rows as they are answered, and a new row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar import Response
from uuid_utils import uuid7

from bench.floor.schema import JSON_MEMBERS, MEMBERS

Contact = msgspec.defstruct("Contact", [(member, Any) for member in MEMBERS])
COLUMNS = ", ".join(MEMBERS)
JSON_AT = [number for number, member in enumerate(MEMBERS) if member in JSON_MEMBERS]
BOOLEAN_AT = MEMBERS.index("do_not_contact")
LIVE = f"SELECT {COLUMNS} FROM contact WHERE deleted_at IS NULL"
REPORT = (
    "SELECT segment, count(*), sum(budget) FROM contact WHERE deleted_at IS NULL{} GROUP BY segment ORDER BY segment"
)
JSON = "application/json"


def contact(row: Sequence[Any]) -> Any:
    """A row as it is answered."""
    values = list(row)
    for at in JSON_AT:
        if values[at] is not None:
            values[at] = msgspec.Raw(values[at].encode())
    values[BOOLEAN_AT] = values[BOOLEAN_AT] == 1
    return Contact(*values)


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_row(sent: Mapping[str, Any], owner: str, team: str) -> tuple[Any, ...]:
    """What is stored of a new contact."""
    moment = now()
    name = f"{sent['first_name']} {sent['last_name']}"
    fixed = {"id": str(uuid7()), "version": 1, "created_at": moment, "created_by": owner, "updated_at": moment}
    values = {**sent, **fixed, "updated_by": owner, "owner": owner, "team": team, "name": name}
    return tuple(map(values.get, MEMBERS))


def answer(content: Any, status: int = 200) -> Response[bytes]:
    return Response(msgspec.json.encode(content), status_code=status, media_type=JSON)


def page(rows: Sequence[Sequence[Any]]) -> Response[bytes]:
    """A page of 50 of the 51 rows that were read."""
    following = rows[49][0] if len(rows) > 50 else None
    return answer({"items": [contact(row) for row in rows[:50]], "next": following})


def table(rows: Sequence[Sequence[Any]]) -> Response[bytes]:
    """The answer of the report."""
    return answer({"rows": [{"segment": key, "n": count, "budget": total} for key, count, total in rows]})
