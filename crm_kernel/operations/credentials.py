"""Tokens and session ids that were looked up, kept in memory until something about people changes (floor 7)."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple, Protocol

from crm_kernel.callers import Caller, read_only
from crm_kernel.clock import Clock
from crm_kernel.errors import Error
from crm_kernel.operations.following import Following
from crm_kernel.operations.last_use import LastUse

SECRET_BYTES = 32


class Credential(NamedTuple):
    """A token or session that holds: its id, its caller, and until when both can be relied on without a look.

    `expires`: when a token itself ends. Only of a session: `csrf`, what its changes must bring along, and `renewed`,
    the id that it has from now on where it had to be rotated.
    """

    id: str
    caller: Caller
    until: datetime
    expires: datetime | None = None
    csrf: str | None = None
    renewed: str | None = None


class Services(Protocol):
    """What this needs of its kernel."""

    @property
    def clock(self) -> Clock: ...
    @property
    def following(self) -> Following: ...


LookUp = Callable[[bytes, datetime], Awaitable[Credential | None]]
"""Finds the credential with this SHA-256 at this moment."""


def new_secret(prefix: str = "") -> str:
    """A token or session id that nobody can guess."""
    return prefix + secrets.token_urlsafe(SECRET_BYTES)


def secret_hash(text: str) -> str:
    """What is stored of a token or session id. It holds 256 random bits, so a plain hash cannot be turned back."""
    return sha256(text.encode()).hexdigest()


class Credentials:
    """All of one kind that were used lately, by their hashes."""

    def __init__(self, services: Services, look_up: LookUp, use: LastUse) -> None:
        self._services = services
        self._look_up = look_up
        self._use = use
        self._known: dict[bytes, Credential] = {}

    async def find(self, text: str) -> Credential | None:
        """What a text stands for now; None where it is unknown, ended, or its user may not sign in."""
        following = self._services.following
        await following.look()
        digest = sha256(text.encode()).digest()
        now = self._services.clock.now()
        known = self._known.get(digest)
        if known is None or known.until <= now:
            epoch = following.epoch
            known = await self._look_up(digest, now)
            if known is None:
                return None
            if epoch == following.epoch and known.renewed is None:  # else a change was seen while this was looked up
                self._known[digest] = known
        self._use.note(known.id, now)
        return known

    def forget(self) -> None:
        """Drop all that are kept."""
        self._known.clear()


def manages(caller: Caller, *, changing: bool) -> None:
    """Raises `Error`: forbidden for a token that is for some entities only, read_only_token for one that only reads."""
    if changing and caller.read_only:
        raise read_only()
    if caller.entities is not None:
        detail = "This token is for some entities only; it does not manage tokens and sessions."
        raise Error("forbidden", detail, hint="Log in, or use a token without --entity.")
