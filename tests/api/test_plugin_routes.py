"""`register_routes`: who may call a plugin's routes, what its handlers are given, and what becomes of their faults."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from crm_kernel.api.app import create_app
from crm_kernel.kernel import Kernel
from crm_kernel.storage.evolution import evolve

CODE = """
import asyncio

class Lead(Entity, name="lead", title="{name}"):
    name: Annotated[str, field(max_length=20)]

@hookimpl
def register_entities(): return [Lead]

async def intake(request, crm):
    sent = request.json()
    who = crm if request.caller is None else crm.as_user(request.caller.id)
    leads = await who.write([Change.create("lead", name=sent["name"])])
    if sent.get("then") == "refuse":
        raise Error("invalid", "Not today.")
    return Answer({"id": leads[0]["id"]}, status=201, headers={"Location": "/there"})

async def lead(request, crm):
    found = await crm.as_user(request.caller.id).get("lead", request.params["id"])
    return Answer({"name": found["name"], "by": request.caller.login, "q": dict(request.query)})

async def fixed(request, crm):
    return Answer("plain")

async def odd(request, crm):
    how = request.query["how"]
    if how == "slow":
        await asyncio.sleep(60)
    if how == "write":
        await crm.write([Change.create("lead", name="x")])
    if how == "bytes":
        return Answer(b"\\xff\\xfe", media_type="image/png")
    if how == "raise":
        raise ValueError("secret")
    return {"none": None, "status": Answer(status=500), "header": Answer(headers={"A": "b\\r\\nSet-Cookie: x"}),
            "cookie": Answer(headers={"Set-Cookie": "x"}), "media": Answer(media_type="nonsense")}[how]

async def echo(request, crm):
    return Answer(b"\\xff" + request.body)

@hookimpl
def register_routes():
    return [
        Route(method="POST", path="/intake", handle=intake, summary="A lead comes in"),
        Route(method="POST", path="/public", handle=intake, public=True, summary="A lead comes in from anyone"),
        Route(method="GET", path="/leads/{id}", handle=lead, summary="One lead"),
        Route(method="GET", path="/leads/fixed", handle=fixed, summary="Not a lead"),
        Route(method="GET", path="/odd", handle=odd, summary="Odd answers"),
        Route(method="POST", path="/ask", handle=odd, changes=False, summary="Odd answers, asked for"),
        Route(method="PUT", path="/echo", handle=echo, accepts="text/plain", summary="The same"),
    ]
