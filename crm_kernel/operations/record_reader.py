"""Reads about one record beside its fields: history, possible moves, what is left to see of it after a write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from crm_kernel.access import Access, Reading, not_found
from crm_kernel.callers import Caller
from crm_kernel.errors import Error, near
from crm_kernel.filters.expression import Expression
from crm_kernel.filters.scope import NOTHING, Rows
from crm_kernel.filters.to_predicate import to_predicate
from crm_kernel.model import EntityModel
from crm_kernel.operations.list_query import ListQuery
from crm_kernel.operations.moves import possible_moves
from crm_kernel.operations.outcomes import Outcome
from crm_kernel.operations.read import Reader
from crm_kernel.operations.work import Work
from crm_kernel.schema import describe, list_entities
from crm_kernel.storage import history
from crm_kernel.storage.ports import Reads


class RecordReader(Reader):
    """The read door with all that is asked of single records."""

    async def history(
        self, entity: str, id: str, caller: Caller, *, limit: int = 50, cursor: str | None = None
    ) -> dict[str, Any]:
        """The changes of a visible record, newest first, fields unreadable on it left out."""
        _, readable, _ = await self.in_hand(entity, id, caller)
        binding = ListQuery(filter=f"history of {id}", cursor=cursor)
        before = None if cursor is None else int(self.cursors.read(caller.id, entity, binding, 1)[0])
        entries = await self.entries(entity, id, readable, caller, limit=limit + 1, before=before)
        following = None
        if len(entries) > limit:
            following = self.cursors.write(caller.id, entity, binding, [entries[limit - 1]["seq"]])
        return {"items": entries[:limit], "next": following}

    async def entries(
        self, entity: str, id: str, readable: frozenset[str], caller: Caller, *, limit: int, before: int | None
    ) -> list[dict[str, Any]]:
        """The newest entries of history before one, of a record of which these fields may be read."""
        found = await history.of_record(self._database, entity, id, before=before, limit=limit)
        names = await self.user_names({e.actor for e in found if e.actor}, caller)
        model = self._registry().entities[entity]
        return [_entry(e, model, readable, names) for e in found]

    async def in_hand(
        self, entity: str, id: str, caller: Caller, asked: Rows = None
    ) -> tuple[dict[str, Any], frozenset[str], bool]:
        """A live record, the fields of it the caller may read, and whether it is one of `asked`.

        Raises `Error("not_found")` for one that is hidden from him.
        """
        self.access(caller, entity)
        found = (await self.in_hands(entity, [id], caller, asked)).get(id)
        if found is None or found[0]["deleted_at"] is not None:
            raise not_found(entity, id)
        return found

    async def in_hands(
        self, entity: str, ids: Iterable[str], caller: Caller, asked: Rows = None
    ) -> dict[str, tuple[dict[str, Any], frozenset[str], bool]]:
        """`in_hand` for those of `ids` that the caller may read, deleted ones too, in one statement."""
        access = self._registry().access(caller)
        model = self._registry().entities[entity]
        reading = access.reading(entity)
        rules = [rule for _, rule in reading.masked] + [asked]
        expressions = list({e.text: e for e in rules if isinstance(e, Expression)}.values())
        rows = reading.rows if access.allows(entity, "read") else NOTHING
        loaded = await self._store.lookups.load_with_flags(
            self._database, model, ids, rows, expressions, self._environment(caller)
        )

        def taken(record: dict[str, Any], flags: Sequence[bool]) -> tuple[dict[str, Any], frozenset[str], bool]:
            held = dict(zip((e.text for e in expressions), flags, strict=True))

            def holds(rule: Rows) -> bool:
                return rule is None or (isinstance(rule, Expression) and held[rule.text])

            hidden = {name for name, rule in reading.masked if not holds(rule)}
            return record, frozenset(reading.fields) - hidden, holds(asked)

        return {id: taken(*found) for id, found in loaded.items()}

    async def may(self, action: str, entity: str, id: str, caller: Caller) -> bool:
        """Whether a caller may do an action on a record: false for one that is hidden from him or not there.

        Raises `Error("bad_value")` for an action that neither the kernel nor a plugin has.
        """
        registry = self._registry()
        if action not in registry.actions:
            raise Error("bad_value", f"There is no action {action!r}:{near(action, registry.actions)}")
        access = registry.access(caller)
        if not (access.knows(entity) and access.allows(entity, action)):
            return False
        try:
            _, _, held = await self.in_hand(entity, id, caller, access.rows(entity, action))
        except Error as error:
            if error.code == "not_found":
                return False
            raise
        return held

    async def user_names(self, ids: set[str], caller: Caller) -> dict[str, str | None]:
        """The names of those users whose names the caller may read, by id."""
        if not ids or "name" not in self._registry().access(caller).readable("user"):
            return {}
        found = await self.by_ids("user", ids, caller, fields=("name",))
        return {id: user["name"] for id, user in found.items()}

    async def moves(self, entity: str, id: str, caller: Caller) -> dict[str, Any]:
        """What moves are possible for a visible record, and why the rest is not."""
        access = self.access(caller, entity)
        model = self._registry().entities[entity]
        if not model.pipelines:
            raise Error("not_found", f"{model.label} has no pipeline.")
        work = Work(self._database, self._store, self._registry(), caller, self._clock.now())
        moving = access.rows(entity, "move")
        record, readable, held = await self.in_hand(entity, id, caller, moving)
        return await possible_moves(work, model, record, may_move=held, readable=readable)

    async def written(
        self, outcomes: Sequence[Outcome], caller: Caller, *, reads: Reads | None = None
    ) -> list[dict[str, Any]]:
        """What the caller may see of just written records: `{"id"}` only where he may not read the result.

        `reads`: the transaction that wrote them, where it is still open.
        """
        access = self._registry().access(caller)
        return [await self._seen(outcome, access, caller, reads) for outcome in outcomes]

    async def _seen(self, outcome: Outcome, access: Access, caller: Caller, reads: Reads | None) -> dict[str, Any]:
        record = outcome.record or {"id": outcome.id}
        if outcome.outcome in ("deleted", "failed") or not access.allows(outcome.entity, "read"):
            return {"id": outcome.id}
        reading = access.reading(outcome.entity)
        if reading.uses_related:
            found = await self.by_ids(outcome.entity, [str(outcome.id)], caller, reads=reads)
            return found.get(str(outcome.id), {"id": outcome.id})
        return self._seen_in_hand(record, reading, self._registry().entities[outcome.entity], caller)

    def _seen_in_hand(
        self, record: dict[str, Any], reading: Reading, model: EntityModel, caller: Caller
    ) -> dict[str, Any]:
        """What he may read of a record in hand, where that takes no other record."""
        environment = self._environment(caller)

        def holds(rule: Rows) -> bool:
            return rule is None or (isinstance(rule, Expression) and to_predicate(rule)(record, environment))

        if not holds(reading.rows):
            return {"id": record["id"]}
        seen = {name: record[name] for name in reading.fields}
        for name, rule in reading.masked:
            if not holds(rule):
                seen[name] = None
        if "rotting" in seen:
            seen["rotting"] = self._registry().rotting(model, record, self._clock.now())
        return seen

    def schema(self, entity: str | None, caller: Caller) -> Any:
        """The entities the caller knows, or the JSON Schema of what he may send for one."""
        registry = self._registry()
        access = registry.access(caller)
        if entity is None:
            known = [m for m in registry.entities.values() if access.knows(m.name)]
            return list_entities(known, access, registry.actions, caller.locale)
        self.access(caller, entity)
        model = registry.entities[entity]
        writable = access.writable(entity, "create") | access.writable(entity, "update")
        return describe(model, readable=access.readable(entity), writable=writable, locale=caller.locale)


def _entry(
    entry: history.HistoryEntry,
    model: EntityModel,
    readable: frozenset[str],
    names: Mapping[str, str | None],
) -> dict[str, Any]:
    changes = {model.former.get(name, name): change for name, change in (entry.changes or {}).items()}
    actor = None if entry.actor is None else {"id": entry.actor, "name": names.get(entry.actor)}
    return {
        "seq": entry.seq,
        "at": entry.at,
        "actor": actor,
        "channel": entry.channel,
        "cause": entry.cause,
        "action": entry.action,
        "version": entry.version,
        "changes": {n: {"old": old, "new": new} for n, (old, new) in changes.items() if n in readable},
        "move": _move(entry.move, readable),
    }


def _move(move: Mapping[str, Any] | None, readable: frozenset[str]) -> Mapping[str, Any] | None:
    if move is None or "stage" not in readable:
        return None
    return move if "stage_reason" in readable else {**move, "reason": None}
