"""Refusals as problem documents."""

from __future__ import annotations

import json
from typing import Any

import pytest
from litestar.exceptions import HTTPException, TooManyRequestsException

from crm_kernel.api.problems import EXCEPTION_HANDLERS, allow, headers_of, internal, render
from crm_kernel.errors import CATALOGUE, Error, Fault


@pytest.mark.contract("http-api.md#problem-json")
@pytest.mark.parametrize("code", CATALOGUE)
def test_every_code_is_a_problem_document(code: str) -> None:
    faults = [Fault(pointer="/budget", code="minimum", detail="too small", row=3)]
    answer = render(Error(code, "Why.", faults=faults, plan={"status": "refused"}))
    body = json.loads(answer.body)
    assert answer.status == body["status"] == CATALOGUE[code].status
    assert answer.media == b"application/problem+json"
    assert body["errors"] == [{"pointer": "/budget", "code": "minimum", "detail": "too small", "row": 3}]
    assert (body["code"], body["detail"], body["plan"]) == (code, "Why.", {"status": "refused"})


def test_headers_of_a_code_and_of_an_error() -> None:
    assert headers_of(Error("unauthenticated"))["WWW-Authenticate"] == 'Bearer realm="crm"'
    assert headers_of(Error("busy")) == {"Retry-After": "1"}
    assert headers_of(Error("busy", headers={"Retry-After": "9"})) == {"Retry-After": "9"}
    assert list(render(Error("busy")).headers) == [(b"retry-after", b"1")]


@pytest.mark.parametrize(
    ("exception", "status", "code"),
    [
        (TooManyRequestsException(), 400, "bad_value"),
        (HTTPException(status_code=503, detail="inside"), 500, "internal"),
        (ValueError("inside"), 500, "internal"),
    ],
)
def test_what_litestar_raises(exception: Exception, status: int, code: str) -> None:
    handlers: Any = EXCEPTION_HANDLERS
    kind = next(cls for cls in type(exception).__mro__ if cls in handlers)
    scope = {"type": "http", "method": "GET", "path": "/a\n", "request_id": "r", "headers": []}
    request: Any = type("Request", (), {"scope": scope})()
    answer = handlers[kind](request, exception)
    assert (answer.status_code, json.loads(answer.content)["code"]) == (status, code)
    assert b"inside" not in answer.content or status == 400


def test_a_path_cannot_forge_lines_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    internal(ValueError(), {"method": "GET", "path": "/a\nforged", "request_id": "r"})
    assert "\nforged" not in caplog.text


def test_allow() -> None:
    assert allow("POST", "GET") == "GET, HEAD, POST"
    assert allow("POST") == "POST"
