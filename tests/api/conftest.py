"""The application spoken to without a network: on a kernel that stands in for a real one, and on a real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import httpx
import pytest
import pytest_asyncio

from crm_kernel.api.app import create_app
from crm_kernel.callers import Caller
from crm_kernel.kernel import Kernel
from crm_kernel.operations.credentials import Credential
from crm_kernel.storage.evolution import evolve
from crm_kernel.testing.kit import NewDatabase, write_app


class Standin:
    """A kernel whose answers a test gives: `schema` is what `GET /api/schema` calls; tokens are `CALLERS`."""

    CALLERS: ClassVar = {
        "admin": Caller(id="1", roles=frozenset({"admin"})),
        "agent": Caller(id="2", roles=frozenset({"agent"})),
        "reader": Caller(id="3", roles=frozenset({"admin"}), read_only=True),
    }

    def __init__(self) -> None:
        self.schema: Callable[[], Any] = lambda: {"items": []}
        self.identity = SimpleNamespace(by_token=SimpleNamespace(find=self.find_token))
        self.reader = SimpleNamespace(schema=lambda *_: self.schema())
        self.refusal: Exception | None = None
        self.pending: list[Any] = []
        self.plugins = None

    async def find_token(self, token: str) -> Credential | None:
        if self.refusal is not None:
            raise self.refusal
        caller = self.CALLERS.get(token)
        return None if caller is None else Credential(token, caller, datetime.max.replace(tzinfo=UTC))


@pytest.fixture
def kernel() -> Any:
    return Standin()


@pytest.fixture
def asgi(kernel: Any) -> Any:
    """The ASGI application on the stand-in."""
    return create_app(kernel)


@pytest.fixture
async def http(asgi: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of it, signed in as an administrator."""
    transport = httpx.ASGITransport(app=asgi)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://crm", headers={"Authorization": "Bearer admin"}
    ) as client:
        yield client


FIELDS = {
    "kind": "fields",
    "name": "contact-buyer",
    "entity": "contact",
    "schema": {
        "$defs": {"score": {"type": "integer", "minimum": 0}},
        "properties": {
            "budget": {"type": "number", "minimum": 0, "title": "Budget", "x-crm": {"labels": {"lv": "Budžets"}}},
            "purchase_type": {"enum": ["cash", "mortgage"]},
            "bank": {"type": "string", "maxLength": 80},
            "national_id": {"type": "string", "x-crm": {"sensitive": True}},
            "scores": {"type": "array", "items": {"$ref": "#/$defs/score"}},
        },
        "if": {"properties": {"purchase_type": {"const": "mortgage"}}, "required": ["purchase_type"]},
        "then": {"required": ["bank"]},
    },
}
LEASE = {
    "kind": "entity",
    "name": "lease",
    "plural": "Leases",
    "title": "{number}",
    "schema": {
        "properties": {
            "number": {"type": "string", "maxLength": 20, "x-crm": {"unique": True}},
            "tenant": {"type": "string", "x-crm": {"reference": "contact"}},
            "rent": {"type": "number"},
        },
        "required": ["number"],
    },
}
LETTING = {
    "kind": "pipeline",
    "name": "letting",
    "entity": "lease",
    "label": "Letting",
    "stages": [
        {"name": "draft", "type": "open"},
        {"name": "signed", "type": "open", "requires": {"required": ["rent"]}},
        {"name": "ended", "type": "lost", "reasons": ["term", "notice"]},
    ],
    "transitions": [{"from": ["draft"], "to": "signed"}, {"from": ["signed"], "to": "ended"}],
}
EVERYTHING = ["read", "create", "update", "delete", "move"]
AGENT = {
    "kind": "role",
    "name": "agent",
    "grants": [
        {"entity": "contact", "actions": EVERYTHING, "where": "owner = @me", "fields": {"readonly": ["external_id"]}},
        {"entity": "lease", "actions": EVERYTHING},
    ],
}
CLERK = {
    "kind": "role",
    "name": "clerk",
    "grants": [
        {"entity": "contact", "actions": ["read"], "where": "language = 'lv'", "fields": {"deny": ["budget"]}},
        {"entity": "contact", "actions": ["create"]},
        {"entity": "lease", "actions": ["read"]},
    ],
}
BY_TYPE = {
    "kind": "report",
    "name": "by-type",
    "label": "By type",
    "entity": "contact",
    "params": {"least": {"type": "number", "default": 0}},
    "filter": "budget >= @param.least",
    "group_by": ["purchase_type"],
    "measures": [{"count": "*", "as": "n"}, {"sum": "budget", "as": "total"}],
}


class Office:
    """The application on a real kernel, with people: ann administers, bob is an agent, cid a clerk, dan has no role."""

    def __init__(self, kernel: Kernel, tokens: Mapping[str, str]) -> None:
        self.kernel = kernel
        self.tokens = tokens
        transport = httpx.ASGITransport(app=create_app(kernel))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://crm")

    async def __call__(self, who: str, method: str, path: str, **sent: Any) -> httpx.Response:
        """The answer to what `who` sends; an answer of an error has the shape of one."""
        headers = {"Authorization": f"Bearer {self.tokens[who]}", **sent.pop("headers", {})}
        answer = await self._client.request(method, path, headers=headers, **sent)
        if answer.status_code >= 400:
            problem = answer.json()
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert problem["status"] == answer.status_code
            assert {"type", "title", "code", "detail", "hint", "errors"} <= set(problem)
        return answer

    async def contact(self, who: str = "bob", **values: Any) -> dict[str, Any]:
        """A new contact."""
        answer = await self(who, "POST", "/api/records/contact", json={"first_name": "Ilze", **values})
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def lease(self, number: str = "L-1", **values: Any) -> dict[str, Any]:
        """A new lease."""
        answer = await self("bob", "POST", "/api/records/lease", json={"number": number, **values})
        assert answer.status_code == 201, answer.text
        return answer.json()


async def build(folder: Path, url: str) -> dict[str, str]:
    """An app folder with documents and people; their tokens."""
    kernel = await Kernel.open(write_app(folder, (), url), strict=True)
    await evolve(kernel.database, kernel.registry.entities)
    for body in (FIELDS, LEASE, LETTING, AGENT, CLERK, BY_TYPE):
        await kernel.documents.put(str(body["kind"]), str(body["name"]), body, kernel.system("apply"))
    tokens: dict[str, str] = {}
    for login, role in (("ann", "admin"), ("bob", "agent"), ("cid", "clerk"), ("dan", "")):
        await kernel.identity.add_user(login, roles=[role] if role else [])
        _, tokens[login] = await kernel.identity.create_token(login, "test")
    _, tokens["reader"] = await kernel.identity.create_token("ann", "reader", read_only=True)
    _, tokens["scoped"] = await kernel.identity.create_token("ann", "scoped", entities=["lease"])
    await kernel.close()
    return tokens


@pytest.fixture(scope="session")
def office_built(tmp_path_factory: pytest.TempPathFactory, kept_database: NewDatabase) -> tuple[str, dict[str, str]]:
    """The database that each office begins with, and the tokens."""
    folder = tmp_path_factory.mktemp("office")
    url = kept_database(folder)
    return url, asyncio.run(build(folder, url))


@pytest_asyncio.fixture
async def office(
    office_built: tuple[str, dict[str, str]], tmp_path: Path, new_database: NewDatabase
) -> AsyncIterator[Office]:
    """The application, its people, and their tokens."""
    built, tokens = office_built
    kernel = await Kernel.open(write_app(tmp_path, (), new_database(tmp_path, built)), strict=True)
    yield Office(kernel, tokens)
    await kernel.close()