"""
AGENT = {
    "kind": "role",
    "name": "agent",
    "grants": [{"entity": "lead", "actions": ["read", "create"], "where": "owner = @me"}],
}


class Garage:
    """The application with a plugin that has routes; `ann` administers, `bob` is an agent."""

    def __init__(self, kernel: Kernel, tokens: dict[str, str]) -> None:
        self.kernel = kernel
        self._tokens = tokens
        transport = httpx.ASGITransport(app=create_app(kernel))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://crm")

    async def __call__(self, who: str | None, method: str, path: str, **sent: Any) -> httpx.Response:
        headers = {} if who is None else {"Authorization": f"Bearer {self._tokens[who]}"}
        return await self.client.request(
            method, f"/api/x/garage{path}", headers=headers | sent.pop("headers", {}), **sent
        )

    async def names(self) -> list[str]:
        return sorted(lead["name"] for lead in await self.kernel.crm().find("lead"))

    def state(self) -> Any:
        return next(state for state in self.kernel.plugins.states() if state["name"] == "garage")


@pytest_asyncio.fixture
async def garage(app: Any) -> AsyncIterator[Garage]:
    app.toml = "route_deadline_ms = 300"
    app.plugin("garage", f"from typing import Annotated\n{CODE}")
    kernel = await Kernel.open(app.settings(), strict=True)
    await evolve(kernel.database, kernel.registry.entities)
    await kernel.documents.put("role", "agent", AGENT, kernel.system("apply"))
    tokens: dict[str, str] = {}
    for login, role in (("ann", "admin"), ("bob", "agent")):
        await kernel.identity.add_user(login, roles=[role])
        _, tokens[login] = await kernel.identity.create_token(login, "test")
    _, tokens["reader"] = await kernel.identity.create_token("ann", "reader", read_only=True)
    _, tokens["scoped"] = await kernel.identity.create_token("ann", "scoped", entities=["contact"])
    garage = Garage(kernel, tokens)
    yield garage
    await garage.client.aclose()
    await kernel.close()


@pytest.mark.contract("http-api.md#plugin-routes")
async def test_a_route_acts_with_the_rights_of_the_caller_and_his_token(garage: Garage) -> None:
    made = await garage("bob", "POST", "/intake", json={"name": "a"})
    assert (made.status_code, made.headers["location"]) == (201, "/there")
    one = f"/leads/{made.json()['id']}"
    seen = await garage("bob", "GET", one, params={"x": "ā"})
    assert seen.json() == {"name": "a", "by": "bob", "q": {"x": "ā"}}
    theirs = await garage("ann", "POST", "/intake", json={"name": "b"})
    hidden = await garage("bob", "GET", f"/leads/{theirs.json()['id']}")
    assert (hidden.status_code, hidden.json()["code"]) == (404, "not_found")
    assert (await garage("bob", "GET", "/leads/fixed")).text == "plain"
    assert (await garage("scoped", "GET", one)).status_code == 404
    refused = await garage("bob", "POST", "/intake", json={"name": "x" * 21})
    assert [e["pointer"] for e in refused.json()["errors"]] == ["/name"]
    history = await garage.kernel.reader.history("lead", made.json()["id"], garage.kernel.system("api"))
    assert history["items"][0]["actor"]["name"] == "bob"


@pytest.mark.contract("http-api.md#plugin-routes")
async def test_a_route_needs_authentication_unless_it_is_public(garage: Garage) -> None:
    for method, path in (("POST", "/intake"), ("GET", "/odd"), ("GET", "/nowhere"), ("OPTIONS", "/public")):
        assert (await garage(None, method, path)).status_code == 401, path
    assert (await garage(None, "POST", "/public", json={"name": "p"})).status_code == 201
    assert (await garage("reader", "POST", "/intake", json={"name": "r"})).json()["code"] == "read_only_token"
    assert (await garage("reader", "POST", "/ask", params={"how": "bytes"})).content == b"\xff\xfe"
    assert await garage.names() == ["p"]
    nowhere = await garage("bob", "GET", "/nowhere")
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "not_found")
    other = await garage("bob", "DELETE", "/intake")
    assert (other.status_code, other.headers["allow"]) == (405, "OPTIONS, POST")
    assert (await garage("bob", "OPTIONS", "/odd")).headers["allow"] == "GET, HEAD, OPTIONS"
    head = await garage("bob", "HEAD", "/leads/fixed")
    assert (head.status_code, head.headers["content-length"], head.content) == (200, "5", b"")


async def test_a_session_needs_its_csrf_token(garage: Garage) -> None:
    await garage.kernel.identity.set_password("bob", "correct horse battery staple")
    there = {"login": "bob", "password": "correct horse battery staple"}
    logged_in = await garage.client.post("/api/session", json=there, headers={"Host": "localhost"})
    cookie = logged_in.headers["set-cookie"].partition(";")[0]
    sent = {"headers": {"Cookie": cookie, "Host": "localhost"}, "json": {"name": "s"}}
    assert (await garage(None, "POST", "/intake", **sent)).json()["code"] == "csrf"
    sent["headers"] |= {"X-CSRF-Token": logged_in.json()["csrf"]}
    assert (await garage(None, "POST", "/intake", **sent)).status_code == 201


async def test_bodies_are_bounded_as_for_all_routes(garage: Garage) -> None:
    for body, code in ((b"[" * 70, "bad_json"), (b"{", "bad_json"), (b"[" + b"1," * 400_001, "too_large")):
        assert (await garage("bob", "POST", "/intake", content=body)).json()["code"] == code
    large = await garage(None, "POST", "/public", content=b" " * (8 * 1024 * 1024 + 1))
    assert (large.status_code, large.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize("how", ["none", "status", "header", "cookie", "media", "raise", "write"])
async def test_a_handler_that_fails_or_gives_nonsense_is_a_plugin_fault(garage: Garage, how: str) -> None:
    answer = await garage("ann", "GET", "/odd", params={"how": how})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "invalid")
    assert [error["code"] for error in problem["errors"]] == ["plugin_fault"]
    assert problem["detail"] == "The plugin 'garage' failed in GET /odd."
    [call] = garage.state()["calls"]
    assert (call["call"], call["errors"], call["calls"]) == ("route GET /odd", 1, 1)
    assert len(garage.state()["faults"]) == 1
    assert await garage.names() == []


async def test_a_slow_handler_is_cut_and_a_quarantined_plugin_is_not_asked(garage: Garage) -> None:
    slow = await garage("ann", "GET", "/odd", params={"how": "slow"})
    assert (slow.status_code, slow.json()["code"], slow.headers["retry-after"]) == (503, "busy", "1")
    assert slow.json()["errors"][0]["code"] == "plugin_fault"
    assert "longer than 0.3 s" in slow.json()["detail"]
    assert garage.state()["state"] == "active"
    garage.kernel.plugins.quarantine("garage", "for a test")
    out = await garage(None, "POST", "/public", json={"name": "q"})
    assert (out.status_code, out.json()["errors"][0]["code"]) == (503, "plugin_fault")
    assert await garage.names() == []


async def test_a_request_with_a_key_is_done_once(garage: Garage) -> None:
    key = {"Idempotency-Key": "k1"}
    for path, who in (("/intake", "bob"), ("/public", None)):
        first, again = [await garage(who, "POST", path, json={"name": path}, headers=key) for _ in range(2)]
        assert first.json() == again.json()
        assert (first.status_code, again.status_code) == (201, 201)
        assert again.headers["idempotency-replayed"] == "true"
        assert again.headers["location"] == "/there"
    other = await garage("bob", "POST", "/intake", json={"name": "other"}, headers=key)
    assert other.json()["code"] == "idempotency_key"
    assert await garage.names() == ["/intake", "/public"]
    sent = {"content": b"\xfe", "headers": {"Idempotency-Key": "k2"}}
    first, again = [await garage("bob", "PUT", "/echo", **sent) for _ in range(2)]
    assert (again.content, again.headers["content-type"]) == (b"\xff\xfe", "application/octet-stream")


async def test_what_a_refused_request_wrote_is_not_written_again(garage: Garage) -> None:
    sent = {"json": {"name": "r", "then": "refuse"}, "headers": {"Idempotency-Key": "k3"}}
    for _ in range(2):
        assert (await garage("bob", "POST", "/intake", **sent)).json()["detail"] == "Not today."
    assert await garage.names() == ["r"]


@pytest.mark.contract("http-api.md#openapi")
async def test_the_description_tells_of_them(garage: Garage) -> None:
    async def paths(who: str) -> dict[str, Any]:
        return (await garage(who, "GET", "/../../../openapi.json")).json()["paths"]

    described = await paths("bob")
    assert described["/api/x/garage/public"]["post"]["security"] == []
    assert described["/api/x/garage/leads/{id}"]["get"]["parameters"][0]["name"] == "id"
    assert described["/api/x/garage/echo"]["put"]["requestBody"]["content"] == {"text/plain": {}}
    assert {p for p in await paths("reader") if "/x/" in p} == {
        f"/api/x/garage/{p}" for p in ("public", "leads/{id}", "leads/fixed", "odd", "ask")
    }
