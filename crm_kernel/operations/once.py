"""Requests with an `Idempotency-Key`: done once, their answer kept for a day and given again (floor 7).

The key is stored with its answer in the transaction of the write itself. So after a crash either both are there or
neither, and of two requests with one key on two nodes the second finds the key taken and gives the first one's answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

import msgspec

from crm_kernel.clock import Clock, moment_text
from crm_kernel.errors import Error
from crm_kernel.operations.outcomes import Also, Outcome
from crm_kernel.storage import keys
from crm_kernel.storage.ports import Database, NotUnique, Tx

LIFETIME = timedelta(hours=24)
USERS = "user:"
"""How the scopes of people's keys begin (those of listeners' writes do not)."""


class OnceKey(NamedTuple):
    """A key as it was sent: whose it is, its text, and the digest of method, path and body it came with."""

    user: str
    text: str
    fingerprint: str

    @property
    def scope(self) -> str:
        """The scope of its user's keys."""
        return USERS + self.user


class Kept(msgspec.Struct, frozen=True):
    """An answer as it was sent."""

    status: int
    headers: list[tuple[str, str]]
    body: str
    media: str = "application/json"
    raw: bytes | None = None


class Once:
    """The keys of one kernel."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._running: dict[tuple[str, str], str] = {}

    async def do(
        self,
        key: OnceKey,
        write: Callable[[Also], Awaitable[object]],
        render: Callable[[Tx, list[Outcome]], Awaitable[Kept]],
    ) -> tuple[Kept, bool]:
        """The answer to the request with this key, and whether it was done before.

        `write` does it and takes what runs at the end of its transaction; `render` makes its answer there. Raises
        `Error`: idempotency_key (used for another request), in_progress (the first one still runs here), and whatever
        `write` raises; a refused request leaves its key free.
        """
        if (kept := await self._kept(key)) is not None:
            return kept, True
        answers: list[Kept] = []

        async def keep(tx: Tx, outcomes: list[Outcome]) -> None:
            answers.append(await render(tx, outcomes))  # a transaction may run again: the last one counts
            await keys.drop(tx, key.scope, key.text, before=self._oldest())
            body = msgspec.json.encode(answers[-1]).decode()
            await keys.keep(tx, key.scope, key.text, body, self._clock.now_text(), fingerprint=key.fingerprint)

        with self._runs(key):
            try:
                await write(keep)
            except (Error, NotUnique):
                # Another node was first with this key: it, or what it wrote, is what stood in the way.
                if (kept := await self._kept(key)) is None:
                    raise
                return kept, True
        return answers[-1], False

    @contextmanager
    def _runs(self, key: OnceKey) -> Generator[None]:
        place = (key.user, key.text)
        running = self._running.get(place)
        if running is not None:
            raise _other_request() if running != key.fingerprint else Error("in_progress")
        self._running[place] = key.fingerprint
        try:
            yield
        finally:
            del self._running[place]

    async def _kept(self, key: OnceKey) -> Kept | None:
        found = await keys.find(self._database, key.scope, key.text)
        if found is None or found.at < self._oldest():
            return None
        if found.fingerprint != key.fingerprint:
            raise _other_request()
        return msgspec.json.decode(found.answer, type=Kept)

    def _oldest(self) -> str:
        return moment_text(self._clock.now() - LIFETIME)

    async def prune(self) -> None:
        """Forget the keys whose day is over."""
        await self._database.write(lambda tx: keys.prune(tx, scopes=USERS, before=self._oldest()))


def _other_request() -> Error:
    detail = "This Idempotency-Key came with another method, path or body before."
    return Error("idempotency_key", detail)
