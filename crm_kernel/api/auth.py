"""Who sends a request, by his token or by his session (floor 9)."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

from crm_kernel.api.cookies import SAFE_METHODS, refuse_foreign_origin, session_id
from crm_kernel.callers import read_only as read_only
from crm_kernel.errors import Error
from crm_kernel.kernel import Kernel
from crm_kernel.operations.credentials import Credential

OPEN_PATHS = "/health/"
"""What lies below answers without authentication; nothing else does but the log-in."""
LOG_IN = "/api/session"

_MAX_TOKEN = 512


def is_open(method: str, path: str) -> bool:
    """Whether a request is answered whoever sends it."""
    return path.startswith(OPEN_PATHS) or (path == LOG_IN and method == "POST")


async def token_of(kernel: Kernel, headers: Mapping[bytes, bytes]) -> Credential | None:
    """The token that the `Authorization` header names; None where there is no such header.

    Raises `Error("unauthenticated")`. A malformed, unknown, revoked and expired token are refused in the same words
    but for what the header itself shows.
    """
    sent = headers.get(b"authorization")
    if sent is None:
        return None
    scheme, _, token = sent.decode("latin-1").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > _MAX_TOKEN:
        raise Error("unauthenticated", "The Authorization header is not of the form Bearer <token>.")
    credential = await kernel.identity.by_token.find(token)
    if credential is None:
        challenge = {"WWW-Authenticate": 'Bearer realm="crm", error="invalid_token"'}
        raise Error("unauthenticated", "The token is not valid, or not valid any more.", headers=challenge)
    return credential


async def session_of(kernel: Kernel, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> Credential:
    """The session that the cookie names. Raises `Error("unauthenticated")`."""
    id = session_id(kernel, scope, headers)
    if id is None:
        raise Error("unauthenticated", "The request has neither an Authorization header nor a session cookie.")
    credential = await kernel.sessions.by_id.find(id)
    if credential is None:
        raise Error("unauthenticated", "The session has ended.", hint="Log in again: POST /api/session.")
    return credential


def refuse_forged(
    kernel: Kernel, scope: Mapping[str, Any], headers: Mapping[bytes, bytes], session: Credential
) -> None:
    """Raises `Error("csrf")` for a change that another site may have made the browser send."""
    if scope["method"] in SAFE_METHODS:
        return
    refuse_foreign_origin(kernel, scope, headers)
    if not hmac.compare_digest(headers.get(b"x-csrf-token", b""), (session.csrf or "").encode()):
        raise Error("csrf")
