"""The door before all routes: request ids, authentication, fixed headers, HEAD and OPTIONS."""

from __future__ import annotations

import logging
from typing import Any

import httpx
import pytest

from crm_kernel.api.app import MAX_PATH, ROUTES
from crm_kernel.api.openapi_document_routes import DOCUMENT_ROUTES
from crm_kernel.api.openapi_people_routes import PEOPLE_ROUTES
from crm_kernel.api.openapi_record_routes import RECORD_ROUTES
from crm_kernel.api.openapi_routes import ROUTES as SINGLE_ROUTES
from crm_kernel.errors import Error, Fault

ANY_PATH = ["/api/schema", "/api/nothing", "/", "/health/live", "/health/nothing", "/%00", "/" + "x" * 2000]


@pytest.mark.contract("http-api.md#request-id")
@pytest.mark.parametrize("path", ANY_PATH)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS", "HEAD", "BREW"])
async def test_every_answer_carries_the_fixed_headers(http: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await http.request(method, path, headers={"X-Request-Id": "mine-1"})
    assert answer.headers["X-Request-Id"] == "mine-1"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("sent", [None, "", "a b", "x" * 129, "ä", "<script>"])
async def test_a_request_id_that_is_not_sane_is_replaced(http: httpx.AsyncClient, sent: str | None) -> None:
    headers = {} if sent is None else {"X-Request-Id": sent.encode()}
    first, second = [await http.get("/health/live", headers=headers) for _ in range(2)]
    assert len(first.headers["X-Request-Id"]) == 36
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]


@pytest.mark.contract("http-api.md#health-open")
@pytest.mark.parametrize("path", ["/api/schema", "/openapi.json", "/api/nothing", "/", "/healthy", "//health/live"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
async def test_nothing_but_health_answers_without_authentication(asgi: Any, method: str, path: str) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=asgi), base_url="http://crm") as anyone:
        answer = await anyone.request(method, path)
        assert (await anyone.get("/health/live")).json() == {"status": "live"}
        assert (await anyone.get("/health/ready")).json() == {"status": "ready", "pending": []}
    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthenticated"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_an_unknown_path_and_an_unknown_method_are_problems(http: httpx.AsyncClient) -> None:
    unknown = await http.get("/api/nothing")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    method = await http.delete("/api/schema")
    assert (method.status_code, method.json()["status"]) == (405, 405)
    assert method.headers["Content-Type"] == "application/problem+json"
    assert method.headers["Allow"] == "GET, HEAD, OPTIONS"


async def test_head_answers_like_get_without_the_body(http: httpx.AsyncClient) -> None:
    head, got = await http.head("/api/schema"), await http.get("/api/schema")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == got.headers["Content-Length"] == str(len(got.content))


async def test_options_names_the_methods(http: httpx.AsyncClient) -> None:
    answer = await http.options("/api/documents/role/agent")
    assert (answer.status_code, answer.headers["Allow"]) == (204, "DELETE, GET, HEAD, OPTIONS, PUT")


async def test_a_path_that_is_too_long_leads_nowhere(http: httpx.AsyncClient) -> None:
    answer = await http.get("/api/schema/" + "x" * MAX_PATH)
    assert answer.status_code == 404
    assert len(answer.content) < 500


@pytest.mark.contract("http-api.md#no-500")
async def test_a_fault_of_ours_is_logged_and_tells_nothing(
    http: httpx.AsyncClient, kernel: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> Any:
        raise RuntimeError("the inside of it")

    kernel.schema = fail
    with caplog.at_level(logging.ERROR):
        answer = await http.get("/api/schema", headers={"X-Request-Id": "r-7"})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "inside" not in answer.text
    assert "Traceback" not in answer.text
    assert "r-7" in answer.text
    assert "r-7" in caplog.text
    assert "the inside of it" in caplog.text


async def test_a_fault_while_finding_the_caller_is_contained_too(http: httpx.AsyncClient, kernel: Any) -> None:
    kernel.refusal = RuntimeError("the inside of it")
    answer = await http.get("/api/schema")
    assert answer.status_code == 500
    assert "inside" not in answer.text


async def test_a_problem_may_quote_what_utf8_cannot_hold(http: httpx.AsyncClient, kernel: Any) -> None:
    kernel.refusal = Error("bad_value", "It is '\ud800'.", faults=[Fault(pointer="/\udfff", code="type", detail="ā")])
    answer = await http.get("/api/schema")
    assert (answer.status_code, answer.json()["detail"]) == (400, "It is '?'.")
    assert answer.json()["errors"] == [{"pointer": "/?", "code": "type", "detail": "ā"}]


async def test_a_fault_in_the_middle_of_an_answer_is_logged(asgi: Any, caplog: pytest.LogCaptureFixture) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)
        if message["type"] == "http.response.body":
            raise RuntimeError("the line broke")

    scope = {"type": "http", "method": "GET", "path": "/health/live", "headers": [], "query_string": b""}
    await asgi(scope, receive, send)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert "the line broke" in caplog.text


async def test_an_error_that_cannot_be_told_is_a_fault_of_ours(http: httpx.AsyncClient, kernel: Any) -> None:
    def fail() -> Any:
        raise Error("bad_value", plan=object())

    kernel.schema = fail
    answer = await http.get("/api/schema")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")


async def test_busy_says_when_to_try_again(http: httpx.AsyncClient, kernel: Any) -> None:
    kernel.refusal = Error("busy", "Somebody else writes.")
    answer = await http.get("/api/schema")
    assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (503, "busy", "1")


async def test_a_host_that_is_none_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.get("/api/schema", headers={"Host": "a b"})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_value")


async def test_websockets_are_refused(asgi: Any) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/api/schema", "headers": [], "query_string": b"", "root_path": ""}
    await asgi(scope, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"]


def test_every_route_is_described() -> None:
    described = {(r.method.upper(), r.path) for r in (*RECORD_ROUTES, *SINGLE_ROUTES, *DOCUMENT_ROUTES, *PEOPLE_ROUTES)}
    there = {(m, path.replace(":str", "")) for route in ROUTES for m in route.http_methods for path in route.paths}
    assert described == there
