"""The application on a kernel that stands in for a real one, spoken to without a network."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any, ClassVar

import httpx
import pytest

from crm_kernel.api.app import create_app
from crm_kernel.callers import Caller


class Standin:
    """A kernel whose answers a test gives: `schema` is what `GET /api/schema` calls; tokens are `CALLERS`."""

    CALLERS: ClassVar = {
        "admin": Caller(id="1", roles=frozenset({"admin"})),
        "agent": Caller(id="2", roles=frozenset({"agent"})),
        "reader": Caller(id="3", roles=frozenset({"admin"}), read_only=True),
    }

    def __init__(self) -> None:
        self.schema: Callable[[], Any] = lambda: {"items": []}
        self.identity = SimpleNamespace(caller_for_token=self.caller_for_token)
        self.reader = SimpleNamespace(schema=lambda *_: self.schema())
        self.refusal: Exception | None = None
        self.pending: list[Any] = []

    async def caller_for_token(self, token: str) -> Caller | None:
        if self.refusal is not None:
            raise self.refusal
        return self.CALLERS.get(token)


@pytest.fixture
def kernel() -> Any:
    return Standin()


@pytest.fixture
def asgi(kernel: Any) -> Any:
    """The ASGI application."""
    return create_app(kernel)


@pytest.fixture
async def http(asgi: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client signed in as an administrator."""
    transport = httpx.ASGITransport(app=asgi)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://crm", headers={"Authorization": "Bearer admin"}
    ) as client:
        yield client
