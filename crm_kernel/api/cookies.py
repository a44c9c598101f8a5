"""The session cookie, and what a request that comes with it must show before it may change something (floor 9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crm_kernel.api.answer import Header
from crm_kernel.api.peers import host_of, is_local
from crm_kernel.errors import Error
from crm_kernel.kernel import Kernel

SECURE_NAME = "__Host-crm_session"
"""Browsers take a cookie of this name from this very host over HTTPS only: no neighbour can plant one."""
LOCAL_NAME = "crm_session"
"""On localhost, where there is no HTTPS."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing: other sites may make a browser send them, and cannot read the answer."""

_MAX_ID = 512
_FLAGS = "Path=/; HttpOnly; SameSite=Lax"


def session_id(kernel: Kernel, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> str | None:
    """The session id that a request brings, None where it brings none."""
    sent = headers.get(b"cookie")
    if sent is None:
        return None
    found: dict[str, str] = {}
    for part in sent.decode("latin-1").split(";"):
        name, _, value = part.strip().partition("=")
        found.setdefault(name, value)
    id = found.get(SECURE_NAME)
    if id is None and LOCAL_NAME in found and _is_local(kernel, scope, headers):
        id = found[LOCAL_NAME]
    return id if id and len(id) <= _MAX_ID else None


def set_cookie(kernel: Kernel, scope: Mapping[str, Any], headers: Mapping[bytes, bytes], id: str | None) -> Header:
    """The header that gives a browser its session id, or with None takes it away."""
    lifetime = kernel.settings.sessions.lifetime
    value, age = (id, int(lifetime.total_seconds())) if id is not None else ("", 0)
    if _is_local(kernel, scope, headers):
        cookie = f"{LOCAL_NAME}={value}; {_FLAGS}; Max-Age={age}"
    else:
        cookie = f"{SECURE_NAME}={value}; {_FLAGS}; Max-Age={age}; Secure"
    return (b"set-cookie", cookie.encode())


def refuse_foreign_origin(kernel: Kernel, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> None:
    """Raises `Error("csrf")` where a browser says that another site made it send the request.

    Programs send neither header; what they cannot do is get at the cookie of a browser.
    """
    origin = headers.get(b"origin")
    if origin is None:
        own = headers.get(b"sec-fetch-site", b"same-origin") in (b"same-origin", b"none")
    else:
        host = host_of(scope, headers, kernel.settings.server.trusted_proxies)
        schemes = ("https", "http") if is_local(scope, host) else ("https",)
        own = origin.decode("latin-1").lower() in {f"{scheme}://{host}" for scheme in schemes}
    if not own:
        hint = "Send it from the pages of this app, over HTTPS; a proxy before it must pass on the Host header."
        raise Error("csrf", "The request was sent by another site (Origin).", hint=hint)


def _is_local(kernel: Kernel, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> bool:
    return is_local(scope, host_of(scope, headers, kernel.settings.server.trusted_proxies))
