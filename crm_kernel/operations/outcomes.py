"""What became of the changes that were asked for, in their order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from crm_kernel.access import MOVE_FIELDS
from crm_kernel.errors import Error, Fault, winner
from crm_kernel.operations.changes import AnyChange
from crm_kernel.storage.ports import Tx


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one requested change. `status` is the HTTP status it would have alone."""

    row: int
    status: int
    outcome: str
    entity: str
    id: str | None = None
    version: int | None = None
    record: dict[str, Any] | None = None
    error: Error | None = None


LEFT_OUT = Fault(pointer="", code="conflict", detail="A change that belongs to it is refused.", status=409)
"""The fault of a sound change that is left out with a faulty one of its group."""

Also = Callable[[Tx, list[Outcome]], Awaitable[None]]
"""What is written in the same transaction, once its outcomes are known."""


def outcomes_of(
    requests: Sequence[AnyChange], done: dict[int, AnyChange], failed: dict[int, list[Fault]]
) -> list[Outcome]:
    """The outcome of each request: what its change came to (`done`), or the faults it has (`failed`)."""
    return [
        _failed(n, request, failed[n]) if n in failed else _outcome(n, done[n])
        for n, request in enumerate(requests, start=1)
    ]


class Finisher:
    """Calls `also` with the outcomes once the changes of a transaction are done, and keeps them."""

    def __init__(self, also: Also, requests: Sequence[AnyChange], failed: dict[int, list[Fault]]) -> None:
        self.outcomes: list[Outcome] | None = None
        self._also = also
        self._requests = requests
        self._failed = failed

    async def __call__(self, tx: Tx, done: dict[int, AnyChange]) -> None:
        self.outcomes = outcomes_of(self._requests, done, self._failed)
        await self._also(tx, self.outcomes)


_STATUS = {"created": 201, "deleted": 204, "purged": 204}


def _outcome(number: int, change: AnyChange) -> Outcome:
    if change.kind == "create":
        outcome = "created"
    elif change.kind in ("delete", "purge", "restore"):
        outcome = {"delete": "deleted", "purge": "deleted", "restore": "updated"}[change.kind]
    elif not change.changed:
        outcome = "skipped" if change.skipped else "unchanged"
    else:
        outcome = "moved" if change.move_record and set(change.changed) & MOVE_FIELDS else "updated"
    return Outcome(
        row=number,
        status=_STATUS.get(outcome, 200),
        outcome=outcome,
        entity=change.entity,
        id=change.new.get("id"),
        version=change.new.get("version"),
        record=change.new,
    )


def _failed(number: int, request: AnyChange, faults: list[Fault]) -> Outcome:
    error = winner(faults)
    return Outcome(row=number, status=error.status, outcome="failed", entity=request.entity, id=request.id, error=error)
