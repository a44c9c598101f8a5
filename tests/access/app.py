"""A kernel that takes one random world after the other: tables are made once, a world is a registry and rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from crm_kernel import Change, Restriction
from crm_kernel.callers import Caller
from crm_kernel.model import EntityModel
from crm_kernel.storage import history, shares
from crm_kernel.storage.ports import Tx
from crm_kernel.storage.search_index import SearchIndex, make, search_index
from crm_kernel.storage.sqlite_engine import SqliteEngine
from crm_kernel.testing import TestCrm
from tests.access.expressions import text
from tests.access.oracle import Oracle, Record
from tests.access.schemas import ENTITIES, ID, MOST, OTHERS, WIDEST
from tests.access.world import World

NOW = datetime(2026, 3, 29, 10, 0, tzinfo=UTC)
TODAY = "2026-03-29"
NOW_TEXT = "2026-03-29T10:00:00Z"
NEXT_DAY = "2026-03-30T10:00:00Z"
_CLEARED = [
    "crm_history",
    "crm_share",
    "crm_outbox",
    "crm_stage_history",
    *(f"e_{name}" for name in (*ENTITIES, *OTHERS, "team")),
]


class Worlds:
    """One app for all examples."""

    def __init__(self, crm: TestCrm) -> None:
        self.crm = crm
        self.kernel = crm.kernel
        self.stored: dict[str, dict[str, Record]] = {}
        self.past: dict[str, list[Record]] = {}
        self._indexed: dict[str, SearchIndex] = {}

    async def prepare(self) -> None:
        """Make the tables."""
        if isinstance(self.kernel.database, SqliteEngine):  # nobody pulls the plug here
            self.kernel.database._writer._connection.execute("PRAGMA synchronous = OFF")
        self.kernel.clock.set(NOW)
        await self.kernel.documents.put_all(WIDEST, self.kernel.system("apply"))
        # Cursors are signed with the time: with one time, equal answers are equal bytes.
        self.kernel.reader.cursors._signer.get_timestamp = lambda: 0

    async def begin(self, world: World) -> None:
        """Take a world into force."""
        rules = [Restriction(entity=name, actions=among, where=text(rule)) for name, among, rule in world.narrowings]
        self.kernel.plugins.restrictions = lambda: [("narrow", rule) for rule in rules]
        registry = self.kernel.build(world.documents())
        assert not registry.broken, registry.broken
        self.kernel.swap(registry, None)

        async def clear(tx: Tx) -> None:
            for table in _CLEARED:
                await tx.execute(f"DELETE FROM {table}")
            for name in ENTITIES:
                await self._make_index(tx, registry.entities[name])

        await self.kernel.database.write(clear)
        people = [Change.create("team", team) for team in world.teams]
        people += [Change.create("user", {**user, "owner": user["id"]}) for user in world.users]
        rows = [Change.create(name, row) for name in world.records for row in _within_limits(world, name)]
        await self.crm.write([*people, *rows])
        later: list[Any] = [Change.delete(name, id) for name in ENTITIES for id in sorted(world.deleted[name])]
        for name in ENTITIES:
            first = world.records[name][0]
            if first["id"] not in world.deleted[name]:
                values = {
                    "word": "edited",
                    **({"stage": "lost", "stage_reason": "dear"} if name in world.staged else {}),
                }
                later.append(Change.update(name, first["id"], values))
        await self.crm.write(later)
        await self.kernel.database.write(lambda tx: _share(tx, world))
        await self.look()
        await self._exceed_limits(world)

    async def _make_index(self, tx: Tx, model: EntityModel) -> None:
        """Make the index of words, empty, as applying the documents of the world would."""
        index = search_index(model)
        if index is None:
            return
        if self._indexed.get(model.name) != index:
            self._indexed[model.name] = index
            await make(tx, index, whole=True)
        await tx.execute(f"DELETE FROM {index.name}")

    async def _exceed_limits(self, world: World) -> None:
        """Store what the schema no longer allows, past all doors."""
        wanted = {
            (name, row["id"]): row["num"]
            for name in ENTITIES
            for row in world.records[name]
            if world.is_invalid(name, row.get("num"))
        }

        async def work(tx: Tx) -> None:
            for (name, id), num in wanted.items():
                row = self.stored[name][id]
                row["num"] = num
                model = self.kernel.registry.entities[name]
                await self.kernel.store.records.update(tx, model, [({**row, "version": row["version"] + 1}, ["num"])])

        if wanted:
            await self.kernel.database.write(work)

    async def look(self) -> None:
        """Read what is stored now, past all rules."""
        kernel, models = self.kernel, self.kernel.registry.entities
        self.stored, self.past = {}, {}
        for name in (*ENTITIES, *OTHERS, "team"):
            rows = await kernel.store.records.load_where(kernel.database, models[name], "1 = 1")
            self.stored[name] = {row["id"]: row for row in rows}
            if rows:
                entries = await history.of_records(kernel.database, name, {row["id"]: 1 for row in rows})
                self.past.update({id: [_entry(each) for each in found] for id, found in entries.items()})

    async def caller(self, world: World, user: int) -> Caller | None:
        """A user of the world as a caller, None where he may not sign in."""
        if not world.users[user]["active"]:
            return None
        caller = await self.kernel.caller_for(world.users[user]["id"], "api")
        scope = world.scopes[user]
        return Caller(**{n: getattr(caller, n) for n in caller.__struct_fields__} | {"entities": scope})

    def oracle(self, world: World, user: int) -> Oracle:
        """The oracle for a user of the world."""
        models = self.kernel.registry.entities
        columns = {name: [field for field in models[name].fields if field != "rotting"] for name in models}
        return Oracle(world, self.stored, self.past, columns, user, TODAY)


async def _share(tx: Tx, world: World) -> None:
    for number, share in enumerate(world.shares):
        until = (None, NEXT_DAY)[number % 2] if not share["over"] else NOW_TEXT
        fields, actions = share["fields"], tuple(share["actions"])
        given = tuple(fields["read"]), tuple(fields["write"])
        row = (ID(0x2000 + number), share["entity"], share["record"], share["user"], actions, *given, until, NOW_TEXT)
        await shares.add(tx, shares.StoredShare(*row, None))


def _within_limits(world: World, name: str) -> list[Record]:
    rows = world.records[name]
    return [{**row, "num": MOST} if world.is_invalid(name, row.get("num")) else row for row in rows]


def _entry(entry: history.HistoryEntry) -> dict[str, Any]:
    shown = {n: getattr(entry, n) for n in ("seq", "at", "actor", "channel", "cause", "action", "version", "move")}
    return {**shown, "changes": {n: {"old": old, "new": new} for n, (old, new) in (entry.changes or {}).items()}}
