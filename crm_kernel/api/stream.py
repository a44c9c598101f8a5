"""An answer that is sent while it is made (floor 9)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

from litestar.types import Receive, Scope, Send

from crm_kernel.api.answer import Header


class Stream:
    """A good answer of unknown length; an ASGI application itself."""

    __slots__ = ("body", "headers", "media")

    def __init__(self, body: AsyncGenerator[bytes], headers: Iterable[Header] = (), *, media: bytes) -> None:
        self.body = body
        self.headers = headers
        self.media = media

    async def __call__(self, _: Scope, __: Receive, send: Send) -> None:
        """Send it part by part."""
        headers = [*self.headers, (b"content-type", self.media)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        async with aclosing(self.body) as parts:
            async for part in parts:
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
