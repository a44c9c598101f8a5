"""What plugins are given to work with after the commit: `crm` (floor 7)."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from copy import copy
from datetime import datetime
from itertools import count
from typing import Any, TypeVar, overload

import msgspec

from crm_kernel.callers import Caller, read_only
from crm_kernel.clock import Clock
from crm_kernel.entities import Entity, entity_name
from crm_kernel.errors import Error
from crm_kernel.hook_call import refuse_inside_hook
from crm_kernel.operations.answers import decode, encode
from crm_kernel.operations.batch_json import read_change
from crm_kernel.operations.call_watch import kernel_work
from crm_kernel.operations.changes import AnyChange, Change, RecordView, plain
from crm_kernel.operations.crm_services import Services
from crm_kernel.operations.fitting import Fitting, fit
from crm_kernel.operations.outcomes import Outcome
from crm_kernel.plugin_words import message
from crm_kernel.storage import keys, scan
from crm_kernel.storage.ports import NotUnique, Tx

E = TypeVar("E", bound=Entity)
AnyEntity = str | type[Entity]


class Crm:
    """Reads and writes of one plugin, through the same two doors as everybody's.

    Without `as_user` it acts as the plugin itself with all rights, and history says so.
    """

    def __init__(
        self,
        services: Services,
        caller: Caller,
        *,
        key: str | None = None,
        sender: Caller | None = None,
        writes: bool = True,
    ) -> None:
        self._services = services
        self._caller = caller
        self._key = key  # of the event that a listener works on: repeated deliveries write once
        self._sender = sender  # of a request: he acts with the scopes of the token he came with
        self._writes = writes
        self._user: str | None = None
        self._ordinals = count(1)  # of its writes, those made `as_user` too: each has a key of its own
        self.log = logging.getLogger(f"crm.plugin.{caller.plugin}" if caller.plugin else "crm")

    @property
    def settings(self) -> Any:
        """The plugin's settings: its settings class filled from `[plugins.NAME]`."""
        return self._services.settings_of(self._caller.plugin)

    @property
    def clock(self) -> Clock:
        """The kernel's clock; samples and tests may set it."""
        return self._services.clock

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return self._services.clock.now()

    def text(self, key: str, locale: str = "en", **values: Any) -> str:
        """A message of the plugin (`message.KEY` of its translations) in a language, else in English.

        Raises `KeyError` for a key that is not there.
        """
        return message(self._services.messages_of(self._caller.plugin), locale, key, values)

    async def _acting(self, as_user: str | None) -> Caller:
        user_id = as_user or self._user
        if user_id is None:
            return self._caller
        sender = self._sender
        if sender is not None and user_id in (sender.id, sender.login):
            user = msgspec.structs.replace(sender, channel="plugin")
        else:
            user = await self._services.caller_for(user_id, "plugin")
        return msgspec.structs.replace(
            user, plugin=self._caller.plugin, cause=self._caller.cause, depth=self._caller.depth
        )

    def as_user(self, user: str) -> Crm:
        """The same with the rights of a user (id or login), who is looked up when it is used."""
        other = copy(self)
        other._user = user
        return other

    @overload
    async def write(
        self,
        changes: Sequence[Change[E]],
        *,
        as_user: str | None = None,
        key: str | None = None,
    ) -> list[E]: ...
    @overload
    async def write(
        self,
        changes: Sequence[AnyChange | Mapping[str, Any]],
        *,
        entity: AnyEntity | None = None,
        as_user: str | None = None,
        key: str | None = None,
    ) -> list[RecordView]: ...
    @kernel_work
    async def write(
        self,
        changes: Sequence[AnyChange | Mapping[str, Any]],
        *,
        entity: AnyEntity | None = None,
        as_user: str | None = None,
        key: str | None = None,
    ) -> Any:
        """Do all changes in one transaction and return the records as written, in order.

        Changes are `Change.create(Viewing, …)` or, with `entity`, those of the batch route
        (`{"create": {"values": {…}}}`). With the same `key` they are done once, however often this is called: a repeat
        returns the records as they are now. Raises `Error` with all faults of all changes; then nothing is written.
        """
        if not self._writes:
            raise RuntimeError("this crm does not write: its code was declared to change nothing")
        caller = await self._acting(as_user)
        if caller.read_only:
            raise read_only()
        ordinal = next(self._ordinals)
        key = key or (f"{self._key}:{ordinal}" if self._key else None)
        requests = [self._change(change, entity) for change in changes]
        if key is None:
            return self._written(await self._services.writer.write(requests, caller))
        scope = f"plugin:{caller.plugin}"

        async def keep(tx: Tx, outcomes: list[Outcome]) -> None:
            # Ids and no values: what is erased from the records must not live on here.
            ids = encode([(o.entity, o.id) for o in outcomes]).decode()
            await keys.keep(tx, scope, key, ids, self._services.clock.now_text())

        if (kept := await keys.find(self._services.database, scope, key)) is not None:
            return await self._again(kept.answer)
        try:
            return self._written(await self._services.writer.write(requests, caller, also=keep))
        except NotUnique:  # of the key: another call with it was first
            if (kept := await keys.find(self._services.database, scope, key)) is None:
                raise
            return await self._again(kept.answer)

    def _written(self, outcomes: Sequence[Outcome]) -> list[RecordView]:
        return [self._view(o.record or {"id": o.id}, o.entity) for o in outcomes]

    async def _again(self, kept: str) -> list[RecordView]:
        """The records that an earlier write with the same key wrote, as they are now; `{"id"}` of one that is gone."""
        written: list[tuple[str, str]] = [(entity, id) for entity, id in decode(kept.encode())]
        found: dict[tuple[str, str], Mapping[str, Any]] = {}
        for entity in {entity for entity, _ in written}:
            model = self._services.registry.entities.get(entity)
            ids = [id for name, id in written if name == entity]
            if model is not None:
                records = await self._services.store.records.load(self._services.database, model, ids)
                found.update({(entity, record["id"]): record for record in records})
        return [self._view(found.get((entity, id), {"id": id}), entity) for entity, id in written]

    @staticmethod
    def _change(change: AnyChange | Mapping[str, Any], entity: AnyEntity | None) -> AnyChange:
        if isinstance(change, Change):
            return change
        if entity is None:
            raise TypeError("crm.write takes Change.create(…) and the like, or entity= with changes of the batch route")
        return read_change(entity_name(entity), plain(change))

    def _view(self, record: Mapping[str, Any], entity: AnyEntity) -> RecordView:
        model = self._services.registry.entities.get(entity_name(entity))
        return RecordView(record, model.cls if model else None)

    @overload
    async def find(
        self,
        entity: type[E],
        filter: str | None = None,
        *,
        sort: str | None = None,
        limit: int = 100,
        as_user: str | None = None,
        **params: Any,
    ) -> list[E]: ...
    @overload
    async def find(
        self,
        entity: str,
        filter: str | None = None,
        *,
        sort: str | None = None,
        limit: int = 100,
        as_user: str | None = None,
        **params: Any,
    ) -> list[RecordView]: ...
    @kernel_work
    async def find(
        self,
        entity: AnyEntity,
        filter: str | None = None,
        *,
        sort: str | None = None,
        limit: int = 100,
        as_user: str | None = None,
        **params: Any,
    ) -> Any:
        """Live records that satisfy a filter, at most `limit`; `params` are its `@param.NAME`."""
        caller = await self._acting(as_user)
        name = entity_name(entity)
        access = self._services.reader.access(caller, name)
        environment = self._services.registry.environment(caller, self.now(), params=plain(params))
        rows = await self._services.reader.find(name, access, environment, filter, sort=sort, limit=limit)
        return [self._view(row, entity) for row in rows]

    @overload
    def batches(
        self, entity: type[E], filter: str | None = None, *, size: int = 200, as_user: str | None = None, **params: Any
    ) -> AsyncIterator[list[E]]: ...
    @overload
    def batches(
        self, entity: str, filter: str | None = None, *, size: int = 200, as_user: str | None = None, **params: Any
    ) -> AsyncIterator[list[RecordView]]: ...
    async def batches(
        self,
        entity: AnyEntity,
        filter: str | None = None,
        *,
        size: int = 200,
        as_user: str | None = None,
        **params: Any,
    ) -> AsyncIterator[list[Any]]:
        """All live records that satisfy a filter, in lists of at most `size`, in the order in which they were created.

        In a migration it goes on behind the last list that was done with, also after the process was killed, and each
        `crm.write` for a list is done once.
        """
        async for _, records in self._batches(entity, filter, "", size, as_user, params):
            if records:
                yield records

    async def _batches(
        self,
        entity: AnyEntity,
        filter: str | None,
        after: str,
        size: int,
        as_user: str | None,
        params: Mapping[str, Any],
    ) -> AsyncIterator[tuple[list[str], list[RecordView]]]:
        """The same behind an id, with all ids of each stretch: maybe none of its records satisfies the filter."""
        refuse_inside_hook()
        model = self._services.registry.entities[entity_name(entity)]
        database = self._services.database
        last = await scan.last_id(database, model)
        where = f"id in @param.of_batch and ({filter})" if filter else "id in @param.of_batch"
        while ids := await scan.ids_after(database, model, after, last, size):
            found = await self.find(model.name, where, limit=size, as_user=as_user, **params, of_batch=ids)
            yield ids, sorted(found, key=lambda record: record["id"])
            after = ids[-1]

    @overload
    async def get(self, entity: type[E], id: str, *, as_user: str | None = None) -> E: ...
    @overload
    async def get(self, entity: str, id: str, *, as_user: str | None = None) -> RecordView: ...
    async def get(self, entity: AnyEntity, id: str, *, as_user: str | None = None) -> Any:
        """One live record. Raises `Error("not_found")`."""
        found = await self.find(entity_name(entity), "id = @param.id", limit=1, as_user=as_user, id=id)
        if not found:
            raise Error("not_found", f"There is no {entity_name(entity)} {id}.")
        return found[0]

    @kernel_work
    async def count(
        self, entity: AnyEntity, filter: str | None = None, *, as_user: str | None = None, **params: Any
    ) -> int:
        """How many live records satisfy a filter."""
        caller = await self._acting(as_user)
        name = entity_name(entity)
        access = self._services.reader.access(caller, name)
        environment = self._services.registry.environment(caller, self.now(), params=plain(params))
        return await self._services.reader.count(name, access, environment, filter)

    def fit(self, entity: AnyEntity, values: Mapping[str, Any]) -> Fitting:
        """Which of these values would be accepted for their fields, and why not the others; see `Fitting`."""
        return fit(self._services.registry, entity_name(entity), plain(dict(values)))

    @kernel_work
    async def report(
        self, report: str | Mapping[str, Any], *, as_user: str | None = None, **params: Any
    ) -> dict[str, Any]:
        """The answer of a report, by name or as a document: `{"columns", "rows", "totals", "truncated", "as_of"}`.

        `params` are its parameters. Raises `Error`: not_found, forbidden, invalid, unknown_parameter, bad_value.
        """
        return await self._services.reports.run(report, plain(params), await self._acting(as_user))

    @kernel_work
    async def may(self, action: str, entity: AnyEntity, id: str, *, as_user: str | None = None) -> bool:
        """Whether a user may do an action on a record; false for one that he does not see, or that is not there.

        The action is the kernel's, or one of a plugin (`Plugin(actions=…)`) that grants give like the kernel's.
        Without `as_user` the plugin itself is asked about, who may do everything. Raises `Error("bad_value")` for an
        action that nobody has.
        """
        return await self._services.reader.may(action, entity_name(entity), id, await self._acting(as_user))

    @overload
    async def move(
        self,
        entity: type[E],
        id: str,
        to: str,
        *,
        reason: str | None = None,
        values: Mapping[str, Any] | None = None,
        as_user: str | None = None,
    ) -> E: ...
    @overload
    async def move(
        self,
        entity: str,
        id: str,
        to: str,
        *,
        reason: str | None = None,
        values: Mapping[str, Any] | None = None,
        as_user: str | None = None,
    ) -> RecordView: ...
    async def move(
        self,
        entity: AnyEntity,
        id: str,
        to: str,
        *,
        reason: str | None = None,
        values: Mapping[str, Any] | None = None,
        as_user: str | None = None,
    ) -> Any:
        """Move one record to a stage; the record as written."""
        change: AnyChange = Change.move(entity_name(entity), id, to, reason=reason, values=values)
        return (await self.write([change], as_user=as_user))[0]
