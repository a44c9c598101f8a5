"""What `before_*` and `check_write` hooks are given: the changes of one operation, and what they may do with them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar, overload

from crm_kernel.callers import Caller
from crm_kernel.entities import Entity, entity_name
from crm_kernel.errors import Error
from crm_kernel.operations.changes import AnyChange, Cause, Change, Journal, RecordView, plain
from crm_kernel.operations.deadline import Deadline
from crm_kernel.pipelines import Pipeline, Stage
from crm_kernel.plugin_words import Messages, message

E = TypeVar("E", bound=Entity)
T = TypeVar("T")
Find = Callable[..., Awaitable[list[dict[str, Any]]]]


class Batch:
    """The changes of one operation.

    `changes` are all of them, `of(Viewing)` those of one entity with typed `before` and `after`. `actor` is the
    caller, `channel` where he came from. A hook may read only through `find` and wait only for `find` and `lock`. It is
    the hook's while that runs: kept longer, it and its changes refuse everything.
    """

    def __init__(
        self,
        changes: list[AnyChange],
        caller: Caller,
        find: Find,
        lock: Callable[..., Awaitable[None]],
        now: Callable[[], datetime],
        deadline: Deadline,
        *,
        new_id: Callable[[], str],
        pipelines: Mapping[str, Pipeline],
    ) -> None:
        self.changes = changes
        self.journal = Journal()
        self.deadline = deadline
        self.settings: Any = None
        """The settings of the plugin whose hook runs: its settings class filled from `[plugins.NAME]`."""
        self.messages: Messages = {}
        self.added: list[AnyChange] = []
        self.failure: Exception | None = None
        """What went wrong in the database while a hook asked it: no hook can keep that to itself."""
        self._asking = asyncio.Lock()
        self._caller = caller
        self._find = find
        self._lock = lock
        self._now = now
        self._new_id = new_id
        self._pipelines = pipelines

    @cached_property
    def _grouped(self) -> dict[str, list[AnyChange]]:
        grouped: dict[str, list[AnyChange]] = {}
        for change in self.changes:
            grouped.setdefault(change.entity, []).append(change)
        return grouped

    @property
    def actor(self) -> Caller:
        """Who acts."""
        return self._caller

    @property
    def channel(self) -> str:
        """Through which door the changes came: api, web, cli, import, plugin, automation, job, apply, undo."""
        return self._caller.channel

    def text(self, key: str, **values: Any) -> str:
        """A message of the plugin (`message.KEY` of its translations) in the language of who acts, else in English.

        Raises `KeyError` for a key that is not there.
        """
        return message(self.messages, self._caller.locale, key, values)

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return self._now()

    def __iter__(self) -> Iterator[AnyChange]:
        return iter(self.changes)

    def __len__(self) -> int:
        return len(self.changes)

    @overload
    def of(self, entity: type[E]) -> list[Change[E]]: ...
    @overload
    def of(self, entity: str) -> list[AnyChange]: ...
    def of(self, entity: type[E] | str) -> list[Change[E]] | list[AnyChange]:
        """The changes of one entity, [] when there are none."""
        name = entity if isinstance(entity, str) else entity_name(entity)
        return self._grouped.get(name) or []

    def touches(self, entities: frozenset[str]) -> bool:
        """Whether one of the changes is of one of these entities, by their names."""
        return not entities.isdisjoint(self._grouped)

    def stage(self, change: AnyChange) -> Stage | None:
        """The stage that a change leaves its record in, as its pipeline declares it: `name`, `type` (open, won, lost),
        `probability`, `reasons`. None where the record has no pipeline, or its stage is refused."""
        pipeline = self._pipelines.get(change.new.get("pipeline") or "")
        return None if pipeline is None else pipeline.stage(change.new["stage"])

    def add(self, *changes: AnyChange, cause: AnyChange | None = None, pointer: str = "") -> None:
        """Further changes of the same operation, with system rights; they pass all rules and the hooks too.

        A new record has its `id` from here on, so others may refer to it. Faults of what was added for a `cause`
        refuse that change: they are told of its row, below `pointer` (`/deal`, then `/deal/amount`).
        """
        call = self.journal.taken("batch.add", amends=True)
        for change in changes:
            if change.kind == "create" and "id" not in change.values:
                change.id = self._new_id()
            change.cause = None if cause is None else Cause(cause, pointer)
            change.trusted = True
            change.plugin = call.plugin
            self.added.append(change)

    @overload
    async def find(
        self,
        entity: type[E],
        filter: str | None = None,
        *,
        sort: str | None = None,
        limit: int = 1000,
        as_actor: bool = False,
        **params: Any,
    ) -> list[E]: ...
    @overload
    async def find(
        self,
        entity: str,
        filter: str | None = None,
        *,
        sort: str | None = None,
        limit: int = 1000,
        as_actor: bool = False,
        **params: Any,
    ) -> list[RecordView]: ...
    async def find(
        self,
        entity: str | type[Entity],
        filter: str | None = None,
        *,
        q: str | None = None,
        sort: str | None = None,
        limit: int = 1000,
        as_actor: bool = False,
        **params: Any,
    ) -> Any:
        """Live records that satisfy a filter (`@param.NAME` for `params`); with system rights unless `as_actor`.

        `q` are words to search for, as people do: by the index of words, so quickly among very many records.
        In `before_write` it sees stored rows as they were before the batch, in `check_write` as they are after.
        """
        self.journal.taken("batch.find")
        cls = None if isinstance(entity, str) else entity
        name = entity if isinstance(entity, str) else entity_name(entity)
        asked = {"q": q, "sort": sort, "limit": limit, "as_actor": as_actor, "params": plain(params)}
        rows = await self._ask(lambda: self._find(name, filter, **asked))
        return [RecordView(row, cls) for row in rows]

    async def lock(self, *keys: str) -> None:
        """Hold named locks until the operation ends: whoever takes the same key waits.

        A rule that reads others before it decides locks a key that all rivals share (`f"listing:{id}"`).
        """
        self.journal.taken("batch.lock")
        if keys:
            await self._ask(lambda: self._lock(*sorted(keys)))

    async def _ask(self, ask: Callable[[], Awaitable[T]]) -> T:
        try:
            return await self.deadline.spare(self._alone(ask))
        except Exception as error:
            if not isinstance(error, Error) or error.status >= 500:
                self.failure = error
            raise

    async def _alone(self, ask: Callable[[], Awaitable[T]]) -> T:
        """One question at a time, also of a hook that gathers several: they share the connection of the operation."""
        async with self._asking:
            return await ask()
