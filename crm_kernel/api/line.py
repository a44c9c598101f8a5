"""The line of one request: what every answer carries, and bodies that nobody has read (floor 9)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from litestar.types import Message, Receive, Send

MAX_DRAINED = 64 * 1024 * 1024
MAX_DRAINING_SECONDS = 1.0

_FIXED_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
"""Headers of every answer: data of one caller, never a page, never kept by anyone between."""


class Line:
    """`receive` and `send` of one request, with the headers of every answer put on.

    Where only the head was asked for, the body is left out. What the client still sends is read before the first
    byte of an answer: a server that closes on unread data makes many clients lose the answer.
    """

    __slots__ = ("_bodiless", "_expects", "_receive", "_request_id", "_send", "_unread", "cookie", "started", "status")

    def __init__(
        self, receive: Receive, send: Send, request_id: bytes, headers: Mapping[bytes, bytes], *, bodiless: bool
    ) -> None:
        self._receive = receive
        self._send = send
        self._request_id = request_id
        self._bodiless = bodiless
        self._unread = headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers
        self._expects = b"expect" in headers  # then the body comes only if we ask for it
        self.started = False
        self.status = 0
        self.cookie: tuple[bytes, bytes] | None = None
        """The header of a renewed session, unless the answer sets a cookie itself."""

    async def receive(self) -> Any:
        """The next part of the request."""
        message: Any = await self._receive()
        self._expects = False
        self._unread = message["type"] == "http.request" and message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Send a part of the answer."""
        if message["type"] == "http.response.start":
            if self._unread and not self._expects:
                await self._drain()
            self.started = True
            self.status = message["status"]
            headers = [*message["headers"], (b"x-request-id", self._request_id), *_FIXED_HEADERS]
            if self.cookie is not None and all(name != b"set-cookie" for name, _ in headers):
                headers.append(self.cookie)
            message["headers"] = headers
        elif self._bodiless and message["type"] == "http.response.body":
            message["body"] = b""
        await self._send(message)

    async def _drain(self) -> None:
        """Read what is left of the body, within reason."""
        done, late = await asyncio.wait((asyncio.create_task(self._read_on()),), timeout=MAX_DRAINING_SECONDS)
        for reading in late:
            reading.cancel()
        for reading in done:
            reading.result()

    async def _read_on(self) -> None:
        size = 0
        while self._unread and size < MAX_DRAINED:
            size += len((await self.receive()).get("body", b""))
