"""The ceiling: an ASGI function that answers one prepared record. No framework, no database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from bench.floor.schema import MEMBERS

BODY = msgspec.json.encode({member: f"some {member}" for member in MEMBERS})
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())],
}
END = {"type": "http.response.body", "body": BODY}


async def app(scope: dict[str, Any], _: Callable[..., Awaitable[Any]], send: Callable[..., Awaitable[Any]]) -> None:
    """Answers any request with the same record."""
    if scope["type"] == "http":
        await send(START)
        await send(END)
