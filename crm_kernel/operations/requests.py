"""What was asked of the write door, and the changes it works on (floor 7)."""

from __future__ import annotations

from collections.abc import Sequence

from crm_kernel.callers import Caller
from crm_kernel.errors import Fault
from crm_kernel.operations.batch import Batch
from crm_kernel.operations.changes import AnyChange
from crm_kernel.operations.outcomes import LEFT_OUT
from crm_kernel.operations.write_values import changed_names


def spread(faults: dict[int, list[Fault]], groups: Sequence[int]) -> dict[int, list[Fault]]:
    """The faults of each row, and for the sound ones of its group that they are left out with it."""
    faulty = {groups[row - 1] for row in faults}
    rows = [row for row, group in enumerate(groups, start=1) if group in faulty]
    return {row: faults.get(row) or [LEFT_OUT] for row in rows}


def numbered(requests: Sequence[AnyChange], *, atomic: bool) -> None:
    """Number the requests of a batch; one that comes alone has no number."""
    for number, request in enumerate(requests, start=1):
        request.row = number if len(requests) > 1 or not atomic else None


def fresh_of(request: AnyChange, caller: Caller) -> AnyChange:
    """A change to work on: a transaction may run more than once, so the request itself stays as it is."""
    change: AnyChange = type(request)(
        request.kind,
        request.entity,
        id=request.id,
        values=request.values,
        version=request.version,
        on=request.on,
        row=request.row,
        found=request.found,
        sparse=request.sparse,
    )
    change.sources = request.sources
    change.trusted = caller.system or request.trusted  # what the kernel itself asks for beside what the caller did
    change.merged = request.merged
    return change


def told_of_cause(change: AnyChange) -> tuple[AnyChange, list[Fault]]:
    """The change that is to blame for one that a hook added, and the faults as they are told of that one."""
    faults = change.faults
    while change.cause is not None:
        change, pointer = change.cause
        faults = [f.at(row=change.row, prefix=pointer) for f in faults]
    return change, faults


def keep_journal(batch: Batch) -> None:
    """Let what hooks do to the changes be noted in the journal of the batch."""
    for change in batch.changes:
        change.journal = batch.journal


def sound_of(changes: list[AnyChange]) -> list[AnyChange]:
    """The changes without a fault."""
    return [c for c in changes if not c.faults]


def is_unchanged(change: AnyChange) -> bool:
    """Whether an update or a move changes nothing."""
    if change.kind not in ("update", "move"):
        return False
    change.changed = changed_names(change)
    return change.model.computed.issuperset(change.changed)
