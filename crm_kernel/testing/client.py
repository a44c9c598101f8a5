"""Speaks to the HTTP application in this process, and holds each answer to what is promised of all (floor 11)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple, cast
from urllib.parse import quote, urlencode

import msgspec
from litestar.types import ASGIApp

from crm_kernel.api.app import create_app
from crm_kernel.errors import CATALOGUE
from crm_kernel.kernel import Kernel
from crm_kernel.storage import history, meta, outbox

_NOBODY_READS = re.compile(r"\$argon2id\$|sqlite3\.|asyncpg|SQLSTATE|syntax error at|site-packages|Traceback \(most")
"""What no answer ever has: hashes of passwords, words of the machinery below."""
_SAFE = "/?&=%:@!$'()*+,;-._~"


class Answer(NamedTuple):
    """What came back. `headers` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON, None where there is none."""
        return msgspec.json.decode(self.content) if self.content else None


class Client:
    """A client of one kernel's application, without a network."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    @cached_property
    def _app(self) -> ASGIApp:
        return create_app(self._kernel)

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer to one request; `body` is bytes, or what becomes JSON.

        Raises `AssertionError` where it breaks what holds for every answer: no 5xx, nothing of the machinery, a
        problem with a code of the catalogue for each refusal, which has changed nothing.
        """
        content = body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body)
        sent = {"host": "crm.test", "content-length": str(len(content))}
        sent |= {} if body is None else {"content-type": "application/json"}
        sent |= {} if token is None else {"authorization": f"Bearer {token}"}
        sent |= {name.lower(): value for name, value in (headers or {}).items()}
        where, _, given = path.partition("?")
        before = await self._mark()
        answer = await self._ask(method, where, "&".join(filter(None, [given, urlencode(query or {})])), sent, content)
        await self._hold(f"{method} {path}", answer, before)
        return answer

    async def _ask(self, method: str, path: str, query: str, headers: Mapping[str, str], content: bytes) -> Answer:
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": quote(path, safe=_SAFE).encode(),
            "query_string": quote(query, safe=_SAFE).encode(),
            "root_path": "",
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
            "client": ("127.0.0.1", 50000),
            "server": ("crm.test", 80),
        }
        left = [{"type": "http.request", "body": content, "more_body": False}]
        came: list[Mapping[str, Any]] = []

        async def receive() -> Any:
            return left.pop() if left else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            came.append(message)

        await self._app(cast("Any", scope), receive, send)
        head = next(message for message in came if message["type"] == "http.response.start")
        told = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in head["headers"]}
        return Answer(head["status"], told, b"".join(message.get("body", b"") for message in came))

    async def _mark(self) -> tuple[int, int, int]:
        """What tells whether something was written."""
        database = self._kernel.database
        return await history.newest(database), await outbox.newest(database), (await meta.marks(database))[1]

    async def _hold(self, what: str, answer: Answer, before: tuple[int, int, int]) -> None:
        what = f"{what}: {answer.status} {answer.text[:2000]}"
        assert answer.status < 500, what
        assert not _NOBODY_READS.search(answer.text), what
        if answer.status < 400:
            return
        problem = answer.json() or {}
        assert {"type", "title", "status", "code", "detail", "hint", "errors"} <= set(problem), what
        assert problem["code"] in CATALOGUE, what
        assert await self._mark() == before, f"{what} changed something"
