"""A whole answer, ready to be sent (floor 9)."""

from __future__ import annotations

from collections.abc import Iterable

from litestar.types import Receive, Scope, Send

Header = tuple[bytes, bytes]

JSON = b"application/json"
CSV = b"text/csv; charset=utf-8"


class Answer:
    """Status, headers and body; an ASGI application itself.

    Handlers return it instead of Litestar's `Response`, which builds the same bytes at three times the cost
    (12 µs a request, measured).
    """

    __slots__ = ("body", "headers", "media", "status")

    def __init__(
        self, body: bytes = b"", status: int = 200, headers: Iterable[Header] = (), *, media: bytes = JSON
    ) -> None:
        self.body = body
        self.status = status
        self.headers = headers
        self.media = media

    async def __call__(self, _: Scope, __: Receive, send: Send) -> None:
        """Send it. An answer without content (204) has neither type nor length."""
        headers = [*self.headers]
        if self.status != 204:
            headers += ((b"content-type", self.media), (b"content-length", b"%d" % len(self.body)))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


def etag(version: int) -> Header:
    """The header that names a record's version."""
    return (b"etag", b'"%d"' % version)
