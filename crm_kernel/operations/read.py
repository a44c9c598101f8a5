"""The one door for reads: every list, record, history and look-up by anyone passes `Reader` (floor 7)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from crm_kernel.access import Access, not_found
from crm_kernel.callers import Caller
from crm_kernel.clock import Clock
from crm_kernel.errors import Error
from crm_kernel.fields.base import Kind
from crm_kernel.fields.reference import ANY
from crm_kernel.filters.environment import Environment
from crm_kernel.filters.searching import searched_fields
from crm_kernel.filters.sql import Sql
from crm_kernel.filters.to_sql import bind
from crm_kernel.model import EntityModel
from crm_kernel.operations.answers import encode
from crm_kernel.operations.export_fields import exported
from crm_kernel.operations.list_query import COUNT_CAP, Cursors, ListQuery
from crm_kernel.operations.list_use import ListUse
from crm_kernel.operations.read_plan import Planner, unknown_field
from crm_kernel.operations.read_ways import VERSION_AT, FewPlan, Plan, Shown
from crm_kernel.registry import Registry
from crm_kernel.storage.ports import Database, Reads, Row
from crm_kernel.storage.select import IDS, after_position, with_ids, with_page
from crm_kernel.storage.store import Store


class Page(msgspec.Struct, frozen=True):
    """One page of a list; `next` is the cursor of the next one."""

    items: list[Any]
    next: str | None
    count: int | None
    count_capped: bool

    def answer(self) -> dict[str, Any]:
        """As the API answers it."""
        answer: dict[str, Any] = {"items": self.items, "next": self.next, "count": self.count}
        if self.count is not None:
            answer["count_capped"] = self.count_capped
        return answer


class _Found(NamedTuple):
    """The rows of one page, and what they were read by."""

    access: Access
    shown: Shown
    rows: Sequence[Row]
    following: str | None
    counted: tuple[int | None, bool]


class Reader:
    """The read door of one kernel."""

    def __init__(
        self, database: Database, store: Store, clock: Clock, cursors: Cursors, registry: Callable[[], Registry]
    ) -> None:
        self._database = database
        self._store = store
        self._clock = clock
        self.cursors = cursors
        self._registry = registry
        self._planner: Planner | None = None
        self.list_use = ListUse(database, clock)

    @property
    def planner(self) -> Planner:
        """The compiled reads of the registry that is in force now."""
        registry = self._registry()
        if self._planner is None or self._planner.registry is not registry:
            self._planner = Planner(registry, self._store.dialect)
        return self._planner

    def _environment(self, caller: Caller) -> Environment:
        return self._registry().environment(caller, self._clock.now())

    def access(self, caller: Caller, entity: str) -> Access:
        """The caller's access; 404 where the entity does not exist for him."""
        access = self._registry().access(caller)
        if not access.knows(entity):
            raise not_found(entity)
        return access

    async def list(self, entity: str, caller: Caller, query: ListQuery, *, reads: Reads | None = None) -> Page:
        """A page of visible records. Raises `Error`: not_found, bad_filter, unknown_field, not_sortable, bad_cursor."""
        source = reads or self._database
        found = await self._found(entity, caller, query, source)
        items = [self._item(found.shown, row) for row in found.rows]
        await self._expand(found.shown.model, items, query.expand, caller, found.access, source)
        return Page(items, found.following, *found.counted)

    async def list_answer(self, entity: str, caller: Caller, query: ListQuery) -> bytes:
        """`list` as the API answers it. Rows are encoded without a dict of each: 380 instead of 320 µs with one."""
        if query.expand:
            return encode((await self.list(entity, caller, query)).answer())
        found = await self._found(entity, caller, query, self._database)
        items = [found.shown.answer(row) for row in found.rows]
        return encode(Page(items, found.following, *found.counted).answer())

    async def _found(self, entity: str, caller: Caller, query: ListQuery, source: Reads) -> _Found:
        access = self.access(caller, entity)
        if not access.allows(entity, "read") or (query.deleted and not access.allows(entity, "delete")):
            raise Error("forbidden", f"You may not read {'deleted ' if query.deleted else ''}{entity} records.")
        if query.export and not access.allows(entity, "export"):
            raise Error("forbidden", f"You may not export {entity} records.")
        plan = self.planner.list_plan(access, entity, query)
        if plan.slow is not None:
            self.list_use.note(plan.slow)
        environment = self._environment(caller)
        few = await self._few(plan, query, environment, source)
        sql = self._page_sql(plan, few, caller, entity, query)
        limit = query.limit + 1
        rows = await source.read(with_page(sql.text, limit), bind(sql.params, environment))
        following = None
        if len(rows) > query.limit:
            last = rows[query.limit - 1]
            following = self.cursors.write(caller.id, entity, query, [last[place] for place in plan.position])
        counted = await self._count(plan, few, query, environment, source)
        return _Found(access, plan.shown, rows[: query.limit], following, counted)

    async def find(
        self,
        entity: str,
        access: Access,
        environment: Environment,
        filter: str | None,
        *,
        q: str | None = None,
        sort: str | None = None,
        limit: int = 100,
        reads: Reads | None = None,
    ) -> list[dict[str, Any]]:
        """Live records in canonical form, for plugins; `@param.NAME` takes its values from the environment."""
        query, source = ListQuery(filter=filter, q=q, sort=sort), reads or self._database
        plan = self.planner.list_plan(access, entity, query, params=environment.params, raw=False)
        few = None if q is None else await self._few(plan, query, environment, source)
        sql = (few if few and few.sure else plan).first_page
        rows = await source.read(with_page(sql.text, limit), bind(sql.params, environment))
        return [self._item(plan.shown, row) for row in rows]

    async def count(self, entity: str, access: Access, environment: Environment, filter: str | None) -> int:
        """How many live records satisfy a filter, for plugins."""
        query = ListQuery(filter=filter)
        plan = self.planner.list_plan(access, entity, query, params=environment.params, raw=False)
        sql = self.planner.count_sql(plan, capped=False)
        return int((await self._database.read(sql.text, bind(sql.params, environment)))[0][0])

    @staticmethod
    async def _few(plan: Plan, query: ListQuery, environment: Environment, source: Reads) -> FewPlan | None:
        """The way that suits a list of few records, None where there is none or it has many.

        Few have the words that are searched, or the caller may see few.
        """
        in_order = plan.ordered is not None and query.count == "none"
        asked = plan.asked_in_order if in_order else plan.asked
        if asked is None:
            return None
        [many] = await source.read(asked.has_many.text, bind(asked.has_many.params, environment))
        return next((way for way, is_many in zip(asked.ways, many, strict=True) if not is_many), None)

    def _page_sql(self, plan: Plan, few: FewPlan | None, caller: Caller, entity: str, query: ListQuery) -> Sql:
        if query.cursor is None:
            return (few if few and few.sure else plan.ordered or few or plan).first_page
        position = self.cursors.read(caller.id, entity, query, len(plan.order))
        return self.planner.page_after(plan, after_position(plan.order, position), few=few)

    @staticmethod
    def _item(shown: Shown, row: Sequence[Any]) -> dict[str, Any]:
        record = shown.columns.decode(tuple(row))
        position = shown.columns.width
        for path in shown.paths:
            values = row[position : position + len(path.columns)]
            position += len(path.columns)
            convert = path.convert
            record[path.name] = values[0] if convert is None or values[0] is None else convert(*values)
        return record

    async def _count(
        self, plan: Plan, few: FewPlan | None, query: ListQuery, environment: Environment, source: Reads
    ) -> tuple[int | None, bool]:
        if query.count == "none":
            return None, False
        sql = self.planner.count_sql(plan, capped=query.count == "capped", few=few)
        found = (await source.read(sql.text, bind(sql.params, environment)))[0][0]
        return (COUNT_CAP, True) if query.count == "capped" and found > COUNT_CAP else (found, False)

    async def get(
        self,
        entity: str,
        id: str,
        caller: Caller,
        *,
        fields: tuple[str, ...] | None = None,
        expand: tuple[str, ...] = (),
        deleted: bool = False,
    ) -> dict[str, Any]:
        """One visible record. Raises `Error("not_found")` for a hidden, deleted or unknown one alike."""
        access = self.access(caller, entity)
        found = await self.by_ids(entity, [id], caller, fields=fields, deleted=deleted)
        if id not in found:
            raise not_found(entity, id)
        record = found[id]
        await self._expand(self._registry().entities[entity], [record], expand, caller, access, self._database)
        return record

    async def get_answer(
        self,
        entity: str,
        id: str,
        caller: Caller,
        *,
        fields: tuple[str, ...] | None = None,
        expand: tuple[str, ...] = (),
    ) -> tuple[bytes, int]:
        """`get` as the API answers it, and the record's version."""
        if expand:
            record = await self.get(entity, id, caller, fields=fields, expand=expand)
            return encode(record), record["version"]
        access = self.access(caller, entity)
        if not access.allows(entity, "read"):
            raise not_found(entity, id)
        one = self.planner.one(access, entity, fields)
        wanted = self._store.dialect.encode(id, "uuid")
        params = [wanted if value is IDS else value for value in bind(one.sql.params, self._environment(caller))]
        rows = await self._database.read(one.sql.text, params)
        if not rows:
            raise not_found(entity, id)
        return encode(one.shown.answer(rows[0])), rows[0][VERSION_AT]

    async def by_ids(
        self,
        entity: str,
        ids: Iterable[str],
        caller: Caller,
        *,
        fields: tuple[str, ...] | None = None,
        deleted: bool = False,
        reads: Reads | None = None,
    ) -> dict[str, dict[str, Any]]:
        """id → record as the caller may read it, of those of `ids` that are visible to him."""
        access = self._registry().access(caller)
        if not access.allows(entity, "read"):
            return {}
        read = self.planner.by_ids(access, entity, ListQuery(fields=fields, deleted=deleted))
        wanted = self._store.dialect.encode_list(ids, "uuid")
        params = bind(with_ids(read.sql.params, wanted), self._environment(caller))
        rows = await (reads or self._database).read(read.sql.text, params)
        return {item["id"]: item for item in (self._item(read.shown, row) for row in rows)}

    def exported(self, entity: str, caller: Caller, query: ListQuery) -> tuple[str, ...]:
        """The columns of an export: those it names, else all but sensitive ones."""
        return query.fields or exported(self.access(caller, entity), self._registry().entities[entity])

    def cls_of(self, entity: str) -> type | None:
        """The class of an entity, None where it has none."""
        return self._registry().entities[entity].cls

    def searched(self, caller: Caller) -> list[tuple[EntityModel, tuple[str, ...]]]:
        """The entities by name that a search of his looks into, each with its fields."""
        registry = self._registry()
        access = registry.access(caller)
        readable = [m for _, m in sorted(registry.entities.items()) if access.allows(m.name, "read")]
        found = [(m, searched_fields(m, access)) for m in readable if access.knows(m.name)]
        return [(model, names) for model, names in found if names]

    def existing(self, model: EntityModel, names: Iterable[str], caller: Caller) -> tuple[str, ...]:
        """Those of the names and paths that a list of his may show."""
        return tuple(name for name in names if self.planner.exists(self._registry().access(caller), model, name))

    async def _expand(
        self,
        model: EntityModel,
        items: list[dict[str, Any]],
        names: Sequence[str],
        caller: Caller,
        access: Access,
        source: Reads,
    ) -> None:
        """Put objects in the place of references: one statement per name, hidden ones as `{"id", "hidden": true}`."""
        for name in names:
            if name not in access.readable(model.name):
                raise unknown_field(name, access.readable(model.name))
            field = model.fields[name]
            if field.type.kind is not Kind.REFERENCE or name == "id":
                raise Error("bad_value", f"expand takes references; {name!r} is a {field.type.name}.")
            ids = {item[name] for item in items if item.get(name)}
            found = await self._targets(str(field.options.reference or ANY), ids, caller, source) if ids else {}
            for item in items:
                if item.get(name):
                    item[name] = found.get(item[name], {"id": item[name], "hidden": True})

    async def _targets(self, target: str, ids: set[str], caller: Caller, source: Reads) -> dict[str, dict[str, Any]]:
        if target != ANY:
            return await self.by_ids(target, ids, caller, reads=source)
        registry = self._registry()
        access = registry.access(caller)
        reachable = [(m, access.rows(m.name)) for m in registry.entities.values() if access.allows(m.name, "read")]
        places = await self._store.lookups.find_anywhere(source, reachable, ids, self._environment(caller))
        found: dict[str, dict[str, Any]] = {}
        for entity in sorted(set(places.values())):
            here = [id for id, place in places.items() if place == entity]
            found.update(await self.by_ids(entity, here, caller, reads=source))
        return found
