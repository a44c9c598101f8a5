"""Who sends a request, and whether his token may change anything (floor 9)."""

from __future__ import annotations

from collections.abc import Mapping

from crm_kernel.callers import Caller
from crm_kernel.errors import Error
from crm_kernel.kernel import Kernel

OPEN_PATHS = "/health/"
"""What lies below answers without authentication; nothing else does."""

_MAX_TOKEN = 512


async def authenticate(kernel: Kernel, headers: Mapping[bytes, bytes]) -> Caller:
    """The caller that the `Authorization` header names. Raises `Error("unauthenticated")`.

    A missing, malformed, unknown, revoked and expired token are refused in the same words but for what the header
    itself shows.
    """
    sent = headers.get(b"authorization")
    if sent is None:
        raise Error("unauthenticated", "The request has no Authorization header.")
    scheme, _, token = sent.decode("latin-1").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > _MAX_TOKEN:
        raise Error("unauthenticated", "The Authorization header is not of the form Bearer <token>.")
    caller = await kernel.identity.caller_for_token(token)
    if caller is None:
        challenge = {"WWW-Authenticate": 'Bearer realm="crm", error="invalid_token"'}
        raise Error("unauthenticated", "The token is not valid, or not valid any more.", headers=challenge)
    return caller


def read_only() -> Error:
    """The refusal of a change that came with a token which only reads."""
    return Error("read_only_token", "This token was made to read only; the request would change something.")
