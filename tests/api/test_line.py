"""The line of one request: nothing the client sends is left unread when it is answered."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from crm_kernel.api import line as module
from crm_kernel.api.line import Line

START: Any = {"type": "http.response.start", "status": 413, "headers": []}


class Client:
    """Sends a body in parts; with `stuck` the last part never comes."""

    def __init__(self, *parts: bytes, stuck: bool = False) -> None:
        self.parts = list(parts)
        self.stuck = stuck
        self.seen: list[Any] = []

    async def receive(self) -> Any:
        if not self.parts:
            await asyncio.Event().wait()
        part = self.parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(self.parts) or self.stuck}

    async def send(self, message: Any) -> None:
        self.seen.append((message["type"], len(self.parts)))

    def line(self, **headers: str) -> Line:
        sent = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
        return Line(self.receive, self.send, b"id", sent, bodiless=False)


@pytest.mark.parametrize("headers", [{"content_length": "3"}, {"transfer_encoding": "chunked"}])
async def test_a_body_that_nobody_read_is_read_before_the_answer(headers: dict[str, str]) -> None:
    client = Client(b"a", b"b", b"c")
    await client.line(**headers).send(dict(START))
    assert client.seen == [("http.response.start", 0)]


async def test_the_rest_of_a_body_is_read() -> None:
    client = Client(b"a", b"b", b"c")
    line = client.line(content_length="3")
    assert (await line.receive())["body"] == b"a"
    await line.send(dict(START))
    assert client.seen == [("http.response.start", 0)]


@pytest.mark.parametrize("headers", [{}, {"content_length": "0"}, {"content_length": "3", "expect": "100-continue"}])
async def test_nothing_is_read_where_nothing_comes(headers: dict[str, str]) -> None:
    client = Client(b"a")
    await client.line(**headers).send(dict(START))
    assert client.seen == [("http.response.start", 1)]


async def test_it_does_not_read_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_DRAINED", 2)
    client = Client(b"a", b"b", b"c", b"d")
    await client.line(content_length="4").send(dict(START))
    assert client.seen == [("http.response.start", 2)]


async def test_it_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_DRAINING_SECONDS", 0.01)
    client = Client(b"a", stuck=True)
    await client.line(content_length="4").send(dict(START))
    assert client.seen == [("http.response.start", 0)]


async def test_a_client_that_is_gone_has_nothing_left_to_read() -> None:
    client = Client()

    async def gone() -> Any:
        return {"type": "http.disconnect"}

    await Line(gone, client.send, b"id", {b"content-length": b"5"}, bodiless=False).send(dict(START))
    assert client.seen == [("http.response.start", 0)]
