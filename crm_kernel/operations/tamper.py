"""History that shows when somebody changed it: seals are put on it in the background, and held against it (floor 7).

Each entry carries a hash over itself, made in the transaction that wrote it. A seal covers the next stretch of entries
and the seal before it, so nothing behind the newest seal can be changed, added or taken away unseen, but by making all
later seals anew; whoever noted an earlier head sees that too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from crm_kernel.access import not_found
from crm_kernel.callers import Caller
from crm_kernel.clock import Clock
from crm_kernel.errors import Error, near
from crm_kernel.registry import Registry
from crm_kernel.storage import history, seals
from crm_kernel.storage.digests import MARK, marks_of, seal_hash
from crm_kernel.storage.ports import Database, NotUnique, Reads, Tx
from crm_kernel.storage.seals import Entry, Seal

SEAL_SECONDS = 30.0
"""How often new entries are sealed."""
MOST = 2000
"""Entries of one seal."""


class Bad(msgspec.Struct, frozen=True):
    """The first thing that is wrong. `record`, `version` and `seq` are None where only the seal can be named."""

    what: str
    entity: str | None = None
    record: str | None = None
    version: int | None = None
    seq: int | None = None


class Verification(msgspec.Struct, frozen=True):
    """What came of a verification: how much was looked at, the head of the chain, and the first thing that is wrong."""

    ok: bool
    entries: int
    sealed: int
    erased: int
    seals: int
    head: str | None
    bad: Bad | None


class Tamper:
    """Seals and verifies the history of one kernel."""

    def __init__(self, database: Database, clock: Clock, registry: Callable[[], Registry]) -> None:
        self._database = database
        self._clock = clock
        self._registry = registry

    async def seal(self) -> int:
        """Put seals on all entries that have none and cannot be overtaken by earlier ones; how many entries."""
        done = 0
        try:
            while count := await self._seal_next():
                done += count
        except NotUnique:
            pass  # another process seals the same entries
        return done

    async def _seal_next(self) -> int:
        until = await history.settled(self._database)
        newest = await seals.last(self._database)
        if until <= (newest.last if newest else 0):
            return 0
        return await self._database.write(lambda tx: self._put_seal(tx, until))

    async def _put_seal(self, tx: Tx, until: int) -> int:
        newest = await seals.last(tx)
        after, before = (newest.last, newest.hash) if newest else (0, "")
        found = await seals.hashes(tx, after, until, MOST)
        if not found:
            return 0
        first, last = found[0][0], found[-1][0]
        marks = marks_of(hash for _, hash in found)
        at = self._clock.now_text()
        await seals.add(tx, Seal(after, first, last, at, marks, seal_hash(before, first, last, marks)))
        return len(found)

    async def erase(self, entity: str, record: str, caller: Caller, *, field: str | None = None) -> int:
        """Remove the values that history keeps of a record, or of its changes of one field; of how many entries.

        That there were changes, of what kind, when and by whom, stays, and so does the chain: the digest of what is
        removed tells nothing without its salt. An entry that changed other fields too loses their values with it.
        Raises `Error`: not_found (entity, field, or a record without such entries), forbidden (only administrators).
        """
        if not caller.unrestricted:
            raise Error("forbidden", "Only an administrator erases history.")
        model = self._registry().entities.get(entity)
        if model is None:
            raise not_found(entity)
        if field is not None and field not in model.fields:
            raise Error("not_found", f"{entity} has no field {field!r};{near(field, model.fields)}")
        erased = await self._database.write(lambda tx: history.erase(tx, entity, record, field))
        if not erased:
            raise not_found(entity, f"{record} with values in its history")
        return erased

    async def verify(self, *, head: str | None = None) -> Verification:
        """Hold the whole history against its seals. `head`: a head of the chain noted earlier, which must be in it."""
        seen = _Seen(head)
        bad = await self._verify_sealed(seen) or await self._verify_new(seen)
        if bad is None and head is not None and not seen.head_found:
            bad = Bad("The noted head is not in the chain: seals were made anew or taken away.")
        if bad is None:
            bad = await self._unwritten(self._database)
        return Verification(bad is None, seen.entries, seen.sealed, seen.erased, seen.seals, seen.hash or None, bad)

    async def verify_last(self) -> Verification:
        """Hold only the stretch under the newest seal against it: that takes milliseconds, however long the history."""
        seen = _Seen(None)
        newest = await seals.last(self._database)
        previous = None if newest is None else await seals.before(self._database, newest.after)
        if previous is not None:
            seen.last, seen.hash = previous.last, previous.hash
        bad = await self._verify_sealed(seen)
        return Verification(bad is None, seen.entries, seen.sealed, seen.erased, seen.seals, seen.hash or None, bad)

    async def _verify_sealed(self, seen: _Seen) -> Bad | None:
        while page := await seals.behind(self._database, seen.last):
            for seal in page:
                if seal.after != seen.last:
                    return Bad(f"The seal behind entry {seen.last} is missing.", seq=seen.last)
                found = await seals.entries(self._database, seal.after, seal.last, MOST + 1)
                bad = _first_bad(found) or self._against(seal, found, seen)
                if bad is not None:
                    return bad if bad.record else await self._named(bad)
                seen.add(seal, found)
        return None

    @staticmethod
    def _against(seal: Seal, found: Sequence[Entry], seen: _Seen) -> Bad | None:
        if seal_hash(seen.hash, seal.first, seal.last, seal.marks) != seal.hash:
            return Bad(f"The seal behind entry {seal.after} does not follow from the one before it.", seq=seal.after)
        marks = [seal.marks[n : n + MARK] for n in range(0, len(seal.marks), MARK)]
        stored = marks_of(entry.hash for entry in found)
        for place, mark in enumerate(marks):
            if mark != stored[place * MARK : (place + 1) * MARK]:
                return _misplaced(seal, found, place, marks)
        if len(found) > len(marks):
            return _bad("An entry was added after its stretch was sealed.", found[len(marks)])
        return None

    async def _verify_new(self, seen: _Seen) -> Bad | None:
        """The entries behind the last seal: each must hold by itself."""
        after = seen.last
        while found := await seals.entries(self._database, after, 2**63 - 1, MOST):
            if (bad := _first_bad(found)) is not None:
                return bad
            seen.entries += len(found)
            after = found[-1].seq
        return None

    async def _named(self, bad: Bad) -> Bad:
        """The record whose entry was taken away, where what is left of it tells."""
        gap = await seals.record_with_gap(self._database)
        if gap is not None:
            return msgspec.structs.replace(bad, entity=gap[0], record=gap[1])
        ahead = await self._unwritten(self._database)
        return bad if ahead is None else msgspec.structs.replace(bad, entity=ahead.entity, record=ahead.record)

    async def _unwritten(self, reads: Reads) -> Bad | None:
        """A record whose last change has no entry: it was changed, or the entry taken away, beside the write door."""
        for model in self._registry().entities.values():
            if model.history and (id := await seals.record_ahead(reads, model.name)) is not None:
                return Bad("The record's last change has no entry.", model.name, id)
        return None


class _Seen:
    """How far a verification is."""

    def __init__(self, head: str | None) -> None:
        self.entries = self.sealed = self.erased = self.seals = self.last = 0
        self.hash = ""
        self.head_found = False
        self._head = head

    def add(self, seal: Seal, found: Sequence[Entry]) -> None:
        self.entries += len(found)
        self.sealed += len(found)
        self.erased += sum(entry.erased for entry in found)
        self.seals += 1
        self.last, self.hash = seal.last, seal.hash
        self.head_found = self.head_found or seal.hash == self._head


def _first_bad(found: Sequence[Entry]) -> Bad | None:
    entry = next((entry for entry in found if not entry.sound), None)
    return None if entry is None else _bad("The entry does not fit its own hash: its values or facts changed.", entry)


def _misplaced(seal: Seal, found: Sequence[Entry], place: int, marks: Sequence[str]) -> Bad:
    """What stands where the entry of a mark should: the next one (it was taken away), or another in its place."""
    if len(found) < len(marks):
        return Bad(f"An entry between {seal.first} and {seal.last} was taken away.", seq=seal.first)
    return _bad("The entry is not the one that was sealed.", found[place])


def _bad(what: str, entry: Entry) -> Bad:
    return Bad(what, entry.entity, entry.record, entry.version, entry.seq)
