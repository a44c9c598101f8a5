"""What a caller may see and do, decided by brute force from the contract (documents.md, filters.md), record by record.

Nothing of the app decides here: roles are read as documents, filters as trees, records as they are stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tests.access.expressions import Tree, Values, folded, holds
from tests.access.schemas import COMPUTED
from tests.access.world import World

Record = dict[str, Any]
Grant = dict[str, Any]

SEARCHED = {
    **dict.fromkeys(("alpha", "beta"), ("word", "line")),
    "user": ("login", "name"),
    "team": ("name",),
    "activity": ("subject", "body"),
}
ALWAYS = {"id", "version"}
NOT_IN_STAR = {"user", "team", "file"}
MOVE = {"pipeline", "stage", "stage_reason"}
BUILTIN: list[Grant] = [
    {"entity": "user", "actions": ["read"], "where": ("test", "active", "=", True), "fields": {"read": ["name"]}},
    {"entity": "team", "actions": ["read"], "where": None, "fields": {"read": ["name"]}},
]
NEVER_WRITTEN = {
    "version", "created_at", "created_by", "updated_at", "updated_by", "deleted_at", "stage_since", "rotting",
    *COMPUTED,
}  # fmt: skip


class Oracle:
    """The rights of one user in a world. `stored` are all records, by entity and id, `past` their history entries,
    newest first, `columns` the fields of each entity."""

    def __init__(
        self,
        world: World,
        stored: dict[str, dict[str, Record]],
        past: dict[str, list[Record]],
        columns: dict[str, list[str]],
        user: int,
        today: str,
    ) -> None:
        self.world, self.stored, self.past, self.columns = world, stored, past, columns
        self.user = world.users[user]
        self.scope = world.scopes[user]
        self.admin = "admin" in self.user["roles"]
        self.variables = {"@me": self.user["id"], "@my_team": self.user["team"], "@my_teams": self._teams(today)}
        mine = [grant for role in self.user["roles"] for grant in world.roles[role]]
        shared = [s for s in world.shares if s["user"] == self.user["id"] and not s["over"]]
        shared = [s for s in shared if s["record"] in stored[s["entity"]]]  # with a purge its shares go
        self.grants = [*BUILTIN, *mine, *shared]
        self._kept: dict[Any, Any] = {}
        """What follows from the roles alone and is asked again and again."""

    def _teams(self, today: str) -> set[str]:
        held = {self.user["team"]} - {None}
        for one in self.user["teams"] or []:
            if one.get("since", "") <= today <= one.get("until", "9999"):
                held.add(one["team"])
        while True:
            below = {t["id"] for t in self.world.teams if t["parent"] in held}
            if below <= held:
                return held
            held |= below

    # ---- grants -------------------------------------------------------------------------------------------------
    def given(self, entity: str, action: str | None = None) -> list[Grant]:
        """The grants for an entity, whatever the row."""

        def find() -> list[Grant]:
            if self.scope is not None and entity not in self.scope:
                return []
            if self.admin:
                return [{"entity": entity, "actions": [action], "admin": True, "asked": action}]
            named = {entity} if entity in NOT_IN_STAR else {entity, "*"}
            mine = [g for g in self.grants if g["entity"] in named and (action is None or action in g["actions"])]
            return [{**g, "asked": action} for g in mine]

        return self._once(("given", entity, action), find)

    def knows(self, entity: str) -> bool:
        """Whether the entity exists for him."""
        return bool(self.given(entity))

    def _once(self, key: Any, find: Callable[[], Any]) -> Any:
        if key not in self._kept:
            self._kept[key] = find()
        return self._kept[key]

    def _names(self, grant: Grant, entity: str, member: str) -> set[str]:
        columns = set(self.columns[entity])
        if grant.get("admin"):
            return columns
        fields = grant.get("fields") or {}
        listed = set(fields.get(member, ["*"]))
        if "*" in listed:
            listed |= columns - self.sensitive(entity) - {"kids"}
        return (listed & columns) - set(fields.get("deny", []))

    def sensitive(self, entity: str) -> set[str]:
        """The fields whose values stand in no history; `*` gives neither them nor rollups."""
        fields = self.world.fields.get(entity, {})
        found = {name for name, schema in fields.items() if schema.get("x-crm", {}).get("sensitive")}
        return found | ({"twin"} & fields.keys())  # it tells what `hush` is

    def reads(self, grant: Grant, entity: str) -> frozenset[str]:
        """The fields a grant lets him read."""
        return self._once(("reads", id(grant), entity), lambda: frozenset(self._names(grant, entity, "read") | ALWAYS))

    def writes(self, grant: Grant, entity: str) -> frozenset[str]:
        """The fields a grant lets him write."""

        def find() -> frozenset[str]:
            readonly = set((grant.get("fields") or {}).get("readonly", []))
            return frozenset(self._names(grant, entity, "write") - readonly - NEVER_WRITTEN)

        return self._once(("writes", id(grant), entity), find)

    def holds_on(self, grant: Grant, entity: str, record: Record, member: str = "where") -> bool:
        """Whether a grant's rule holds on a record, judged with system rights."""
        rule: Tree | None = grant.get(member)
        if member == "check" and rule is None:
            rule = grant.get("where")
        rules = [*([] if rule is None else [rule]), *self.world.narrowed_by(entity, grant["asked"])]
        return all(self.judged(rule, entity, record, system=True) for rule in rules)

    # ---- what he sees -------------------------------------------------------------------------------------------
    def sees(self, entity: str, record: Record | None, deleted: bool = False) -> bool:
        """Whether he may read a row."""
        if record is None or (record["deleted_at"] is not None) is not deleted:
            return False
        return any(self.holds_on(g, entity, record) for g in self.given(entity, "read"))

    def fields(self, entity: str) -> tuple[str, ...]:
        """The fields that exist for him."""

        def find() -> tuple[str, ...]:
            names = _with_inputs(set[str]().union(*(self.reads(grant, entity) for grant in self.given(entity, "read"))))
            return tuple(name for name in self.columns[entity] if name in names)

        return self._once(("fields", entity), find)

    def fields_on(self, entity: str, record: Record) -> set[str]:
        """The fields he may read on one row."""
        found: set[str] = set()
        for grant in self.given(entity, "read"):
            if self.holds_on(grant, entity, record):
                found |= self.reads(grant, entity)
        return _with_inputs(found)

    def shown(self, entity: str, record: Record) -> Record:
        """A record as he is answered."""
        mine = self.fields_on(entity, record)
        return {name: record[name] if name in mine else None for name in self.fields(entity)}

    # ---- filters ------------------------------------------------------------------------------------------------
    def judged(self, tree: Tree, entity: str, record: Record, *, system: bool = False) -> bool:
        """Whether a filter holds on a record, as he (or the system) sees all that it reads."""

        def values_of(entity: str, record: Record) -> Values:
            return lambda path: self.at(entity, record, path.split("."), system=system)

        def referring_to(record: Record, name: str) -> Iterator[tuple[str, Record]]:
            other, _, field = name.partition("_by_")
            for row in self.stored[other].values():
                seen = row["deleted_at"] is None if system else self.sees(other, row)
                if seen and row[field] == record["id"] and (system or field in self.fields_on(other, row)):
                    yield other, row

        def judge(tree: Tree, entity: str, record: Record) -> bool:
            def referring(name: str) -> Iterator[Values]:
                raise AssertionError(name)  # `any` is judged below, where the entity is known

            match tree:
                case ("any", name, inner):
                    return any(judge(inner, *found) for found in referring_to(record, name))
                case ("not", item):
                    return not judge(item, entity, record)
                case ("and", left, right):
                    return judge(left, entity, record) and judge(right, entity, record)
                case ("or", left, right):
                    return judge(left, entity, record) or judge(right, entity, record)
            return holds(tree, values_of(entity, record), referring, self.variables)

        return judge(tree, entity, record)

    def at(self, entity: str, record: Record, path: list[str], *, system: bool = False) -> Any:
        """The value at a path; null beyond what he may not read."""
        name, *rest = path
        value = record.get(name)
        if value is None or not (system or name in self.fields_on(entity, record)):
            return None
        if not rest:
            return value
        if isinstance(value, dict):
            return value.get(rest[0])
        target = str(self.world.target(entity, name) or "team")
        found = self.stored[target].get(value)
        seen = (found is not None and found["deleted_at"] is None) if system else self.sees(target, found)
        return self.at(target, found, rest, system=system) if seen and found is not None else None

    def exists(self, entity: str, path: str) -> bool:
        """Whether a path's names all exist for him."""
        name, _, rest = path.partition(".")
        if "_by_" in name:
            other, _, field = name.partition("_by_")
            return field in self.fields(other) if self.knows(other) else False
        if not self.knows(entity) or name not in self.fields(entity):
            return False
        target = self.world.target(entity, name)
        return not rest or target is None or self.exists(target, rest)

    def may_ask(self, tree: Tree, entity: str) -> bool:
        """Whether every name of a filter exists for him, at any depth."""
        match tree:
            case ("test", path, *_) | ("null", path, _):
                return self.exists(entity, path)
            case ("any", name, inner):
                return self.exists(entity, name) and self.may_ask(inner, name.partition("_by_")[0])
            case ("not", item):
                return self.may_ask(item, entity)
            case (_, left, right):
                return self.may_ask(left, entity) and self.may_ask(right, entity)
        raise AssertionError(tree)

    def rows(self, entity: str, tree: Tree | None, deleted: bool = False) -> list[Record]:
        """The rows he is listed."""
        found = [r for r in self.stored[entity].values() if self.sees(entity, r, deleted)]
        if deleted:
            mine = self.given(entity, "delete")
            found = [r for r in found if any(self.holds_on(g, entity, r) for g in mine)]
        return [r for r in found if tree is None or self.judged(tree, entity, r)]

    # ---- search -------------------------------------------------------------------------------------------------
    def searched(self, entity: str) -> list[str]:
        """The texts that a search of his looks into."""
        readable = self.fields(entity) if self.knows(entity) else []
        return [name for name in readable if name in SEARCHED[entity] and name not in self.sensitive(entity)]

    def sought(self, entity: str, record: Record, q: str) -> bool:
        """Whether each word stands in a text that he may read on the record, the last one as a beginning."""
        mine = self.fields_on(entity, record)
        texts = [record[name] for name in self.searched(entity) if name in mine and record[name] is not None]
        found = {word for each in texts for word in words_of(each)}
        *whole, last = words_of(q) or [""]
        return not last or (found >= set(whole) and any(word.startswith(last) for word in found))


def _with_inputs(names: set[str]) -> set[str]:
    """Those that may be read where these are given: a formula where all is that it is computed from."""
    return {name for name in names if COMPUTED.get(name, set[str]()) <= names}


def words_of(value: str) -> list[str]:
    """The folded words of a text."""
    return "".join(c if c.isalnum() else " " for c in folded(value)).split()
