"""Refusals as RFC 9457 problem documents (floor 9)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from litestar.types import ExceptionHandlersMap

from crm_kernel.api.answer import Answer
from crm_kernel.errors import Error
from crm_kernel.operations.answers import encode

MEDIA = "application/problem+json"

_log = logging.getLogger("crm_kernel.api")

_HEADERS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "unauthenticated": (("WWW-Authenticate", 'Bearer realm="crm"'),),
    "busy": (("Retry-After", "1"),),
}
"""Headers that HTTP wants beside a code, where the error itself brings none."""


class Disconnected(Exception):
    """The client went away before its request was read; nobody is left to answer."""


def render(error: Error) -> Answer:
    """A refusal as the answer to send."""
    headers = [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers_of(error).items()]
    return Answer(encode(error.render()), error.status, headers, media=MEDIA.encode())


def headers_of(error: Error) -> dict[str, str]:
    """The headers of a refusal: those that HTTP wants with its code, and its own."""
    return {**dict(_HEADERS.get(error.code, ())), **error.headers}


def internal(exception: Exception, scope: Mapping[str, Any]) -> Answer:
    """The answer to a fault of ours: logged with the request id, told without a word about its inside."""
    return Answer(encode(_internal(exception, scope)), 500, media=MEDIA.encode())


def _internal(exception: Exception, scope: Mapping[str, Any]) -> dict[str, Any]:
    request_id = scope["request_id"]
    _log.error("request %s: %s %r failed", request_id, scope["method"], scope["path"], exc_info=exception)
    return {
        "type": "urn:crm:error:internal",
        "title": "Internal error",
        "status": 500,
        "code": "internal",
        "detail": f"Something failed here; it is logged as request {request_id}.",
        "hint": "Tell the operator of this installation the request id.",
        "errors": [],
    }


def _response(body: dict[str, Any], headers: Mapping[str, str]) -> Response[bytes]:
    return Response(encode(body), status_code=body["status"], media_type=MEDIA, headers=dict(headers))


def _on_error(_: Request[Any, Any, Any], error: Error) -> Response[bytes]:
    return _response(error.render(), headers_of(error))


def _on_http_exception(request: Request[Any, Any, Any], exception: HTTPException) -> Response[bytes]:
    """What Litestar itself refuses: no such route, no such method, a request it cannot read."""
    if isinstance(exception, MethodNotAllowedException):
        return _method_not_allowed(request, exception)
    if isinstance(exception, NotFoundException):
        detail = f"There is nothing at {request.scope['path']}."
        error = Error("not_found", detail, hint="GET /openapi.json lists the routes.")
        return _on_error(request, error)
    if exception.status_code < 500:
        return _on_error(request, Error("bad_value", f"{exception.detail}."))
    return _on_anything(request, exception)


def _method_not_allowed(request: Request[Any, Any, Any], exception: HTTPException) -> Response[bytes]:
    # The catalogue has no code of its own for 405: the method is what is not found here.
    allowed = allow(*str((exception.headers or {}).get("allow", "")).split(", "))
    return _response(_no_method(request.scope["method"], allowed), {"Allow": allowed})


def no_method(method: str, allowed: str) -> Answer:
    """The answer at a path that is there, but not with this method."""
    return Answer(encode(_no_method(method, allowed)), 405, [(b"allow", allowed.encode())], media=MEDIA.encode())


def _no_method(method: str, allowed: str) -> dict[str, Any]:
    error = Error("not_found", f"{method} is not possible here.", hint=f"Possible are {allowed}.")
    return {**error.render(), "status": 405, "title": "Method not allowed"}


def allow(*methods: str) -> str:
    """The value of an `Allow` header; HEAD is possible where GET is."""
    return ", ".join(sorted({*methods, *(["HEAD"] if "GET" in methods else [])}))


def _on_disconnect(_: Request[Any, Any, Any], __: Disconnected) -> Response[bytes]:
    return Response(b"", status_code=400)


def _on_anything(request: Request[Any, Any, Any], exception: Exception) -> Response[bytes]:
    return _response(_internal(exception, request.scope), {})


EXCEPTION_HANDLERS: ExceptionHandlersMap = {
    Error: _on_error,
    HTTPException: _on_http_exception,
    Disconnected: _on_disconnect,
    Exception: _on_anything,
}
"""How Litestar turns exceptions into answers."""
