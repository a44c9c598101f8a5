"""How often log-ins may be tried: for each account and each peer, over all processes (floor 7).

Each limit lets `burst` attempts pass at once and gives them back evenly over `seconds`. So one moment is all there is
to store of it (the generic cell rate algorithm). Keys are digests: the table tells neither log-ins nor addresses.
"""

from __future__ import annotations

import hmac
import unicodedata
from collections.abc import Mapping
from math import ceil
from typing import NamedTuple, Protocol

from crm_kernel.clock import Clock
from crm_kernel.errors import Error
from crm_kernel.storage import attempts
from crm_kernel.storage.ports import Database, Tx


class Limit(NamedTuple):
    """So many attempts in so many seconds."""

    burst: int
    seconds: int


PAIR = Limit(10, 900)
"""From one peer for one account: what somebody who mistypes needs."""
PEER = Limit(60, 900)
"""From one peer for all accounts: what an office behind one address needs."""
ACCOUNT = Limit(100, 3600)
"""For one account from all peers: bounds a guess that is spread over many addresses."""


class Services(Protocol):
    """What this needs of its kernel."""

    @property
    def database(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def secret(self) -> str: ...


class Attempts:
    """The attempts to log in to one app, and to reset passwords."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def count(self, account: str, peer: str) -> None:
        """Count one attempt, before it is known whether it is right. Raises `Error("rate_limited")`.

        What is refused is not counted, and costs no write: waiting always helps.
        """
        limits = self._limits(account, peer)
        _, wait = await self._next(self._services.database, limits)
        _refuse(wait)

        async def work(tx: Tx) -> None:
            await tx.lock(*limits)  # two processes count one after the other
            moments, wait = await self._next(tx, limits)
            _refuse(wait)
            await attempts.put(tx, moments)

        await self._services.database.write(work)

    async def forgive(self, tx: Tx, account: str, peer: str) -> None:
        """Forget what was tried for an account from a peer, and for the account: it is his."""
        pair, _, whole = self._limits(account, peer)
        await attempts.forget(tx, (pair, whole))

    async def prune(self) -> None:
        """Remove what does not limit anybody any more."""
        await self._services.database.write(lambda tx: attempts.prune(tx, before=self._now()))

    async def _next(self, reads: Database | Tx, limits: Mapping[str, Limit]) -> tuple[dict[str, int], int]:
        """The moments that the next attempt would leave behind, and the milliseconds it has to wait."""
        now = self._now()
        found = await attempts.find(reads, limits)
        moments = {
            key: max(found.get(key, now), now) + limit.seconds * 1000 // limit.burst for key, limit in limits.items()
        }
        return moments, max(moments[key] - limit.seconds * 1000 - now for key, limit in limits.items())

    def _limits(self, account: str, peer: str) -> dict[str, Limit]:
        account = unicodedata.normalize("NFKC", account).strip().casefold()
        return {
            self._key("pair", account, peer): PAIR,
            self._key("peer", peer): PEER,
            self._key("account", account): ACCOUNT,
        }

    def _key(self, *parts: str) -> str:
        text = "\0".join(("attempt", *parts)).encode()
        return hmac.digest(self._services.secret.encode(), text, "sha256").hex()

    def _now(self) -> int:
        return int(self._services.clock.now().timestamp() * 1000)


def _refuse(wait: int) -> None:
    """Raises `Error("rate_limited")` where an attempt has to wait so many milliseconds."""
    if wait > 0:
        seconds = ceil(wait / 1000)
        detail = f"Too many attempts to log in; the next one is possible in {seconds} s."
        raise Error("rate_limited", detail, headers={"Retry-After": str(seconds)})
